# SPDX-License-Identifier: BSD-2-Clause
"""Pages as plain text, for hosts without man."""

from __future__ import annotations

from textwrap import fill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.paging.document import Block, Page


def text(document: Page, width: int) -> str:
    """A page in lines of at most that width, where words allow."""
    parts = [f"NAME\n    {document.name} - {document.summary}\n"]
    for title, blocks in document.sections:
        parts.append(f"{title}\n" + "\n".join(_block(block, width) for block in blocks))
    return "\n".join(parts).rstrip("\n") + "\n"


def _block(block: Block, width: int) -> str:
    said = "".join(text for _, text in block.spans)
    if block.kind == "heading":
        return f"  {said}"
    if block.kind == "lines":
        return "".join(f"        {line}".rstrip() + "\n" for line in block.text.split("\n"))
    if block.kind == "item":
        return f"    {said}\n" + (_filled(block.text, 8, width) if block.text else "")
    return _filled(said, 4, width)


def _filled(said: str, indent: int, width: int) -> str:
    blanks = " " * indent
    return fill(said, max(width, 40), initial_indent=blanks, subsequent_indent=blanks, break_long_words=False,
                break_on_hyphens=False) + "\n"  # fmt: skip
