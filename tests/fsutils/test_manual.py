# SPDX-License-Identifier: BSD-2-Clause
"""Manual pages: made from the commands' own help, clean for mandoc and groff, the same each time."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rump.fsutils import main as module
from rump.fsutils import manual
from rump.fsutils.main import VERBS, load
from rump.fsutils.original.programs import PROGRAMS
from rump.fsutils.paging import plain, roff
from rump.fsutils.paging.document import Block, Page, examples, page_of, paragraphs

from .conftest import Fsu, tool
from .terminal import Terminal, fsu_program

__all__ = ["fsu_program"]

needs_mandoc = pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
needs_groff = pytest.mark.skipif(not shutil.which("groff"), reason="needs groff")
HOSTILE = [
    ".TH EVIL", "'br", "\\fB\\*(xx", "a\n.so /etc/passwd", "-x --long ^ ~ ` ' \" é 世", ".", "\\", "\x01\x1b[31m",
]  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """All pages, as files."""
    folder = tmp_path_factory.mktemp("man")
    assert module.main(["manual", "-o", str(folder), "--release", "1.2.3"]) == 0
    return sorted(folder.iterdir())


def test_a_page_for_every_command(pages: list[Path]) -> None:
    programs = {f"fsu_{name}.1" for name in PROGRAMS}
    assert {page.name for page in pages} == {"fsu.1", *(f"fsu-{verb}.1" for verb in VERBS), *programs}
    for page in pages:
        text = page.read_text(encoding="ascii")
        assert text.startswith(".TH FSU") and '"rumpkernel 1.2.3"' in text.split("\n")[0]
        special = ("MOUNTING", "FILES") if page.name in programs else ("EXAMPLES",)
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", *special, "EXIT STATUS", "SEE ALSO"):
            assert f"\n.SH {section}\n" in text, (page.name, section)


def test_the_same_each_time(pages: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    monkeypatch.setenv("COLUMNS", "47")
    assert module.main(["manual", "-o", str(tmp_path), "--release", "1.2.3"]) == 0
    assert [page.read_bytes() for page in sorted(tmp_path.iterdir())] == [page.read_bytes() for page in pages]


@needs_mandoc
def test_mandoc_has_nothing_to_say(pages: list[Path]) -> None:
    command = ["mandoc", "-T", "lint", "-W", "warning", *pages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_groff
def test_groff_has_nothing_to_say(pages: list[Path]) -> None:
    done = subprocess.run(["groff", "-man", "-ww", "-z", *pages], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_there(verb: str, fsu: Fsu) -> None:
    """As --help has them, and the examples are command lines that make sense."""
    page = plain.text(page_of(verb), 78)
    target = load(verb)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    target.add_arguments(parser)
    for action in parser._actions:
        for option in action.option_strings if action.help is not argparse.SUPPRESS else ():
            assert f" {option}" in page, option
    found = 0
    for line in getattr(target, "EXAMPLES", "").splitlines():
        if line and not line.startswith(" "):
            found += _makes_sense(line)
    assert found
    for name in getattr(target, "RELATED", ()):
        assert name in VERBS


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_option_of_the_original_s_programs(name: str) -> None:
    """As --help has them."""
    page = plain.text(page_of(f"fsu_{name}"), 78)
    for letter, value, _, text in PROGRAMS[name].flags:
        assert f"\n    -{letter} {value}".rstrip() + "\n" in page, letter
        assert " ".join(text.split()) in " ".join(page.split())


def _makes_sense(line: str) -> int:
    """Have the words behind each `fsu` of a shell's line read; how many there were."""
    commands = [shlex.split(part) for part in line.split(" | ")]
    found = [words[1 : words.index(">") if ">" in words else None] for words in commands if words[0] == "fsu"]
    for verb, *words in found:
        module.parse(verb, load(verb), words)
    return len(found)


def test_the_page_of_a_command(fsu: Fsu) -> None:
    text = fsu("help", "readlink").out.decode()
    assert text.startswith("NAME\n    fsu-readlink - print where symbolic links lead\n")
    assert "    -f, --canonicalize\n" in text and "    fsu(1), fsu-ln(1), fsu-stat(1)" in text
    assert fsu("help", "fsu_ln").out.startswith(b"NAME\n    fsu_ln - make links\n")
    assert fsu("help").out.startswith(b"NAME\n    fsu - ")
    result = fsu("help", "nope")
    assert result.status == 2 and b"unknown command" in result.err
    assert fsu("manual", "nope").status == 2
    assert fsu("manual").out.startswith(b'.TH FSU 1 "')
    assert fsu("manual", "ls", "cat").out.count(b".TH ") == 2
    assert fsu("manual", "-o", "/dev/null/x", "ls").status == 1


def hostile() -> Page:
    page = Page("fsu-evil", HOSTILE[4])
    for text in HOSTILE:
        page.add(text.replace("\n", " "), [
            Block("paragraph", [("R", text), ("B", text), ("I", text)]), Block("item", [("B", text)], text),
            Block("lines", [], text), Block("heading", [("R", text.replace("\n", " "))]),
            Block("paragraph", [("R", f"a {text} b")])])  # fmt: skip
    return page


def test_nothing_is_a_request_that_was_text() -> None:
    source = roff.page(hostile(), ".so x")
    known = (".TH ", ".SH ", ".SS ", ".TP", ".PP", ".RS ", ".RE", ".nf", ".fi", ".nh", ".ad ")
    lines = source.split("\n")
    assert all(line.startswith(known) for line in lines if line[:1] in (".", "'"))
    assert sum(line.startswith(".TH") for line in lines) == 1 and not any(line.startswith(".so") for line in lines)
    assert all(line.isprintable() and line.isascii() for line in lines)


@needs_groff
def test_groff_shows_what_was_meant() -> None:
    shown = subprocess.run(["groff", "-man", "-Tutf8", "-P-cbou"], input=roff.page(hostile(), "").encode(),
                           capture_output=True, check=True).stdout.decode()  # fmt: skip
    for text in (".TH EVIL", "'br", "\\fB\\*(xx", "-x --long ^ ~ ` ' \" é 世", ".so /etc/passwd"):
        assert text in shown


def test_text() -> None:
    blocks = [(block.kind, block.spans, block.text) for block in paragraphs("a\nb `c d`\n\n    as it\n      is\n")]
    assert blocks == [("paragraph", [("R", "a b "), ("B", "c d")], ""), ("lines", [], "as it\n  is")]
    found = examples("fsu a\nfsu b\n    does this\n\n        file\n\n        more")
    kinds = [(block.kind, block.text) for block in found]
    assert kinds == [("lines", "fsu a\nfsu b"), ("paragraph", ""), ("lines", "file"), ("lines", "more")]


def test_help_on_a_terminal(fsu_program: Path) -> None:
    """With man, and with a pager where there is none."""
    tool("man")
    with Terminal("fsu", "help", "readlink", MANPAGER="cat", PAGER="cat") as terminal:
        terminal.until("FSU-READLINK(1)")
        assert terminal.ends() == 0
    script = fsu_program / "fsu"
    script.write_text(f"#!/bin/sh\nPATH=/nowhere exec {shlex.quote(sys.executable)} -m rump.fsutils \"$@\"\n")
    with Terminal("fsu", "help", "readlink", PAGER="/bin/sed 's/^/| /'") as terminal:
        terminal.until("| NAME")
        assert terminal.ends() == 0


def test_the_version() -> None:
    assert manual.version() == "" or manual.version()[0].isdigit()
