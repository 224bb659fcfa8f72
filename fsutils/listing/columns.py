# SPDX-License-Identifier: BSD-2-Clause
"""Names side by side, as many columns as fit, read downwards."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2


def arrange(cells: Sequence[bytes], widths: Sequence[int], columns: int) -> list[bytes]:
    """The lines of a table of cells that takes at most `columns`, with as few lines as can be.

    >>> arrange([b"a", b"bb", b"c", b"dddd", b"e"], [1, 2, 1, 4, 1], 12)
    [b'a   c     e', b'bb  dddd']
    """
    if not cells:
        return []
    for lines in _candidates(len(cells), columns):
        tops = [widths[top:top + lines] for top in range(0, len(cells), lines)]
        sizes = [max(column) for column in tops]
        if lines == len(cells) or sum(sizes) + GAP * (len(sizes) - 1) <= columns:
            return [_line(cells, widths, sizes, row, lines) for row in range(lines)]
    return list(cells)


def _candidates(count: int, columns: int) -> list[int]:
    """Numbers of lines to try: the fewest for each number of columns that could be."""
    most = max(1, min(count, (columns + GAP) // (1 + GAP)))
    return list(dict.fromkeys(-(-count // across) for across in range(most, 0, -1)))


def _line(cells: Sequence[bytes], widths: Sequence[int], sizes: Sequence[int], row: int, lines: int) -> bytes:
    pieces = []
    for column, index in enumerate(range(row, len(cells), lines)):
        last = index + lines >= len(cells)
        pieces.append(cells[index] if last else cells[index] + b" " * (sizes[column] + GAP - widths[index]))
    return b"".join(pieces)
