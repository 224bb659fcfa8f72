# SPDX-License-Identifier: BSD-2-Clause
"""Two texts and where they differ, as diff(1) shows it: its own way, or unified (-u)."""

from __future__ import annotations

from rump.fsutils.comparing.changes import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rump.fsutils.comparing.changes import Change

_CUT = b"\\ No newline at end of file\n"


def split(data: bytes) -> list[bytes]:
    """The lines of a text, each with its newline.

    >>> split(b"a\\n\\nb")
    [b'a\\n', b'\\n', b'b']
    """
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _marked(mark: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    """Lines behind a mark."""
    for line in lines:
        yield mark + line if line.endswith(b"\n") else mark + line + b"\n" + _CUT


def normal(one: Sequence[bytes], other: Sequence[bytes]) -> Iterator[bytes]:
    """As diff(1) shows it without options.

    >>> b"".join(normal([b"a\\n", b"b\\n"], [b"b\\n", b"c\\n"]))
    b'1d0\\n< a\\n2a2\\n> c\\n'
    """
    for begin, end, start, stop in changes(one, other):
        letter = "a" if begin == end else "d" if start == stop else "c"
        yield f"{_range(begin, end)}{letter}{_range(start, stop)}\n".encode()
        yield from _marked(b"< ", one[begin:end])
        if letter == "c":
            yield b"---\n"
        yield from _marked(b"> ", other[start:stop])


def _range(begin: int, end: int) -> str:
    """Line numbers; of nothing, the line before it."""
    return f"{begin + 1},{end}" if end > begin + 1 else str(max(end, begin))


def unified(one: Sequence[bytes], other: Sequence[bytes], around: int) -> Iterator[bytes]:
    """As diff -u shows it, with so many lines around each change.

    >>> b"".join(unified([b"a\\n", b"b\\n"], [b"a\\n", b"c\\n"], 3))
    b'@@ -1,2 +1,2 @@\\n a\\n-b\\n+c\\n'
    """
    group: list[Change] = []
    for change in changes(one, other):
        if group and change[0] - group[-1][1] > 2 * around:
            yield from _hunk(group, one, other, around)
            group = []
        group.append(change)
    if group:
        yield from _hunk(group, one, other, around)


def _hunk(group: list[Change], one: Sequence[bytes], other: Sequence[bytes], around: int) -> Iterator[bytes]:
    begin = max(0, group[0][0] - around)
    before = group[0][0] - begin
    end = min(len(one), group[-1][1] + around)
    start, stop = group[0][2] - before, group[-1][3] + end - group[-1][1]
    yield f"@@ -{_count(begin, end)} +{_count(start, stop)} @@\n".encode()
    at = begin
    for first, last, new, newer in group:
        yield from _marked(b" ", one[at:first])
        yield from _marked(b"-", one[first:last])
        yield from _marked(b"+", other[new:newer])
        at = last
    yield from _marked(b" ", one[at:end])


def _count(begin: int, end: int) -> str:
    """A range as a hunk has it: first line and count; 1 is not said, of nothing the line before it is."""
    count = end - begin
    return str(end) if count == 1 else f"{begin + 1 if count else begin},{count}"
