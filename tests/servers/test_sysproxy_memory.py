# SPDX-License-Identifier: BSD-2-Clause
"""What a client makes the server keep is bounded, and who does not read, or answer, stops only itself."""

from __future__ import annotations

import struct
import threading

import pytest
from raw_client import ERROR, EXEC, FORK, HANDSHAKE, PREFORK, RESP, SYSCALL, Hung, RawClient
from served import Served

import rump.servers
from rump.kernel import abi
from rump.kernel.lwps import Lwp, system_calls
from rump.kernel.sysproxy import frames, native
from rump.kernel.sysproxy.memory import PIECE, STREAM, TRANSFER
from rump.kernel.sysproxy.server import Limits
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e

CREATE = abi.O_RDWR | abi.O_CREAT
MUCH = TRANSFER - 5


@pytest.fixture
def served(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s")) as served:
        yield served
        assert served.server.transferred() == 0
        assert served.log == []


@pytest.fixture
def made(monkeypatch):
    """The lengths of the kernel's own reads and writes."""
    lengths = []
    system_calls()                  # all of them are there from now on

    def watched(name, at):
        call = getattr(Lwp, name)

        def make(lwp, *arguments):
            lengths.append((name, len(arguments[at])))
            return call(lwp, *arguments)

        monkeypatch.setattr(Lwp, name, make)

    for name in ("pwrite", "write", "preadinto", "readinto"):
        watched(name, 1)
    return lengths


@pytest.mark.parametrize("genuine", [False, True])
def test_much_is_one_system_call(served, made, genuine):
    data = bytes(range(256)) * (MUCH // 256 + 1)
    with rump.servers.connect(served.address.decode(), genuine=genuine) as lwp:
        fd = lwp.open(b"/tmp/a", CREATE, 0o600)
        assert lwp.pwrite(fd, data[:MUCH], 3) == MUCH
        assert lwp.pread(fd, MUCH, 3) == data[:MUCH]
        assert made == [("pwrite", MUCH), ("preadinto", MUCH)]
        made.clear()
        lwp.lseek(fd, 0, abi.SEEK_SET)
        assert lwp.write(fd, data[:MUCH] + bytes(10)) == MUCH + 10      # more than that is two
        assert [length for name, length in made if name == "write"] == [TRANSFER, 5]


def test_a_vector_is_one_system_call(served, made):
    client = RawClient(served.address)
    fd = client.ok(5, b"/tmp/v", CREATE, 0o600)
    pieces = [client.place(bytes([number]) * length) for number, length in enumerate((PIECE + 1, 0, 3, 2 * PIECE), 1)]
    lengths = (PIECE + 1, 0, 3, 2 * PIECE)
    vector = b"".join(struct.pack("=QQ", *pair) for pair in zip(pieces, lengths, strict=True))
    assert client.ok(121, fd, client.place(vector), 4) == sum(lengths)
    into = [client.place(length) for length in reversed(lengths)]
    back = b"".join(struct.pack("=QQ", *pair) for pair in zip(into, reversed(lengths), strict=True))
    assert client.ok(289, fd, client.place(back), 4, 0, 0) == sum(lengths)
    wanted = b"".join(client.peek(at, length) for at, length in zip(pieces, lengths, strict=True))
    assert b"".join(
        client.peek(at, length) for at, length in zip(into, reversed(lengths), strict=True)) == wanted
    assert made == [("write", sum(lengths)), ("preadinto", sum(lengths))]
    client.close()


def test_without_memory_much_is_made_in_pieces(tmp_path, made):
    limits = Limits(transfers=5 * PIECE)
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=limits) as served:
        holder, other = RawClient(served.address), rump.servers.connect(served.address.decode())
        fd = holder.ok(5, b"/tmp/h", CREATE, 0o600)
        holder.send(1, 0, SYSCALL, 4, holder.slots(fd, 0x5000, 4 * PIECE))
        question = holder.receive()                 # which is never answered
        assert served.server.transferred() == 4 * PIECE
        mine = other.open(b"/tmp/o", CREATE, 0o600)
        assert other.write(mine, bytes(3 * PIECE)) == 3 * PIECE
        assert made == [("write", PIECE)] * 3
        assert struct.unpack_from("=Q", question[4])[0] == PIECE
        holder.close()                              # dies in the middle of it
        served.until(lambda: served.server.transferred() == 0, "the memory")
        made.clear()
        assert other.pwrite(mine, bytes(3 * PIECE), 0) == 3 * PIECE
        assert made == [("pwrite", 3 * PIECE)]
        other.disconnect()


def test_what_stays_behind_is_bounded_in_bytes(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(pending=1 << 20)) as served:
        client, witness = RawClient(served.address), RawClient(served.address)
        client.send(9, 0, SYSCALL, 10, client.slots(0x5000))        # asks for its path
        asked = client.receive()
        for number in range(4):
            client.send(20 + number, 0, SYSCALL, 20, bytes(300_000))
        assert client.receive()[:4] == (23, ERROR, SYSCALL, 1)
        assert 900_000 < max(one.pending for one in served.server._clients) <= 1 << 20
        assert witness.call(20)[0] == 0
        client.send(asked[0], RESP, 3, 0, b"/tmp/none\0")
        assert [client.receive()[0] for _ in range(4)] == [9, 20, 21, 22]
        served.until(lambda: not any(one.pending for one in served.server._clients))
        client.close()
        witness.close()


def test_what_waits_is_bounded_in_bytes(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(pending=4 * STREAM)) as served:
        client = RawClient(served.address)
        _, reading, _ = client.call(42)
        room = client.place(STREAM)
        for number in range(4):
            client.send(number, 0, SYSCALL, 3, client.slots(reading, room, STREAM))
        assert client.receive()[:4] == (3, ERROR, SYSCALL, 1)
        client.number = 50
        assert client.call(20)[0] == 0
        client.close()
        served.until(lambda: served.server.clients() == 0)


def test_a_batch_that_waits_is_weighed(tmp_path):
    limits = Limits(pending=3 * PIECE)
    with (
        Served(b"unix://%s" % bytes(tmp_path / "s"), limits=limits) as served,
        rump.servers.connect(served.address.decode()) as lwp,
    ):
        waiting = ("poll", ((), 1))
        fd = lwp.open(b"/tmp/b", CREATE, 0o600)
        lwp.write(fd, bytes(PIECE))
        results, error = lwp.batch([waiting, *[("pread", (fd, PIECE, 0))] * 3])
        assert len(results) == 3 and error.errno == e.EMSGSIZE
        asked = encode((waiting, ("pwrite", (fd, bytes(2 * PIECE), 0))))
        with pytest.raises(BlockingIOError):
            lwp._wire.ask(frames.BATCH, 0, asked)
        assert decode(lwp._wire.ask(frames.BATCH)) == native.VERSION
    value = (1, b"abc", ("x", None))
    assert native.weight(value) > 4 * 32


def test_who_does_not_read_stops_only_himself(served):
    fd, clients = 0, [RawClient(served.address) for _ in range(3)]
    for client in clients:
        fd = client.ok(5, b"/tmp/r", CREATE, 0o600)
    clients[0].ok(201, fd, 0, MUCH)
    for client in clients[:2]:
        client.send(1, 0, SYSCALL, 173, client.slots(fd, 0x10000, MUCH, 0, 0))     # and takes nothing of it
    for number in range(20):
        clients[0].send(2 + number, 0, SYSCALL, 20)
    served.until(lambda: served.server.transferred() == 2 * MUCH)
    witness = clients[2]
    for _ in range(20):
        assert witness.call(20)[0] == 0
    assert witness.ok(4, fd, witness.place(b"x" * PIECE), PIECE) == PIECE
    for client in clients:
        client.close()
    served.until(lambda: served.server.clients() == 0)


def test_an_answer_that_is_longer_than_asked_for_is_not_kept(served):
    client = RawClient(served.address)
    _, _, writing = client.call(42)
    client.send(1, 0, SYSCALL, 4, client.slots(writing, 0x5000, 10))
    number, *_ = client.receive()
    client.send(number, RESP, 2, 0, bytes(3 << 20))
    assert struct.unpack_from("=i", client.receive()[4])[0] == e.EFAULT
    assert client.call(20)[0] == 0
    client.close()


def test_numbers_used_twice(served):
    """A client numbers its requests as it likes; each gets its answer."""
    client = RawClient(served.address)
    _, reading, _ = client.call(42)
    for _ in range(3):
        client.send(7, 0, SYSCALL, 3, client.slots(reading, client.place(1), 1))
    for number in (7, 7):
        client.send(number, 0, SYSCALL, 20)
        assert client.receive()[:3] == (7, RESP, SYSCALL)
    client.send(1, RESP, 2, 0, b"nobody asked")
    client.send((1 << 64) - 1, 0, SYSCALL, 20)
    assert client.receive()[0] == (1 << 64) - 1
    client.close()
    served.until(lambda: served.processes() == [1])


@pytest.mark.parametrize("patient", [False, True])
def test_exec_does_not_wait_for_the_old_program_s_memory(served, patient):
    client = RawClient(served.address)
    _, _, writing = client.call(42)
    number, arguments = (4, (writing, 0x5000, 10)) if patient else (10, (0x5000,))
    client.send(1, 0, SYSCALL, number, client.slots(*arguments))
    asked = client.receive()
    client.send(2, 0, HANDSHAKE, EXEC, b"another\0")            # and nobody is left to answer
    answers = {frame[0]: frame for frame in (client.receive(), client.receive())}
    assert struct.unpack_from("=i", answers[1][4])[0] == e.EINTR
    assert answers[2][1:3] == (RESP, HANDSHAKE)
    client.send(asked[0], RESP, asked[2], 0, b"too late\0\0")
    client.number = 60
    assert client.call(20)[:2] == (0, 2)
    assert client.ok(136, b"/tmp/made by the other", 0o755) == 0
    client.close()


def _take_up(child, cookie, answers):
    answers.append(child.handshake(FORK, cookie + bytes(4))[:2])


def test_one_of_many_takes_a_fork_up(served):
    parent = RawClient(served.address)
    for _ in range(10):
        cookie = parent.prefork()
        children = [RawClient(served.address, handshake=False) for _ in range(6)]
        answers = []
        threads = [threading.Thread(target=_take_up, args=(child, cookie, answers)) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [(RESP, 0)] + [(ERROR, 3)] * 5
        for child in children:
            child.close()
    parent.close()
    served.until(lambda: served.processes() == [1])


def test_many_prepare_forks_and_no_more_than_may(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(preforks=5)) as served:
        clients = [RawClient(served.address) for _ in range(8)]
        kinds = []
        threads = [threading.Thread(target=lambda c=c: kinds.append(c.ask(PREFORK)[0])) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(kinds) == [RESP] * 5 + [ERROR] * 3
        for client in clients:
            client.close()


def test_a_stranger_who_sends_a_byte_now_and_then(tmp_path):
    """His patience is for the whole frame."""
    from rump.kernel.sysproxy.connection import Connection
    from rump.rumpuser.interface.errno import HostError
    from rump.servers.client.link import NoKernel

    class Dripping:
        now = 0

        def clock_gettime(self, clock):
            return self.now

        def stream_receive(self, stream, length, timeout):
            if timeout < 10:
                raise HostError(e.ETIMEDOUT)
            self.now += 10
            return b"x"

    connection = Connection(Dripping(), NoKernel(), 0, 4096, 95)
    with pytest.raises(OSError) as caught:
        connection.frame()
    assert caught.value.errno == e.ETIMEDOUT and len(connection._received) == 9


def test_a_hung_up_client_s_transfer_is_given_back(served):
    for _ in range(3):
        client = RawClient(served.address)
        fd = client.ok(5, b"/tmp/g", CREATE, 0o600)
        client.send(1, 0, SYSCALL, 4, client.slots(fd, 0x5000, MUCH))
        client.send(client.receive()[0], RESP, 2, 0, bytes(PIECE))
        client.receive()
        client.raw(b"\xff" * 24)
        with pytest.raises(Hung):
            client.receive()            # the call's error
            client.receive()
        client.close()
    served.until(lambda: served.server.clients() == 0)
    assert served.server.transferred() == 0
