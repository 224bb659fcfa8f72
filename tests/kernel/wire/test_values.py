# SPDX-License-Identifier: BSD-2-Clause
"""Plain values as bytes: all of them come back, and nothing hostile gets through or takes long."""

import struct
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rump.kernel.errors import Fault
from rump.kernel.wire.values import DEPTH, decode, encode
from rump.rumpuser.interface import errno as e

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.integers(-(1 << 63), (1 << 63) - 1) | st.binary(max_size=40)
    | st.text(st.characters(), max_size=20)
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=9).map(tuple), max_leaves=60)
ROW = (11, 3, 0o100644, 1, 0, 0, 0, 4096, 4096, 10**18, -(10**18), 10**18, 0, 0)


def rejected(data, **limits):
    with pytest.raises(Fault) as caught:
        decode(data, **limits)
    assert caught.value.errno == e.EPROTO


def typed(value):
    """With types, since True == 1."""
    return tuple(map(typed, value)) if isinstance(value, tuple) else (type(value), value)


@given(VALUES)
@example(((1 << 63, -1, 0, 5),))
@example((("\udc80", "x"),) * 5)
@example(((1, 2, 3), (4, 5, 1 << 63), (7, 8, 9), (1, 1, 1)))
@example(((1, 2), (4, True), (7, 8), (1, 1)))
@example(((1, 2),) * 7)
@example(((True, 1), (False, 0), (True, 2), (True, 3)))
def test_all_values_come_back(value):
    assert typed(decode(encode(value))) == typed(value)


def test_what_is_no_plain_value():
    for value in (1.5, [], {}, object(), 1 << 2100, (((1, [2]),),)):
        with pytest.raises(Fault) as caught:
            encode(value)
        assert caught.value.errno == e.EINVAL


def test_views_become_bytes():
    assert decode(encode((bytearray(b"ab"), memoryview(b"abcd")[1:3]))) == (b"ab", b"bc")


def test_depth_is_bounded_both_ways():
    value = ()
    for _ in range(DEPTH - 1):
        value = (value,)
    assert decode(encode(value)) == value
    with pytest.raises(Fault):
        encode((value,))
    rejected(b"t\x01\0\0\0" * 5000 + b"N")
    rejected(b"c\x01\0\0\0\x01" * 5000 + b"N")


def test_listings_are_rows_of_columns():
    """20,000 entries with attributes: what a row takes, in bytes."""
    rows = tuple((b"name%d" % number, number, ROW) for number in range(20_000))
    data = encode((rows, -1))
    assert decode(data) == (rows, -1)
    assert len(data) < 20_000 * (14 * 8 + 8 + 4 + 10)
    assert encode(((None, ROW), (ROW, None)) * 4)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"?", b"i123", b"s\xff\xff\xff\xffabc", b"I\x05ab", b"u\x02\0\0\0\xff\xff", b"NN", b"t\xff\xff\xff\xff",
        b"q\x02\0\0\0" + bytes(15), b"x\x02\0\0\0" + struct.pack("<2I", 1, 0xFFFFFFFF) + b"abc",
        b"r\x02\0\0\0\0" + bytes(16), b"r\x02\0\0\0\x02" + bytes(31), b"r\0\0\0\0\x01",
        b"c\x02\0\0\0\0", b"c\x02\0\0\0\x01q\x01\0\0\0" + bytes(8), b"c\x02\0\0\0\x01N", b"c\0\0\0\0\x01t\0\0\0\0",
        b"i" + bytes(9),
    ],
)  # fmt: skip
def test_damaged_values(data):
    rejected(data)


@pytest.mark.parametrize("value", [None, (1, b"ab", "c"), ((b"a", 1),) * 6, (1 << 70,) * 5])
def test_every_value_cut_short(value):
    data = encode(value)
    for length in range(len(data)):
        rejected(data[:length])


def test_bombs():
    """Rows of rows of rows, which cost six bytes a level: the number of values is bounded, whatever they nest."""
    count = 100_000
    core = b"t" + struct.pack("<I", count) + b"N" * count
    for _ in range(10):
        core = b"c" + struct.pack("<IB", count, 1) + core
    started = time.process_time()
    rejected(core, items=500_000)
    rejected(b"r" + struct.pack("<IB", 1000, 255) + bytes(8 * 255_000), items=255_999)
    rejected(b"t" + struct.pack("<I", count) + b"N" * count, items=count - 1)
    assert time.process_time() - started < 5


PARTS = [
    b"t\x04\0\0\0", b"c\x04\0\0\0\x01", b"q\x04\0\0\0", b"N", b"i" + bytes(8), b"x\x04\0\0\0" + bytes(16),
    b"s\x01\0\0\0a", bytes(8), b"I\x01\x01",
]  # fmt: skip


@settings(max_examples=150)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(PARTS)).map(b"".join))
def test_any_bytes_are_a_value_or_an_error(data):
    try:
        value = decode(data)
    except Fault as problem:
        assert problem.errno == e.EPROTO
    else:
        assert typed(decode(encode(value))) == typed(value)
