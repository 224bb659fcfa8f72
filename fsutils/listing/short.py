# SPDX-License-Identifier: BSD-2-Clause
"""What a listing may have besides names or long lines: inode numbers and space before them, columns of them."""

from __future__ import annotations

import os

from rump.fsutils import names, sizes
from rump.fsutils.listing.columns import across, arrange, commas
from rump.fsutils.listing.long import inodes
from rump.kernel.vfs.volume import ALLOCATED, MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rump.fsutils.listing.entries import Entry
    from rump.fsutils.listing.naming import Naming


def extended(
    entries: Sequence[Entry], lines: list[bytes], o: argparse.Namespace, naming: Naming
) -> list[bytes]:
    """Lines with the columns of -i and -s before them, or side by side."""
    fronts = [b""] * len(lines)
    if o.inode:
        fronts = [number + b" " for number in inodes(entries)]
    if o.blocks:
        fronts = [front + space + b" " for front, space in zip(fronts, _space(entries, o), strict=True)]
    cells = [front + line for front, line in zip(fronts, lines, strict=True)]
    if not o.columns:
        return cells
    widths = [
        len(front) + names.width(naming.escape(name)) + len(naming.indicator(row[MODE]))
        for front, (name, _, row) in zip(fronts, entries, strict=True)
    ]
    layout = commas if o.commas else across if o.across else arrange
    return [line + b"\n" for line in layout([cell[:-1] for cell in cells], widths, screen())]


def screen() -> int:
    """How many columns there are."""
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _space(entries: Sequence[Entry], o: argparse.Namespace) -> list[bytes]:
    amounts = [row[ALLOCATED] for _, _, row in entries]
    texts = [(sizes.human(n) if o.human else str(sizes.blocks(n, o.unit))).encode() for n in amounts]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]
