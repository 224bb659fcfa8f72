# SPDX-License-Identifier: BSD-2-Clause
"""`fsu grep` against GNU grep in a UTF-8 locale."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rump.fsutils.searching.characters import LAST, expression, joined, others

from .conftest import Fsu, call, tool

FILES = {
    "text": b"foo bar\nfoobar\nthe quick brown fox\nThe End\nhe said: the\nabab\naa\nxxy\nxxxy\na*b\na.b\n555-1234\n"
    b"abcd\nabc\nxyzzy\nb^a\na$b\n{1}\nx{1\n\n\ta  \n_under_score\nthe_end\n",
    "utf8": "Grüße\ngrün\nGRÜN\nü\nüü\n世界\nжизнь\nx\nДщз\nüber\n é\n".encode(),
    "binary": b"foo\nabc\0foo\nthe\n" + bytes(300) + b"\nfoo\n",
    "noend": b"the foo\n\nfoo",
    "empty lines": b"\n\n\nfoo\n\n\na\n\n",
    "nothing": b"",
}
BASIC = (
    "foo", "f.o", "^f", "o$", "^$", "", "fo*", r"f\+o", r"\(fo\)\1", r"a\|b", "[abc]", "[^abc]", "[]a]", "[^]a]",
    "[[:alpha:]]", "[[:digit:]_]*", r"x\{2\}", r"x\{2,3\}y", r"\<the\>", r"\bthe", r"\Bhe", r"\w\w*", r"\W", r"\S\s\S",
    "ü", "[ü]", "^.$", "^..$", "世", "[^ü]", "*a", r"\(*a\)", "^*", "a^b", "a$b", r"\.", r"^\(.*\)\1$", "a\nthe",
)  # fmt: skip
EXTENDED = (
    "foo|bar", "(foo|the)+", "a{2}", "a{,2}b", "x{1", "(a|b)*c", r"^(.)(.).*\2\1", "a+?", "(|a)b", r"\(a\)", "|a",
    "a**", "[0-9]{3}-[0-9]{4}", "a|ab", "ab|a", "x?y", ".{3}", "$^", "(^a)", "b(^a)",
)  # fmt: skip
OPTIONS = (
    (), ("-c",), ("-v",), ("-on",), ("-i",), ("-w",), ("-x",), ("-l",), ("-L",), ("-nb",), ("-C1", "-n"),
    ("-m2", "-A1"), ("-z", "-c"), ("-a", "-o"), ("-h", "-vc"), ("-q",), ("--color=always", "-n"), ("-Z", "-l", "-i"),
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree, and beside it an image of it, image.img; not to be changed."""
    root = tmp_path_factory.mktemp("grep") / "tree"
    (root / "sub/CVS").mkdir(parents=True)
    for name, data in FILES.items():
        (root / name).write_bytes(data)
    (root / "sub/a.c").write_text("int foo;\n")
    (root / "sub/b.h").write_text("extern int foo;\n")
    (root / "sub/CVS/c.c").write_text("foo in CVS\n")
    (root / "sub/link").symlink_to("a.c")
    (root / "around").symlink_to(".")
    os.mkfifo(root / "sub/fifo")
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, root.parent / "image.img", "16M")
    return root


class Comparison:
    """The same command line on a tree of the host and on an image of it."""

    def __init__(self, fsu: Fsu, root: Path) -> None:
        self._fsu = fsu
        self._root = root
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", "GREP_COLORS": "", "GREP_COLOR": ""}

    def host(self, *words: str) -> tuple[int, bytes]:
        command = [tool("grep"), *words]
        done = subprocess.run(command, cwd=self._root, env=self._environment, capture_output=True, check=False)
        return done.returncode, done.stdout

    def ours(self, *words: str) -> tuple[int, bytes]:
        image = f"{self._root.parent}/image.img:/"
        known = {*FILES, "sub", "sub/a.c"}
        result = self._fsu("grep", *(image + word if word in known else word for word in words))
        return result.status, result.out.replace(image.encode(), b"")

    def check(self, *words: str) -> None:
        assert self.ours(*words) == self.host(*words), words


@pytest.fixture
def both(fsu: Fsu, root: Path) -> Comparison:
    said = call(tool("grep"), "--version").split("\n")[0]
    if not said.startswith("grep (GNU grep)") or said.rpartition(" ")[2] < "3.5":
        pytest.skip(f"needs GNU grep 3.5, not {said}")
    return Comparison(fsu, root)


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_as_grep_finds_it(both: Comparison, number: int) -> None:
    """Each pair of options with half of the patterns: together that is all of each."""
    options = OPTIONS[number]
    names = [name for name in FILES if name != "binary" or not {"-C1", "-A1"} & set(options)]
    if "-vc" in options:
        names.remove("nothing")  # with -vc '' GNU grep says nothing of any file
    for pattern in BASIC[number % 2 :: 2]:
        if pattern or "-vc" not in options:
            both.check(*options, "-e", pattern, *names)
    for pattern in EXTENDED[number % 2 :: 2]:
        both.check(*options, "-E", "-e", pattern, *names)
    for pattern in ("foo", "a.b", "Ü", "x\nfoo")[number % 2 :: 2]:
        both.check(*options, "-F", "-e", pattern, *names)


@pytest.mark.parametrize("pattern", [r"a\{1", "a\\", "[a", "[[:foo:]]", r"\(a", r"a\)", "[b-a]", r"\1", r"\(a\1\)"])
def test_what_is_no_pattern(both: Comparison, pattern: str) -> None:
    both.check("-e", pattern, "text")
    assert both.ours("-e", pattern, "text")[0] == 2


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a{2,1}", r"(a)\2", "(" * 300 + ")" * 300])
def test_what_is_no_extended_pattern(both: Comparison, pattern: str) -> None:
    assert both.ours("-E", "-e", pattern, "text")[0] == 2


def test_ranges_of_letters(both: Comparison) -> None:
    assert both.ours("-c", "^[\u0430-\u044f]*$", "utf8")[1] == b"1\n"
    assert both.ours("-ci", "^[\u0430-\u044f]*$", "utf8")[1] == b"2\n"
    assert both.ours("-c", "[一-龥]", "utf8")[1] == b"1\n"
    assert both.ours("-P", "-c", r"^\w{3}\d?$", "text")[1] == b"2\n"


@pytest.mark.parametrize(
    "ranges", [[(0x80, LAST)], [(0x61, 0x7A), (0xE0, 0x450)], [(0x7FF, 0x801)], [(0xFFF0, 0x10010)]]
)
def test_sets_of_characters(ranges: list[tuple[int, int]]) -> None:
    """Every character is in a set or in its complement, as a whole."""
    import re

    within, without = (re.compile(expression(found, repeated=False)) for found in (ranges, others(joined(ranges))))
    codes = {0, 0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xFFFF, 0x10000, LAST, *range(0x61, 0x500, 7)}
    codes |= {edge + step for pair in ranges for edge in pair for step in (-1, 0, 1)}
    for code in sorted(codes):
        if code <= LAST and not 0xD800 <= code < 0xE000:
            text = chr(code).encode()
            inside = any(first <= code <= last for first, last in ranges)
            assert (within.fullmatch(text) is not None) == inside, hex(code)
            assert (without.fullmatch(text) is not None) != inside, hex(code)


def test_trees(both: Comparison, root: Path, fsu: Fsu) -> None:
    image = f"{root.parent}/image.img"

    def found(*words: str) -> list[str]:
        result = fsu("grep", "-r", "-l", "foo", *words)
        assert result.status == 0, result.err
        return result.out.decode().replace(f"{image}:/", "").splitlines()

    every = ["binary", "empty lines", "noend", "sub/CVS/c.c", "sub/a.c", "sub/b.h", "text"]
    assert found(image) == every
    assert found("--include=*.c", image) == ["sub/CVS/c.c", "sub/a.c"]
    assert found("--exclude=*.c", "--exclude", "[a-e]*", "--exclude-dir=sub", image) == ["noend", "text"]
    assert found("--exclude-dir=CVS", "--include=*.[ch]", image) == ["sub/a.c", "sub/b.h"]
    assert found(f"{image}:/sub/link", f"host:{root}/sub") == [
        "sub/link", f"{root}/sub/CVS/c.c", f"{root}/sub/a.c", f"{root}/sub/b.h"]  # fmt: skip
    assert "sub/link" in found("-R", f"{image}:/sub")
    result = fsu("grep", "-Rl", "foo", f"{image}:/around")
    assert result.status == 2 and f"{image}:/around/text".encode() in result.out and b"leads back" in result.err
    assert fsu("grep", "-r", "int", f"{image}:/sub/a.c").out == b"int foo;\n"
    assert fsu("grep", "-r", "extern", f"{image}:/sub").out == f"{image}:/sub/b.h:extern int foo;\n".encode()


def test_statuses(fsu: Fsu, root: Path) -> None:
    image = f"{root.parent}/image.img"
    result = fsu("grep", "foo", f"{image}:/none", f"{image}:/text", f"{image}:/sub")
    assert result.status == 2 and result.out.count(b"foo") == 2
    assert b"none: No such file" in result.err and b"sub: Is a directory" in result.err
    assert fsu("grep", "-s", "foo", f"{image}:/none")[1:] == (b"", b"")
    assert fsu("grep", "-q", "foo", f"{image}:/none", f"{image}:/text").status == 0
    assert fsu("grep", "absent", f"{image}:/text").status == 1
    assert fsu("grep").status == 2 and fsu("grep", "-r", "x").status == 2 and fsu("grep", "-A", "-1", "x").status == 2


def test_patterns_from_files_and_standard_input(
    fsu: Fsu, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = f"{root.parent}/image.img"
    (tmp_path / "patterns").write_text("quick\nEnd\n")
    assert fsu("grep", "-f", tmp_path / "patterns", f"{image}:/text").out == b"the quick brown fox\nThe End\n"
    assert fsu("grep", "-c", "-f", f"{image}:/nothing", f"{image}:/text").out == b"0\n"
    assert fsu("grep", "-e", "-1234", f"{image}:/text").out == b"555-1234\n"
    assert fsu("grep", "-1", "-F", "quick", f"{image}:/text").out == b"foobar\nthe quick brown fox\nThe End\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\n")))
    assert fsu("grep", "-H", "two").out == b"(standard input):two\n"


def test_binary_files(fsu: Fsu, root: Path) -> None:
    path = f"{root.parent}/image.img:/binary"
    result = fsu("grep", "foo", path)
    assert (result.status, result.out) == (0, b"") and result.err == f"fsu grep: {path}: binary file matches\n".encode()
    assert fsu("grep", "-I", "foo", path)[:2] == (1, b"")
    assert fsu("grep", "--binary-files=text", "-c", "foo", path).out == b"3\n"


def test_lines_have_a_limit(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rump.fsutils.searching import search

    monkeypatch.setattr(search, "LONGEST", 1 << 20)
    (tmp_path / "long").write_bytes(b"ok\n" + b"x" * (3 << 20))
    result = fsu("grep", "k", f"host:{tmp_path}/long")
    assert result.status == 2 and result.out == b"ok\n" and b"line 2 has more than 1 MiB" in result.err


def test_blocks_and_pieces(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, offsets and context go on from one piece of a file to the next."""
    from rump.fsutils import contents

    monkeypatch.setattr(contents, "PIECE", 7)
    data = b"".join(b"line %d\n" % number for number in range(40)) + b"end"
    (tmp_path / "file").write_bytes(data)
    for options in (
        ["-nb", "3"],
        ["-n", "-C1", "9"],
        ["-nv", "[0-9]"],
        ["-c", "e"],
        ["-n", "end"],
        ["-m3", "-A2", "1"],
    ):
        host = subprocess.run(["grep", *options, tmp_path / "file"], capture_output=True, check=True)
        assert fsu("grep", *options, f"host:{tmp_path}/file").out == host.stdout, options
