# SPDX-License-Identifier: BSD-2-Clause
"""CRC-32C: published vectors, and all implementations held equal to a plain one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.pure import crc32c as pure

ONES = 0xFFFFFFFF

# RFC 3720, appendix B.4, and the usual check value.
VECTORS = [
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
    (bytes.fromhex("01c00000000000000000000000000000140000000000040000000014000000182800000000000000")
     + bytes.fromhex("0200000000000000"), 0xD9963A56),
]  # fmt: skip


def reference(state, data):
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state


@pytest.mark.parametrize("data, expected", VECTORS)
def test_vectors(host, data, expected):
    assert host.crc32c(ONES, data) ^ ONES == expected
    assert host.crc32c_many([ONES], data, 0, len(data), len(data), 1) == [expected ^ ONES]


def test_lengths(host):
    data = random.Random(1).randbytes(5000)
    state = 0x12345678
    for length in (*range(70), 127, 128, 129, 1023, 1024, 4096, 5000):
        assert host.crc32c(state, data[:length]) == reference(state, data[:length]), length


def test_going_on(host):
    data = random.Random(2).randbytes(3000)
    assert host.crc32c(host.crc32c(ONES, data[:1234]), data[1234:]) == host.crc32c(ONES, data)


def test_kinds_of_buffer(host):
    data = bytes(range(100))
    expected = host.crc32c(1, data)
    assert host.crc32c(1, bytearray(data)) == host.crc32c(1, memoryview(data)) == expected
    assert host.crc32c_many([1], memoryview(bytearray(data)), 0, 0, 100, 1) == [expected]


@pytest.mark.parametrize(
    "offset, stride, length, count",
    [(0, 256, 256, 16), (0, 256, 124, 16), (3, 256, 256, 200), (5, 7, 3, 50), (0, 0, 10, 4), (9, 1, 40, 5),
     (0, 4096, 4096, 3), (7, 100, 0, 3), (0, 128, 128, 300), (2, 300, 299, 1)],
)  # fmt: skip
def test_many(host, offset, stride, length, count):
    generator = random.Random(count)
    data = generator.randbytes(offset + (count - 1) * stride + length + 5)
    seeds = [generator.getrandbits(32) for _ in range(count)]
    starts = [offset + index * stride for index in range(count)]
    expected = [reference(seed, data[at : at + length]) for seed, at in zip(seeds, starts, strict=True)]
    assert host.crc32c_many(seeds, data, offset, stride, length, count) == expected
    one = [reference(seeds[0], data[at : at + length]) for at in starts]
    assert host.crc32c_many(tuple(seeds[:1]), data, offset, stride, length, count) == one


def test_many_none(host):
    assert host.crc32c_many([], b"", 0, 16, 16, 0) == []
    assert host.crc32c_many([1], b"", 0, 16, 16, 0) == []


@pytest.mark.parametrize(
    "seeds, offset, stride, length, count",
    [([1, 2], 0, 10, 10, 3), ([], 0, 10, 10, 1), ([1], 1, 10, 10, 10), ([1], -1, 10, 10, 1), ([1], 0, -10, 10, 2),
     ([1], 0, 10, -1, 1), ([1], 0, 10, 10, -1), ([1], 0, 10, 11, 10), ([-1], 0, 1, 1, 1), ([1 << 32], 0, 1, 1, 1)],
)  # fmt: skip
def test_many_impossible(host, refused, seeds, offset, stride, length, count):
    with refused(EINVAL):
        host.crc32c_many(seeds, bytes(100), offset, stride, length, count)


@pytest.mark.parametrize("seed", [-1, 1 << 32])
def test_impossible_seed(host, refused, seed):
    for data in (b"", b"abc", bytes(1000)):
        with refused(EINVAL):
            host.crc32c(seed, data)


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
