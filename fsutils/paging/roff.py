# SPDX-License-Identifier: BSD-2-Clause
"""Pages in the language of man(7), for man, mandoc and groff.

Text is escaped throughout: nothing that an option's help says can be taken for a request.
"""

from __future__ import annotations

from textwrap import wrap

from rump.fsutils.paging.document import PLAIN, REVISED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.fsutils.paging.document import Block, Page, Spans

_SPECIAL = {
    "\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq",
}  # fmt: skip
_WIDTH = 78


def escape(text: str) -> str:
    """Text as it is shown.

    >>> print(escape("-a \\\\ 'b'"), escape(".TH"), escape("é"))
    \\-a \\e \\(aqb\\(aq \\&.TH \\[u00E9]
    """
    said = "".join(_SPECIAL.get(c) or (c if " " <= c <= "~" else f"\\[u{ord(c):04X}]") for c in text)
    return "\\&" + said if said.startswith(".") else said


def page(document: Page, release: str) -> str:
    """A page as a file for man; `release` is the version of what it documents."""
    of = escape(f"rumpkernel {release}".rstrip())
    lines = [
        f'.TH {escape(document.name.upper())} 1 "{REVISED}" "{of}" "fs\\-utils"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{escape(document.name)} \\- {escape(document.summary)}",
    ]
    for title, blocks in document.sections:
        lines.append(f".SH {escape(title)}")
        first = True
        for block in blocks:
            lines += _block(block, first)
            first = block.kind == "heading"
    return "\n".join(lines) + "\n"


def _block(block: Block, first: bool) -> Iterator[str]:
    if block.kind == "heading":
        yield ".SS " + "".join(escape(text) for _, text in block.spans)
    elif block.kind == "item":
        yield ".TP"
        yield _line(block.spans)
        yield from _wrapped([(PLAIN, block.text)]) if block.text else ("\\&",)
    elif block.kind == "lines":
        if not first:
            yield ".PP"
        yield from (".RS 4", ".nf", *(escape(line) or "\\&" for line in block.text.split("\n")), ".fi", ".RE")
    else:
        if not first:
            yield ".PP"
        yield from _wrapped(block.spans)


def _line(spans: Spans) -> str:
    """Spans on one line."""
    return "".join(escape(text) if style == PLAIN else f"\\f{style}{escape(text)}\\fR" for style, text in spans)


def _wrapped(spans: Spans) -> Iterator[str]:
    """Spans on lines of a decent length.  Blanks within what is to be typed stay where they are."""
    marked = "".join(text if style == PLAIN else f"\0{style}{text.replace(' ', chr(1))}\2" for style, text in spans)
    for line in wrap(marked, _WIDTH, break_long_words=False, break_on_hyphens=False):
        pieces = line.split("\0")
        said = escape(pieces[0])
        for piece in pieces[1:]:
            inside, _, rest = piece[1:].partition("\2")
            said += f"\\f{piece[0]}{escape(inside.replace(chr(1), ' '))}\\fR"
            said += escape(rest).removeprefix("\\&")
        yield said
