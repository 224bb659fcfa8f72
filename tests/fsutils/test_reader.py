# SPDX-License-Identifier: BSD-2-Clause
"""Command lines that are read without argparse: to what argparse makes of them, or not at all."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from rump.fsutils import main as program
from rump.fsutils.options import make_parser
from rump.fsutils.reader import Reader, Unusual, _Line

WORDS = [
    "a.img:/x", "b.img", "", "-", "--", "-7", "1K", "1", "time", "never", "x=y", "-x y", "--nonsense", "--all=1", "-=",
]  # fmt: skip


def _reader(verb: str) -> Reader | None:
    module = program.load(verb)
    if hasattr(module, "parser_of"):
        made = module.parser_of(None)
    else:
        made = make_parser(verb, "", "")
        module.add_arguments(made)
    return made if isinstance(made, Reader) else None


def _lines(reader: Reader, seed: str) -> list[list[str]]:
    """Lines of options that there are, with and without values, in all forms, and of other words."""
    chance = random.Random(seed)
    flags = [flag for _, flags, _ in reader._calls for flag in flags if flag[0] == "-" and flag != "--help"]
    letters = [flag[1] for flag in flags if len(flag) == 2] or ["x"]
    lines = []
    for _ in range(150):
        line = []
        for _ in range(chance.randrange(6)):
            line.append(chance.choice([
                chance.choice(flags), chance.choice(flags), f"{chance.choice(flags)}={chance.choice(WORDS)}",
                "-" + "".join(chance.choices(letters, k=3)), chance.choice(WORDS[:3]), chance.choice(WORDS),
            ]))  # fmt: skip
        lines.append(line)
    return lines


@pytest.mark.parametrize("verb", sorted(program.VERBS))
def test_as_argparse_reads_them(verb: str) -> None:
    reader = _reader(verb)
    assert reader is not None
    for line in _lines(reader, verb):
        try:
            mine = _Line(reader._calls, reader._defaults).read(list(line))
        except Unusual:
            continue
        assert mine == vars(reader.complete().parse_intermixed_args(line)), line


@pytest.mark.parametrize(
    ("verb", "line"),
    [("ls", ["-lR", "a.img:/"]), ("ls", ["--sort=time", "-I", "*.o", "--color=never", "a.img"]),
     ("cat", ["-n", "a.img:/x", "b.img:/y"]), ("du", ["-sh", "a.img:/"]), ("rm", ["-rf", "a.img:/x", "--no-sync"])],
)  # fmt: skip
def test_plain_lines_are_read(verb: str, line: list[str]) -> None:
    reader = _reader(verb)
    assert reader is not None
    parsed = reader.parse_intermixed_args(line)
    assert reader._complete is None
    assert vars(parsed) == vars(reader.complete().parse_intermixed_args(line))


def test_mistakes_are_left_to_argparse() -> None:
    from rump.fsutils.errors import UsageError

    reader = _reader("ls")
    assert reader is not None
    for line in (["--nonsense"], ["--sort=nonsense"], ["--sort"], ["-lw"], ["--all=1"], ["--block-size=many"]):
        with pytest.raises(UsageError):
            reader.parse_intermixed_args(line)
    parsed = reader.parse_intermixed_args(["-l", "a.img"])
    assert "long" in parsed and not hasattr(parsed, "nonsense")


def test_argparse_stays_away() -> None:
    line = "import sys; from rump.fsutils.main import main; status = main(['ls', '-l', '/nonexistent']); "
    line += "assert status == 1; print(*({'argparse', 'gettext', 'locale', 'signal'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", _path() + line], capture_output=True, check=True)
    assert done.stdout.split() == []


def _path() -> str:
    return f"import sys; sys.path[:] = {sys.path!r}; "
