# SPDX-License-Identifier: BSD-2-Clause
"""zlib streams: what zlib compresses every host inflates, and what is no such stream is refused alike."""

import random
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.middleware.thin import Thin
from rump.rumpuser.posix.inflate import implementation
from rump.rumpuser.pure.inflate import DISTANCES, LENGTHS, inflate

by_zlib = implementation()
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


def compressed(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, memory=8):
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
    return packer.compress(data) + packer.flush()


def stream(body, data=b""):
    """A stream of hand-made blocks."""
    return b"\x78\x9c" + body + zlib.adler32(data).to_bytes(4, "big")


def bits(*fields):
    """Bits, the lowest first: (value, how many)."""
    number, at = 0, 0
    for value, count in fields:
        number |= value << at
        at += count
    return number.to_bytes(-(-at // 8), "little")


def outcome(function, data, limit):
    try:
        return function(data, limit)
    except HostError as error:
        assert error.errno == EINVAL
        return None


def test_what_zlib_makes(host):
    for data in (b"", b"a", b"abc" * 10000, bytes(range(256)) * 50, random.Random(1).randbytes(70000)):
        assert host.inflate(compressed(data), len(data)) == data


def test_behind_the_end(host):
    assert host.inflate(compressed(b"abc") + b"more", 3) == b"abc"


def test_kinds_of_buffer(host):
    packed = compressed(b"hello" * 20)
    assert host.inflate(bytearray(packed), 100) == host.inflate(memoryview(packed), 100) == b"hello" * 20


def test_the_limit(host, refused):
    data = b"x" * 1000
    assert host.inflate(compressed(data), 1000) == data
    for level in (0, 6):
        with refused(EINVAL):
            host.inflate(compressed(data, level), 999)
    with refused(EINVAL):
        host.inflate(compressed(b""), -1)
    assert host.inflate(compressed(b""), 0) == b""


def test_a_bomb_takes_no_memory(host, refused):
    bomb = compressed(bytes(1 << 24), 9)
    assert len(bomb) < 1 << 15
    with refused(EINVAL):
        host.inflate(bomb, 4096)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x78", b"\x78\x9c", b"\x78\x9d\x03\0\0\0\0\1", b"\x88\x1c\x03\0\0\0\0\1", b"\x79\x9c\x03\0\0\0\0\1",
     b"\x78\xbb\0\0\0\1\x03\0\0\0\0\1", compressed(b"abc")[:-1], compressed(b"abc")[:-1] + b"\0",
     stream(bits((1, 1), (3, 2))),                                                      # a block type there is not
     stream(bits((1, 1), (0, 2), (0, 5), (3, 16), (3, 16))),                            # lengths of a stored block
     stream(bits((1, 1), (0, 2), (0, 5), (3, 16), (0xFFFC, 16))),                       # and too little of it
     stream(bits((1, 1), (1, 2), (0b0000001, 7), (0, 5))),                              # back, from the start
     stream(bits((1, 1), (1, 2), (0b01100011, 8), (0, 8))),                             # length symbol 286
     stream(bits((1, 1), (2, 2), (30, 5), (0, 5), (0, 4))),                             # too many symbols
     stream(bits((1, 1), (2, 2), (0, 5), (30, 5), (0, 4))),
     stream(bits((1, 1), (2, 2), (0, 5), (0, 5), (0, 4), (0, 12))),                     # code lengths without a code
     stream(bits((1, 1), (2, 2), (0, 5), (0, 5), (0, 4), (1, 3), (0, 9), (0, 200)))],   # a repetition of nothing
)  # fmt: skip
def test_no_stream(host, refused, data):
    with refused(EINVAL):
        host.inflate(data, 1000)


def test_the_tables():
    """RFC 1951, 3.2.5."""
    assert (len(LENGTHS), len(DISTANCES)) == (29, 30)
    assert (LENGTHS[8], LENGTHS[20], LENGTHS[27], LENGTHS[28]) == ((11, 1), (67, 4), (227, 5), (258, 0))
    assert (DISTANCES[3], DISTANCES[4], DISTANCES[16], DISTANCES[29]) == ((4, 0), (5, 1), (257, 7), (24577, 13))


@given(
    some.lists(some.tuples(some.binary(max_size=300), some.integers(1, 40)), max_size=6), some.integers(0, 9),
    some.sampled_from(STRATEGIES), some.integers(1, 9),
)  # fmt: skip
def test_pure_is_zlib(pieces, level, strategy, memory):
    data = b"".join([piece * count for piece, count in pieces])
    packed = compressed(data, level, strategy, memory)
    assert inflate(packed, len(data)) == by_zlib(packed, len(data)) == data
    if data:
        assert outcome(inflate, packed, len(data) - 1) is outcome(by_zlib, packed, len(data) - 1) is None


def test_damaged_streams_are_refused_alike():
    generator = random.Random(5)
    kinds = (bytes(generator.choices(b"ab", k=900)), generator.randbytes(300), b"hello world" * 99)
    streams = [compressed(data, level, strategy) for data in kinds for level in (1, 9) for strategy in STRATEGIES]
    for _ in range(2500):
        packed = bytearray(generator.choice(streams))
        if generator.random() < 0.3:
            del packed[generator.randrange(len(packed)) :]
        for _ in range(generator.randrange(1, 4)):
            if packed:
                at = generator.randrange(min(len(packed), generator.choice((60, 1 << 16))))
                packed[at] = generator.randrange(256)
        limit = generator.choice((10, 900, 5000))
        assert outcome(inflate, packed, limit) == outcome(by_zlib, packed, limit)


def test_without_zlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "zlib", None)
    assert implementation() is inflate


def test_through_middleware(host):
    packed = compressed(b"abc")
    assert Thin(host).inflate(packed, 3) == Middleware(host).inflate(packed, 3) == b"abc"
