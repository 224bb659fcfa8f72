# SPDX-License-Identifier: BSD-2-Clause
"""The documents: every command is in the table of docs/fsu.md with options that it has, and links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from rump.fsutils.main import VERBS, load
from rump.fsutils.options import make_parser

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WIDTH = 160         # of prose; rows of tables and output of commands are as long as they are
OPTION = re.compile(r"(?<!\S)(--?[A-Za-z0-9][\w-]*)")


def _rows() -> dict[str, str]:
    """Verb -> the options that docs/fsu.md shows of it, and of those in the same row."""
    found: dict[str, str] = {}
    for line in (ROOT / "docs" / "fsu.md").read_text(encoding="utf-8").splitlines():
        cells = line.replace("\\|", "/").strip("| ").split(" | ")
        verbs = re.findall(r"`([a-z]+)(?: -[cx])?`", cells[0])
        if line.startswith("| `") and len(cells) > 1 and verbs and set(verbs) <= set(VERBS):
            options = " ".join(re.findall(r"`([^`]*)`", " ".join(cells[2:])))
            found |= {verb: f"{found.get(verb, '')} {options}" for verb in verbs}
    return found


def _options(verb: str) -> set[str]:
    """The options that a verb has."""
    parser = make_parser(verb, "", "")
    load(verb).add_arguments(parser)
    return {word for action in parser._actions for word in action.option_strings}


def test_every_command_is_in_the_table() -> None:
    assert set(_rows()) == set(VERBS)


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"find", "mkfs"}))     # tests and actions; options go by the type
def test_commands_have_the_options_that_are_shown(verb: str) -> None:
    rows = _rows()
    together = [other for other in rows if rows[other] == rows[verb]]
    there = {option for other in together for option in _options(other)}
    for word in OPTION.findall(rows[verb]):
        shown = {word} if word.startswith("--") else {f"-{letter}" for letter in word[1:]}
        assert shown <= there, (verb, shown - there)


def test_the_programs_of_the_original_are_named() -> None:
    text = (ROOT / "docs" / "original.md").read_text(encoding="utf-8")
    programs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert [name for name in programs if name.startswith("fsu") and name not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        found = document.parent / file if file else document
        assert found.exists(), target
        headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE) if heading else ()
        assert not heading or heading in [each.lower().replace(" ", "-") for each in headings], target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_lines_are_not_too_long(document: Path) -> None:
    text = re.sub(r"^```console\n.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in text.splitlines() if len(line) > WIDTH and not line.startswith("|")] == []
