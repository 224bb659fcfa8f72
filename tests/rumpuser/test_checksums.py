# SPDX-License-Identifier: BSD-2-Clause
"""CRC-32C: all implementations held equal to a plain one.  (What every host gives is tested by the contract suite.)"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rump.rumpuser.pure import crc32c as pure

ONES = 0xFFFFFFFF


def reference(state, data):
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state


@given(some.binary(max_size=600), some.integers(0, ONES))
def test_pure_is_the_plain_one(data, seed):
    assert pure.crc32c(seed, data) == reference(seed, data)


def test_long_data_in_more_strips():
    data = random.Random(3).randbytes(pure.LONG + 1)
    assert pure.crc32c(ONES, data) == pure._byte_by_byte(ONES, data)


def test_tables_in_c_are_the_plain_one():
    ffi = pytest.importorskip("rump.rumpuser.linux._ffi")
    ffi.lib.rump_crc32c_prepare()
    data = random.Random(4).randbytes(300)
    for length in (0, 1, 7, 8, 9, 16, 299, 300):
        assert ffi.lib.rump_crc32c_by_tables(ONES, data, length) == reference(ONES, data[:length])


def test_long_runs_of_many_pieces():
    """More of them than the pure form takes by columns at a time."""
    generator = random.Random(300)
    data = generator.randbytes(300 * 128 + 5)
    seeds = [generator.getrandbits(32) for _ in range(300)]
    expected = [reference(seed, data[at * 128 : at * 128 + 128]) for at, seed in enumerate(seeds)]
    assert pure.crc32c_many(seeds, data, 0, 128, 128, 300) == expected
