# SPDX-License-Identifier: BSD-2-Clause
"""Manual pages as data: what there is to say of a verb, taken from its module and its parser.

A module says in its docstring what the verb does, in OPERANDS and its options how it is used.  If it has them, these
complete the page: EXAMPLES - commands at the margin, what they do indented by four, what is to be shown as it is by
eight; MANUAL - more sections, title -> paragraphs, for "EXIT STATUS" in place of the usual one; RELATED - other verbs.
"""

from __future__ import annotations

import argparse

from rump.fsutils.main import VERBS, load
from rump.fsutils.options import make_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from rump.fsutils.main import Verb

    Spans: TypeAlias = list[tuple[str, str]]

REVISED = "2026-11-23"          # when the pages were last gone through
PLAIN, BOLD, ITALIC = "R", "B", "I"
STATUS = """\
0 if all went well, 1 if something failed (the rest was done all the same), 2 if the command line makes no sense, 130
after ^C."""


class Block:
    """A piece of a section: a paragraph, an item, lines as they are, or a heading.

    kind   "paragraph", "item", "lines" or "heading"
    spans  the text, or an item's tag, or the heading: (style, text) each
    text   what an item says; the lines
    """

    __slots__ = ("kind", "spans", "text")

    def __init__(self, kind: str, spans: Spans, text: str = "") -> None:
        self.kind = kind
        self.spans = spans
        self.text = text


class Page:
    """A manual page.

    name      "fsu-ls"
    summary   what it does, in a few words
    sections  (title, blocks)
    """

    __slots__ = ("name", "sections", "summary")

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        self.summary = summary
        self.sections: list[tuple[str, list[Block]]] = []

    def add(self, title: str, blocks: Iterable[Block]) -> None:
        """Add a section, if there is anything in it."""
        found = list(blocks)
        if found:
            self.sections.append((title, found))


def pages() -> list[str]:
    """What there are pages of: the verbs, and the original's programs."""
    from rump.fsutils.paging.programs import names

    return [*VERBS, *names()]


def page_of(name: str | None) -> Page:
    """The page of a verb, or of one of the original's programs; None: that of fsu itself."""
    if name is None:
        from rump.fsutils.paging.overview import overview

        return overview()
    if name not in VERBS:
        from rump.fsutils.paging.programs import page_of_program

        return page_of_program(name)
    return _page_of_verb(name)


def _page_of_verb(verb: str) -> Page:
    module = load(verb)
    page = Page(f"fsu-{verb}", VERBS[verb][1])
    usage = getattr(module, "OPERANDS", "operand ...")
    tail: Spans = [(BOLD, f"fsu {verb}"), (PLAIN, " [option ...]" + (f" {usage}" if usage else ""))]
    page.add("SYNOPSIS", [Block("paragraph", tail)])
    page.add("DESCRIPTION", paragraphs(module.__doc__ or ""))
    page.add("OPTIONS", _options(verb, module))
    manual: dict[str, str] = dict(getattr(module, "MANUAL", {}))
    status = manual.pop("EXIT STATUS", STATUS)
    for title, text in manual.items():
        page.add(title, paragraphs(text))
    page.add("EXIT STATUS", paragraphs(status))
    page.add("EXAMPLES", examples(getattr(module, "EXAMPLES", "")))
    related = [f"fsu-{name}" for name in getattr(module, "RELATED", ())]
    page.add("SEE ALSO", [see_also(["fsu", *related])])
    return page


def see_also(names: Iterable[str]) -> Block:
    """The pages of these names."""
    spans: Spans = []
    for name in names:
        spans += [(PLAIN, ", ")] * bool(spans) + [(BOLD, name), (PLAIN, "(1)")]
    return Block("paragraph", spans)


def paragraphs(text: str) -> Iterator[Block]:
    """Text with empty lines between paragraphs; what is indented is shown as it is."""
    for part in text.strip("\n").split("\n\n"):
        lines = [line for line in part.split("\n") if line]
        plain = [line for line in lines if not line.startswith("    ")]
        if lines and not plain:
            yield Block("lines", [], "\n".join(line[4:] for line in lines))
        elif lines:
            yield Block("paragraph", marked(" ".join(line.strip() for line in lines)))


def marked(text: str) -> Spans:
    """Text in which back quotes stand round what is to be typed.

    >>> marked("as ``ls -l``, or `ls`")
    [('R', 'as '), ('B', 'ls -l'), ('R', ', or '), ('B', 'ls')]
    """
    pieces = text.replace("``", "`").split("`")
    if len(pieces) % 2 == 0:                # one of them is something else
        return [(PLAIN, text)]
    return [(BOLD if index % 2 else PLAIN, piece) for index, piece in enumerate(pieces) if piece]


def examples(text: str) -> Iterator[Block]:
    """Commands, what they do, and what is shown as it is."""
    for line in text.strip("\n").split("\n\n"):
        said: list[str] = []
        shown: list[str] = []
        commands: list[str] = []
        for each in line.split("\n"):
            if each.startswith("        "):
                shown.append(each[8:])
            elif each.startswith("    "):
                said.append(each.strip())
            elif each:
                commands.append(each)
        if commands:
            yield Block("lines", [], "\n".join(commands))
        if said:
            yield Block("paragraph", marked(" ".join(said)))
        if shown:
            yield Block("lines", [], "\n".join(shown))


def _options(verb: str, module: Verb) -> Iterator[Block]:
    """Operands and options, in their groups."""
    last: list[Block] = []
    for parser in parsers(verb, module):
        for title, blocks in _groups(parser):
            heading = [Block("heading", [(PLAIN, title)])] if title else []
            if title == "all commands":
                last = [*heading, *blocks]
            else:
                yield from (*heading, *blocks)
    yield from last


def parsers(verb: str, module: Verb) -> Iterator[argparse.ArgumentParser]:
    """A verb's parser; of a verb that knows several kinds of things one with the options of each as well."""
    special = getattr(module, "parser_of", None)
    if special is None:
        parser = make_parser(verb, "", "")
        module.add_arguments(parser)
        yield parser
        return
    known: set[str] = set()
    for kind in (None, *getattr(module, "KINDS", ())):
        parser = special(kind)
        groups = [group for group in parser._action_groups if str(group.title) not in known]
        known |= {str(group.title) for group in groups}
        parser._action_groups = groups
        yield parser


def _groups(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[Block]]]:
    """(title, items) of what has any."""
    for group in parser._action_groups:
        items = [_item(parser, action) for action in group._group_actions if action.help is not argparse.SUPPRESS]
        title = str(group.title or "")
        if items:
            usual = title in ("positional arguments", "options", "optional arguments")
            yield "" if usual else title, items


def _item(parser: argparse.ArgumentParser, action: argparse.Action) -> Block:
    """An option: its names and its value, and what it does."""
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    value = _value(action)
    if not action.option_strings:
        return Block("item", [(ITALIC, value or action.dest)], text)
    spans: Spans = []
    for name in action.option_strings:
        spans += [(PLAIN, ", ")] * bool(spans) + [(BOLD, name)]
    if value:
        joined = "=" if action.option_strings[-1].startswith("--") else " "
        spans += [(PLAIN, "["), (PLAIN, joined), (ITALIC, value), (PLAIN, "]")] if action.nargs == "?" else [
            (PLAIN, joined), (ITALIC, value)]  # fmt: skip
    return Block("item", spans, text)


def _value(action: argparse.Action) -> str:
    """What an option's value is called, or which ones there are."""
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices is not None:
        return "|".join(str(choice) for choice in action.choices)
    return "" if action.nargs == 0 else action.dest.upper() if action.option_strings else action.dest
