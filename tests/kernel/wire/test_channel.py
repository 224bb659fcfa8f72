# SPDX-License-Identifier: BSD-2-Clause
"""Values as frames over a stream: whole ones, in pieces, cut off, too long."""

import struct

import pytest

from rump.kernel.errors import Fault
from rump.kernel.wire.channel import Channel
from rump.kernel.wire.values import encode
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import Hypercalls


class Pieces(Hypercalls):
    """A host whose one stream gives these pieces, each taking so many nanoseconds."""

    def __init__(self, *pieces, took=0):
        self.pieces = list(pieces)
        self.sent = b""
        self.now = 0
        self.took = took

    def clock_gettime(self, clock):
        return self.now

    def stream_send(self, stream, data):
        self.sent += data

    def stream_receive(self, stream, length, timeout):
        if timeout is not None and self.took > timeout:
            raise HostError(e.ETIMEDOUT)
        self.now += self.took
        return self.pieces.pop(0) if self.pieces else b""


def frame(value):
    data = encode(value)
    return struct.pack("<I", len(data)) + data


def refused(number, host, timeout=None, limit=1000):
    with pytest.raises(OSError) as caught:
        Channel(host, 3, limit).receive(timeout)
    assert caught.value.errno == number


def test_values_in_any_pieces():
    data = frame((1, b"two")) + frame("three") + frame(None)
    for size in (1, 2, 5, len(data)):
        channel = Channel(Pieces(*[data[i : i + size] for i in range(0, len(data), size)]), 3)
        assert [channel.receive() for _ in range(3)] == [(1, b"two"), "three", None]


def test_what_is_sent_is_received():
    host = Pieces()
    Channel(host, 3).send((1, "x"))
    assert Channel(Pieces(host.sent), 3).receive() == (1, "x")


def test_peers_that_go():
    refused(e.EPIPE, Pieces())
    refused(e.EPIPE, Pieces(frame((1, 2, 3))[:-1]))


def test_frames_that_are_none():
    refused(e.EPROTO, Pieces(struct.pack("<I", 1001) + bytes(1001)))
    refused(e.EPROTO, Pieces(b"\x01\0\0\0?"))
    with pytest.raises(Fault) as caught:
        Channel(Pieces(), 3, 10).send(b"more than ten bytes")
    assert caught.value.errno == e.EMSGSIZE


def test_one_byte_at_a_time_is_no_way_to_keep_somebody_waiting():
    """The time is that of the whole frame."""
    data = frame(bytes(90))
    refused(e.ETIMEDOUT, Pieces(*[bytes([byte]) for byte in data], took=10), timeout=500)
    assert Channel(Pieces(*[bytes([byte]) for byte in data], took=1), 3).receive(500) == bytes(90)
