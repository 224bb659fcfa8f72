# SPDX-License-Identifier: BSD-2-Clause
"""Streams beyond their contract: what Linux tells of peers, sockets of the program's, addresses, middleware."""

from __future__ import annotations

import os
import socket

import pytest

from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.middleware.faults import Faults
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.replay import Replay, ReplayError
from rump.rumpuser.middleware.trace import Trace
from rump.rumpuser.posix.addresses import parse, tcp_address

pytest.importorskip("fcntl")


@pytest.fixture
def host():
    from rump.rumpuser.host import default

    return default()


@pytest.fixture
def pair(host):
    """Two streams over a socket pair of the program's."""
    ours = socket.socketpair()
    streams = [host.stream_adopt(end.fileno()) for end in ours]
    yield streams
    for stream in streams:
        host.stream_close(stream)
    for end in ours:
        end.close()


def test_adopting(host, pair):
    host.stream_send(pair[0], b"abc")
    assert host.stream_receive(pair[1], 10, None) == b"abc"
    file = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(HostError) as caught:
        host.stream_adopt(file)
    os.close(file)
    assert caught.value.errno == e.ENOTSOCK


@pytest.mark.skipif("sys.platform != 'linux'", reason="SO_PEERCRED is Linux's")
def test_peers(host, tmp_path):
    address = b"unix://" + bytes(tmp_path / "s")
    listener = host.stream_listen(address)
    streams = [host.stream_connect(address, None), host.stream_accept(listener, None)]
    assert [host.stream_peer(stream) for stream in streams] == [(os.getpid(), os.geteuid(), os.getegid())] * 2
    for number in (listener, *streams):
        host.stream_close(number)


def test_a_name_that_another_took_is_left_alone(host, tmp_path):
    path = tmp_path / "s"
    listener = host.stream_listen(b"unix://" + bytes(path))
    path.unlink()
    path.write_bytes(b"another's")
    host.stream_close(listener)
    assert path.read_bytes() == b"another's"


def test_a_name_left_by_a_program_that_died_is_taken_over(host, tmp_path):
    path = bytes(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    host.stream_close(host.stream_listen(b"unix://" + path))
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        (b"unix:///a/b", (b"/a/b", -1)), (b"unix://a", (b"a", -1)), (b"tcp://1.2.3.4:5/", (b"1.2.3.4", 5)),
        (b"tcp://*:0", (b"*", 0)), (b"tcp://[::1]:9/", (b"::1", 9)), (b"tcp://host:65535/", (b"host", 65535)),
    ],
)  # fmt: skip
def test_addresses(address, parts):
    assert parse(address) == parts


def test_addresses_of_sockets():
    assert tcp_address(("0.0.0.0", 7)) == b"tcp://127.0.0.1:7/"
    assert tcp_address(("::", 7, 0, 0)) == b"tcp://[::1]:7/"


class Scripted:
    """Enough of a host: streams whose results are made up."""

    def __init__(self, host):
        self.traits = host.traits
        self.received = [b"one", b""]

    def stream_connect(self, address, timeout):
        return 3

    def stream_send(self, stream, data):
        pass

    def stream_receive(self, stream, length, timeout):
        return self.received.pop(0)

    def stream_peer(self, stream):
        return 1, 2, 3

    def stream_listen(self, address, mode=0o600):
        raise HostError(e.EADDRINUSE)

    def stream_close(self, stream):
        pass


def use(host):
    with pytest.raises(HostError):
        host.stream_listen(b"unix://s")
    stream = host.stream_connect(b"tcp://h:1/", None)
    host.stream_send(stream, b"question")
    found = [host.stream_receive(stream, 5, 10**9), host.stream_receive(stream, 5, None), host.stream_peer(stream)]
    host.stream_close(stream)
    return found


def test_a_trace(host):
    lines = []
    use(Trace(Scripted(host), lines.append))
    assert b"".join(lines).decode().splitlines() == [
        'stream_listen("unix://s", 0o600) = -1 EADDRINUSE (Address already in use)',
        'stream_connect("tcp://h:1/", for ever) = 3',
        'stream_send(3, "question", 8) = 0',
        'stream_receive(3, 5, 1.000000000) = "one", 3',
        'stream_receive(3, 5, for ever) = "", 0',
        "stream_peer(3) = {pid=1, uid=2, gid=3}",
        "stream_close(3) = 0",
    ]


def test_a_recording(host, tmp_path):
    with open(tmp_path / "rec", "wb") as file:
        found = use(Record(Scripted(host), file.write))
    with open(tmp_path / "rec", "rb") as file:
        replay = Replay(file)
        assert use(replay) == found == [b"one", b"", (1, 2, 3)]
        replay.finish()
    with open(tmp_path / "rec", "rb") as file:
        replay = Replay(file)
        with pytest.raises(HostError):
            replay.stream_listen(b"unix://s")
        replay.stream_connect(b"tcp://h:1/", None)
        with pytest.raises(ReplayError):
            replay.stream_send(3, b"another question")


def test_faults(host, pair):
    faulty = Faults(host, "stream_receive", 2)
    host.stream_send(pair[0], b"abcd")
    assert faulty.stream_receive(pair[1], 2, None) == b"ab"
    with pytest.raises(HostError):
        faulty.stream_receive(pair[1], 2, None)
    assert faulty.stream_receive(pair[1], 2, None) == b"cd"
