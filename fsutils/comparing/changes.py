# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of one text became which of another.

E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the greedy one, on the lines that both have.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import TypeAlias

    Change: TypeAlias = tuple[int, int, int, int]       # lines [0]:[1] of one became lines [2]:[3] of the other

MOST_EDITS = 1500       # texts that differ in more are not taken apart any further: time and memory have bounds


def changes(one: Sequence[Hashable], other: Sequence[Hashable]) -> list[Change]:
    """The changes from one sequence to another, in order.

    >>> changes("abcd", "axcde")
    [(1, 2, 1, 2), (4, 4, 4, 5)]
    >>> changes("", "ab"), changes("ab", "ab")
    ([(0, 0, 0, 2)], [])
    """
    start = 0
    least = min(len(one), len(other))
    while start < least and one[start] == other[start]:
        start += 1
    end = 0
    while end < least - start and one[len(one) - 1 - end] == other[len(other) - 1 - end]:
        end += 1
    pairs = _common(one, start, len(one) - end, other, start, len(other) - end)
    pairs.append((len(one) - end, len(other) - end))
    found: list[Change] = []
    at = there = start
    for here, over in pairs:
        if here > at or over > there:
            found.append((at, here, there, over))
        at, there = here + 1, over + 1
    return found


def _common(
    one: Sequence[Hashable], begin: int, end: int, other: Sequence[Hashable], start: int, stop: int
) -> list[tuple[int, int]]:
    """Pairs of places that stay: a longest common subsequence, of what is in both at all."""
    both = {*one[begin:end]} & {*other[start:stop]}
    mine = [index for index in range(begin, end) if one[index] in both]
    theirs = [index for index in range(start, stop) if other[index] in both]
    path = _walk([one[index] for index in mine], [other[index] for index in theirs])
    return [(mine[x], theirs[y]) for x, y in path]


def _walk(a: list[Hashable], b: list[Hashable]) -> list[tuple[int, int]]:
    """The pairs on a shortest way from all of `a` to all of `b`; none if it is too long."""
    n, m = len(a), len(b)
    most = min(n + m, MOST_EDITS)
    reach = [0] * (2 * most + 3)        # how far on diagonal k: reach[k], behind the end for those below 0
    traces: list[list[int]] = []
    for edits in range(most + 1):
        for k in range(-edits, edits + 1, 2):
            x = reach[k + 1] if k == -edits or (k != edits and reach[k - 1] < reach[k + 1]) else reach[k - 1] + 1
            y = x - k
            while x < n and y < m and a[x] == b[y]:
                x += 1
                y += 1
            reach[k] = x
            if x >= n and y >= m:
                return _back(traces, edits, n, m)
        traces.append(reach[: edits + 1] + reach[len(reach) - edits :])
    return []


def _back(traces: list[list[int]], edits: int, x: int, y: int) -> list[tuple[int, int]]:
    """The pairs of a way, from its end to its beginning and turned round."""
    pairs = []
    for count in range(edits, 0, -1):
        reach = traces[count - 1]       # diagonals 0 ... count - 1, then 1 - count ... -1
        k = x - y
        down = k == -count or (k != count and reach[k - 1] < reach[k + 1])
        k += 1 if down else -1
        before = reach[k]
        while x > before + (not down) and y > before - k + down:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = before, before - k
    while x > 0 and y > 0:
        x, y = x - 1, y - 1
        pairs.append((x, y))
    pairs.reverse()
    return pairs
