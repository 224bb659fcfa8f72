# SPDX-License-Identifier: BSD-2-Clause
"""zlib streams: the two ways to inflate are held equal.  (What every host does is tested by the contract suite.)"""

import random
import sys
import zlib

from hypothesis import given
from hypothesis import strategies as some

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.posix.inflate import implementation
from rump.rumpuser.pure.inflate import DISTANCES, LENGTHS, inflate

by_zlib = implementation()
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


def compressed(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, memory=8):
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
    return packer.compress(data) + packer.flush()


def outcome(function, data, limit):
    try:
        return function(data, limit)
    except HostError as error:
        assert error.errno == EINVAL
        return None


def test_a_bomb_takes_no_memory():
    bomb = compressed(bytes(1 << 24), 9)
    assert len(bomb) < 1 << 15
    assert outcome(inflate, bomb, 4096) is outcome(by_zlib, bomb, 4096) is None


def test_a_limit_below_nothing():
    for level in (0, 6):
        packed = compressed(b"", level)
        assert outcome(inflate, packed, 0) == outcome(by_zlib, packed, 0) == b""
        assert outcome(inflate, packed, -1) is outcome(by_zlib, packed, -1) is None


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
