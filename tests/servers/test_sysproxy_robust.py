# SPDX-License-Identifier: BSD-2-Clause
"""What clients do wrong costs themselves only: dying, lying, flooding; and who may be a client at all."""

from __future__ import annotations

import hmac
import random
import socket
import struct

import pytest
from raw_client import AUTH, ERROR, FORK, GUEST, RESP, SYSCALL, Hung, RawClient, header
from served import Served

from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.sysproxy.server import Limits
from rump.kernel.sysproxy.sysent import SYSENT
from rump.rumpuser.interface import errno as e

FRAMES = 10_000
LAST = 1 << 40


@pytest.fixture
def served(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s")) as served:
        yield served


def test_a_client_that_dies_leaves_nothing(served):
    witness = RawClient(served.address)
    client = RawClient(served.address)
    client.ok(12, b"/tmp")
    client.ok(5, b"/tmp/a", abi.O_RDWR | abi.O_CREAT, 0o600)
    _, reading, _ = client.call(42)
    other = RawClient(served.address, handshake=False)
    other.handshake(FORK, client.prefork() + bytes(4))              # has the pipe's other end, too
    client.send(1, 0, SYSCALL, 3, client.slots(reading, client.place(4), 4))
    client.send(2, 0, SYSCALL, 209, client.slots(client.place(struct.pack("=ihh", reading, 1, 0)), 1, -1))
    number, *_ = client.receive()
    client.send(number, RESP, 2, 0, struct.pack("=ihh", reading, 1, 0))
    served.until(lambda: any(process.sleeping for process in served.kernel.processes.values()))
    client.close()
    served.until(lambda: served.processes() == [1, 2, 4], "its end")
    other.close()
    served.until(lambda: served.server.clients() == 1)
    assert witness.call(20)[1] == 2
    witness.close()
    assert served.log == []


def test_a_client_that_dies_while_the_server_asks_it(served):
    for number, arguments in ((10, (0x5000,)), (4, (1, 0x5000, 10))):
        client = RawClient(served.address)
        client.send(1, 0, SYSCALL, number, client.slots(*arguments))
        client.receive()
        client.close()
        served.until(lambda: served.processes() == [1])


@pytest.mark.parametrize(
    "bytes_sent",
    [
        header(23, 1, 0, 1, 20), header(0, 1, 0, 1, 20), header(1 << 63, 1, 0, 1, 20),
        header((4 << 20) + 1, 1, 0, 1, 20), b"\xff" * 24, bytes(24), b"GET / HTTP/1.0\r\n\r\nabcdefghijkl",
    ],
)  # fmt: skip
def test_frames_that_are_none_end_the_connection(served, bytes_sent):
    witness = RawClient(served.address)
    for handshake in (True, False):
        client = RawClient(served.address, handshake=handshake)
        client.raw(bytes_sent)
        with pytest.raises(Hung):
            client.receive()
        client.close()
    assert witness.call(20)[0] == 0
    witness.close()


def test_half_a_frame(served):
    for data in (b"", header(24, 1, 0, 1, 20)[:10], header(100, 1, 0, 1, 20), header(100, 1, 0, 0, 0)):
        client = RawClient(served.address, handshake=len(data) > 10)
        client.raw(data)
        client.close()
    served.until(lambda: served.processes() == [1] and served.server.clients() == 0)


def test_a_stranger_s_frame_must_be_short(served):
    client = RawClient(served.address, handshake=False)
    client.raw(header(5000, 1, 0, 0, 0))
    with pytest.raises(Hung):
        client.receive()
    client.close()


def test_an_idle_stranger_is_hung_up_on(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(patience=20 * 10**6)) as served:
        client = RawClient(served.address, handshake=False)
        with pytest.raises(Hung):
            client.receive()
        client.close()


def test_limits(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(clients=2, calls=3)) as served:
        clients = [RawClient(served.address) for _ in range(2)]
        with pytest.raises(Hung):
            RawClient(served.address)
        client = clients[0]
        _, reading, _ = client.call(42)
        for number in range(4):
            client.send(number, 0, SYSCALL, 3, client.slots(reading, client.place(4), 4))
        assert client.receive()[:4] == (3, ERROR, SYSCALL, 1)
        client.send(9, 0, SYSCALL, 10, client.slots(0x5000))            # asks for the path; three more may stay behind
        for number in range(4):
            client.send(20 + number, 0, SYSCALL, 20)
        asked = client.receive()
        assert client.receive()[:4] == (23, ERROR, SYSCALL, 1)
        client.send(asked[0], RESP, 3, 0, b"/tmp/none\0")
        assert [client.receive()[0] for _ in range(4)] == [9, 20, 21, 22]
        fds = 0
        while clients[1].call(41, 0)[0] == 0:
            fds += 1
        assert fds == abi.OPEN_MAX - 3
        for client in clients:
            client.close()
        served.until(lambda: served.server.clients() == 0)


def test_unwelcome_clients(tmp_path):
    welcome = True
    with Served(b"unix://%s" % bytes(tmp_path / "s"), welcome=lambda: welcome) as served:
        first = RawClient(served.address)
        welcome = False
        with pytest.raises(Hung):
            RawClient(served.address)
        assert first.call(20)[0] == 0
        welcome = True
        RawClient(served.address).close()
        first.close()


def test_many_clients(served):
    clients = [RawClient(served.address) for _ in range(60)]
    for turn in range(3):
        for number, client in enumerate(clients):
            fd = client.ok(5, b"/tmp/%d" % number, abi.O_RDWR | abi.O_CREAT, 0o600)
            assert client.ok(4, fd, client.place(b"%d" % number), len(b"%d" % number))
            assert fd == 3 + turn
    assert len({client.call(20)[1] for client in clients}) == 60
    for client in clients:
        client.close()
    served.until(lambda: served.processes() == [1])


def _random_frame(rng):
    kind = rng.choice((0, 0, 0, 0, 1, 2, rng.randrange(1 << 16)))
    type = rng.choice((1, 1, 1, 1, 1, 1, *range(9), 0x5250, 0x5250, 99))
    extra = rng.choice((rng.choice(list(SYSENT)), rng.randrange(520), rng.randrange(1 << 32), rng.randrange(4)))
    words = (0, 1, 2, 3, 4, 5, -1, -100, 64, 4096, 0x5000, 1 << 31, (1 << 63) - 1, -1 << 63, 0x7FFFFFFF, 512)
    payload = b"".join(struct.pack("=q", rng.choice(words)) for _ in range(rng.randrange(7)))
    payload = rng.choice((payload, payload, payload, rng.randbytes(rng.randrange(60))))
    if extra in (208, 209):
        extra = 20
    return header(24 + len(payload), rng.randrange(1 << 20), kind, type, extra) + payload


def _answer_for(rng, type, payload):
    """What a client that means ill gives out of its memory."""
    length = struct.unpack_from("=Q", payload)[0]
    paths = (b"/tmp\0", b"/\0", b"/tmp/a\0", b"/dev/null\0", b"x" * 300 + b"\0", b"\0", b"..\0", b"/tmp/a/b\0", b"a")
    if type == 3:
        return rng.choice(paths)
    return rng.randbytes(min(length, 1 << 16)) if rng.random() < 0.9 else b"short"


def test_thousands_of_frames_by_chance(served):
    """Most are system calls with arguments by chance, whose questions are answered by chance, too."""
    witness = RawClient(served.address)
    rng, sent = random.Random(1), 0
    while sent < FRAMES:
        client = RawClient(served.address)
        try:
            for _ in range(rng.randrange(1, 60)):
                sent += 1
                client.raw(_random_frame(rng))
                if rng.random() < 0.9:
                    client.send(LAST, 0, SYSCALL, 20)
                    _serve_by_chance(client, rng)
        except Hung:
            pass
        client.close()
        assert witness.call(20)[:2] == (0, 2)       # others go on
    witness.close()
    served.until(lambda: served.server.clients() == 0, "all to be gone")
    served.server.stop()                # takes the forks along that nobody has taken up
    assert served.processes() == [1]
    assert served.log == []


def _serve_by_chance(client, rng):
    """Answer questions until the answer to our last frame comes."""
    while True:
        number, kind, type, _, payload = client.receive()
        if kind != 0 and number == LAST:
            return
        if kind == 0 and type in (2, 3):
            client.send(number, RESP, type, 0, _answer_for(rng, type, payload))


# ---- who may be a client ---------------------------------------------------------------------------------------------


def test_tcp_without_a_secret_stays_at_home(tmp_path):
    with Served(b"tcp://127.0.0.1:0/") as served:
        client = RawClient(served.address)
        assert client.call(20)[0] == 0
        client.close()
    for address in (b"tcp://0.0.0.0:0/", b"tcp://*:0/", b"tcp://192.0.2.1:0/", b"tcp://[::]:0/"):
        with pytest.raises((Fault, OSError)):
            Served(address)


def _prove(client, secret, nonce=b"n" * 32):
    kind, extra, theirs = client.handshake(AUTH, nonce)
    assert (kind, extra, len(theirs)) == (RESP, AUTH, 32)
    proof = hmac.digest(secret, b"rump sysproxy client\0" + nonce + theirs, "sha256")
    return theirs, client.handshake(AUTH, proof)


def test_tcp_with_a_secret():
    with Served(b"tcp://*:0/", secret=b"sesame") as served:
        assert served.address.startswith(b"tcp://127.0.0.1:")
        client = RawClient(served.address, handshake=False)
        theirs, (kind, extra, proof) = _prove(client, b"sesame")
        assert (kind, extra) == (RESP, AUTH)
        assert proof == hmac.digest(b"sesame", b"rump sysproxy server\0" + b"n" * 32 + theirs, "sha256")
        assert client.handshake(GUEST, b"me\0")[0] == RESP
        assert client.call(20)[0] == 0
        cookie = client.prefork()
        assert len(cookie) == 16
        client.close()
        client = RawClient(served.address, handshake=False)
        assert _prove(client, b"wrong")[1] == (ERROR, 2, b"")
        client.close()
        for kind, payload in ((GUEST, b"me\0"), (FORK, cookie + bytes(4)), (AUTH, b"short")):
            client = RawClient(served.address, handshake=False)
            assert client.handshake(kind, payload) == (ERROR, 2, b"")
            with pytest.raises(Hung):
                client.receive()
            client.close()


def test_unix_peers_are_known(tmp_path, monkeypatch):
    from rump.rumpuser.posix.streams import Streams

    class Peers:
        uid = 0

    monkeypatch.setattr(Streams, "stream_peer", lambda self, stream: (1, Peers.uid, 77))
    address = b"unix://%s" % bytes(tmp_path / "s")
    with Served(address, uid=500) as served:
        for uid, welcome in ((0, True), (500, True), (501, False)):
            Peers.uid = uid
            client = RawClient(served.address, handshake=False)
            assert (client.handshake(GUEST, b"x\0")[0] == RESP) == welcome
            client.close()
    with Served(address, uid=500, others=True) as served:
        client = RawClient(served.address)
        assert (client.call(24), client.call(47)) == ((0, 501, 501), (0, 77, 77))
        assert client.call(5, b"/tmp/mine", abi.O_CREAT | abi.O_RDWR, 0o600)[0] == 0
        assert client.call(136, b"/mine", 0o755)[0] == e.EACCES
        assert client.call(208, 0, 0)[0] == e.EPERM
        client.close()


def test_the_socket_s_mode(tmp_path):
    path = tmp_path / "s"
    for others, mode in ((False, 0o600), (True, 0o666)):
        with Served(b"unix://%s" % bytes(path), others=others):
            assert path.stat().st_mode & 0o777 == mode
        assert not path.exists()


def test_a_server_stops_with_clients_in_the_middle(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s")) as served:
        clients = [RawClient(served.address) for _ in range(4)]
        clients[0].prefork()
        clients[1].send(1, 0, SYSCALL, 10, clients[1].slots(0x5000))
        _, reading, _ = clients[2].call(42)
        clients[2].send(1, 0, SYSCALL, 3, clients[2].slots(reading, 0x5000, 4))
        served.server.stop()
        assert served.processes() == [1]
        for client in clients:
            with pytest.raises((Hung, AssertionError)):
                while True:
                    client.receive()
            client.close()
        probe = socket.socket(socket.AF_UNIX)
        with pytest.raises(FileNotFoundError):
            probe.connect(bytes(tmp_path / "s"))
        probe.close()


