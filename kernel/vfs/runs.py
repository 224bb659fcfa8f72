# SPDX-License-Identifier: BSD-2-Clause
"""Runs of blocks: what drivers do with them alike."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Piece: TypeAlias = tuple[int, int]


def deal(pieces: Sequence[Piece], needs: Iterable[int]) -> tuple[tuple[Piece, ...], ...]:
    """Deal blocks out, in order: the pieces, (first block, how many), of each of those who need so many.

    >>> deal([(10, 3), (20, 9)], [2, 0, 4])
    (((10, 2),), (), ((12, 1), (20, 3)))
    """
    dealt: list[tuple[Piece, ...]] = []
    index, start, left = -1, 0, 0
    for need in needs:
        own: list[Piece] = []
        while need:
            if not left:
                index += 1
                start, left = pieces[index]
            count = need if need < left else left
            own.append((start, count))
            start, left, need = start + count, left - count, need - count
        dealt.append(tuple(own))
    return tuple(dealt)
