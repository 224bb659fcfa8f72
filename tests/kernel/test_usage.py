# SPDX-License-Identifier: BSD-2-Clause
"""Bits of what is in use, against sets."""

from __future__ import annotations

import random

import pytest

from rump.kernel.vfs.usage import Usage, count_runs, joined, ones, spelled


def members(ranges):
    return [unit for first, count in ranges for unit in range(first, first + count)]


@pytest.mark.parametrize("per_piece", [1, 8, 13, 64])
def test_marks(per_piece):
    chance = random.Random(per_piece)
    usage = Usage(per_piece)
    known: set[int] = set()
    for _ in range(300):
        first, count = chance.randrange(500), chance.choice((1, 2, 5, 40, 130))
        wanted = range(first, first + count)
        assert members(usage.mark(first, count)) == [unit for unit in wanted if unit in known]
        known.update(wanted)
        assert usage.count() == len(known)
    pieces = [piece * per_piece + bit for piece in sorted(usage.pieces) for bit in members(ones(usage.number(piece)))]
    assert pieces == sorted(known)


def test_what_is_full_takes_no_room():
    usage = Usage(1 << 18)
    assert usage.mark(5, 1 << 30) == []
    assert len({id(piece) for piece in usage.pieces.values()}) == 3
    assert usage.count() == 1 << 30
    assert usage.mark(1 << 29, 3) == [(1 << 29, 3)]


def test_runs():
    value = 0b1101_1000_0111
    assert ones(value) == [(0, 3), (7, 2), (10, 2)]
    assert ones(value, 2) == [(0, 3), (7, 2)]
    assert count_runs(value) == 3
    assert ones(0) == []
    assert joined([(7, 2), (0, 3), (2, 2), (9, 1)]) == [(0, 4), (7, 3)]
    assert (spelled(3, 1), spelled(3, 4)) == ("3", "3 to 6")
