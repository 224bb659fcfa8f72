# SPDX-License-Identifier: BSD-2-Clause
"""Names side by side, as many as fit: in columns read downwards or across, or with commas between."""

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


def across(cells: Sequence[bytes], widths: Sequence[int], columns: int) -> list[bytes]:
    """The same read across: the order goes on beside, not below.

    >>> across([b"a", b"bb", b"c", b"dddd", b"e"], [1, 2, 1, 4, 1], 12)
    [b'a     bb  c', b'dddd  e']
    """
    for count in range(max(1, min(len(cells), (columns + GAP) // (1 + GAP))), 0, -1):
        sizes = [max(widths[column::count]) for column in range(min(count, len(cells)))]
        if count == 1 or sum(sizes) + GAP * (count - 1) <= columns:
            break
    lines = []
    for start in range(0, len(cells), count):
        row = cells[start : start + count]
        padded = [cell + b" " * (sizes[i] + GAP - widths[start + i]) for i, cell in enumerate(row[:-1])]
        lines.append(b"".join(padded) + row[-1])
    return lines


def commas(cells: Sequence[bytes], widths: Sequence[int], columns: int) -> list[bytes]:
    """Cells with commas between, in lines that take at most `columns` where that can be.

    >>> commas([b"a", b"bb", b"c", b"dddd", b"e"], [1, 2, 1, 4, 1], 12)
    [b'a, bb, c,', b'dddd, e']
    """
    lines: list[bytes] = []
    line, used = b"", 0
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        last = index == len(cells) - 1
        if used and used + 1 + width + (not last) > columns:
            lines.append(line)
            line, used = b"", 0
        line += (b" " if used else b"") + cell + (b"" if last else b",")
        used += bool(used) + width + (not last)
    return [*lines, line] if cells else []
