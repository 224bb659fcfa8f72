# SPDX-License-Identifier: BSD-2-Clause
"""The original's protocol, spoken to the server by a client that shares no code with it."""

from __future__ import annotations

import struct

import pytest
from raw_client import ANONMMAP, AUTH, ERROR, EXEC, FORK, GUEST, HANDSHAKE, PREFORK, RESP, SYSCALL, Hung, RawClient
from served import Served

from rump.kernel import abi
from rump.rumpuser.interface import errno as e

O_RDWR_CREAT = abi.O_RDWR | abi.O_CREAT


@pytest.fixture
def served(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s")) as served:
        yield served
        assert served.log == []


@pytest.fixture
def client(served):
    client = RawClient(served.address)
    yield client
    client.close()


def test_the_banner(client):
    assert client.banner == b"RUMPSP-0.4-NetBSD-7.99.34/amd64\n"
    assert len(client.banner) <= 95


def test_the_first_process(client):
    assert client.call(20) == (0, 2, 1)             # its pid and its parent's
    assert client.call(24) == (0, 0, 0)
    assert client.call(5, b"/tmp/a", O_RDWR_CREAT, 0o644) == (0, 3, 0)      # 0 to 2 are the console


def test_files(client):
    fd = client.ok(5, b"/tmp/a", O_RDWR_CREAT, 0o640)
    assert client.ok(4, fd, client.place(b"hello there"), 11) == 11
    assert client.ok(174, fd, client.place(b"J"), 1, 0, 0) == 1
    room = client.place(64)
    assert client.ok(173, fd, room, 64, 0, 6) == 5
    assert client.peek(room, 6) == b"there\0"
    assert client.ok(199, fd, 0, -5, 2) == 6
    assert client.ok(3, fd, room, 3) == 3
    assert client.peek(room, 3) == b"the"
    assert client.ok(201, fd, 0, 2) == 0
    stat = client.place(152)
    assert client.ok(440, fd, stat) == 0
    data = client.peek(stat, 152)
    mode, size = struct.unpack_from("=I", data, 8)[0], struct.unpack_from("=q", data, 112)[0]
    assert (mode, size) == (abi.S_IFREG | 0o640, 2)
    client.ok(6, fd)
    assert client.call(6, fd)[0] == e.EBADF
    assert client.call(5, b"/none", 0, 0)[0] == e.ENOENT


def test_vectors(client):
    fd = client.ok(5, b"/tmp/v", O_RDWR_CREAT, 0o640)
    pieces = [client.place(b"abc"), client.place(b"defgh")]
    vector = client.place(struct.pack("=QQQQ", pieces[0], 3, pieces[1], 5))
    assert client.ok(121, fd, vector, 2) == 8
    into = [client.place(5), client.place(5)]
    back = client.place(struct.pack("=QQQQ", into[0], 5, into[1], 5))
    assert client.ok(289, fd, back, 2, 0, 0) == 8
    assert (client.peek(into[0], 5), client.peek(into[1], 5)) == (b"abcde", b"fgh\0\0")


def test_much_data(client):
    fd = client.ok(5, b"/tmp/m", O_RDWR_CREAT, 0o640)
    data = bytes(range(256)) * 12_000       # three pieces
    assert client.ok(4, fd, client.place(data), len(data)) == len(data)
    room = client.place(len(data) + 5)
    assert client.ok(173, fd, room, len(data) + 5, 0, 0) == len(data)
    assert client.peek(room, len(data)) == data


def names(client, path, size=4096):
    fd = client.ok(5, path, abi.O_RDONLY, 0)
    room, found = client.place(size), []
    while length := client.ok(390, fd, room, size):
        data, at = client.peek(room, length), 0
        while at < length:
            fileid, reclen, namlen, kind = struct.unpack_from("=QHHB", data, at)
            assert reclen % 8 == 0 and fileid
            found.append((data[at + 13 : at + 13 + namlen], kind))
            at += reclen
    client.ok(6, fd)
    return found


def test_directories(client):
    client.ok(136, b"/tmp/d", 0o755)
    wanted = {(b".", 4), (b"..", 4)}
    for number in range(50):
        client.ok(6, client.ok(5, b"/tmp/d/%s%d" % (b"n" * number, number), O_RDWR_CREAT, 0o600))
        wanted.add((b"%s%d" % (b"n" * number, number), 8))
    for size in (96, 200, 4096):        # however small the buffer: each entry once
        found = names(client, b"/tmp/d", size)
        assert len(found) == len(wanted) and set(found) == wanted
    fd = client.ok(5, b"/tmp/d", abi.O_RDONLY, 0)
    assert client.call(390, fd, client.place(8), 8)[0] == e.EINVAL
    assert client.call(137, b"/tmp/d")[0] == e.ENOTEMPTY


def test_names(client):
    client.ok(6, client.ok(5, b"/tmp/one", O_RDWR_CREAT, 0o600))
    client.ok(128, b"/tmp/one", b"/tmp/other")
    client.ok(57, b"other", b"/tmp/link")
    room = client.place(20)
    assert client.ok(58, b"/tmp/link", room, 20) == 5
    assert client.peek(room, 6) == b"other\0"
    client.ok(15, b"/tmp/link", 0o4711)
    client.ok(16, b"/tmp/other", 5, -1)
    times = client.place(struct.pack("=qqqq", 5, 6, -7, 8))
    client.ok(467, abi.AT_FDCWD, b"/tmp/other", times, 0)
    client.ok(439, b"/tmp/link", stat := client.place(152))
    data = client.peek(stat, 152)
    assert struct.unpack_from("=I", data, 8)[0] == abi.S_IFREG | 0o4711
    assert struct.unpack_from("=II", data, 28) == (5, 0)
    assert struct.unpack_from("=qqqq", data, 48) == (5, 6, -7, 8)
    client.ok(441, b"/tmp/link", stat)
    assert struct.unpack_from("=I", client.peek(stat, 152), 8)[0] & abi.S_IFMT == abi.S_IFLNK
    client.ok(12, b"/tmp")
    assert client.ok(296, room, 20) == 5
    assert client.peek(room, 5) == b"/tmp\0"
    assert client.call(296, room, 4)[0] == e.ERANGE
    client.ok(10, b"other")
    client.ok(10, b"link")


def test_volumes(client):
    client.ok(136, b"/mnt", 0o755)
    client.ok(410, client.place(b"tmpfs\0"), b"/mnt", 0, client.place(8), 8)
    room = client.place(2256 * 3)
    assert client.ok(356, room, 2256 * 3, 2) == 2
    assert client.peek(room + 2256 + 172, 6) == b"tmpfs\0"
    assert client.peek(room + 2256 + 204, 5) == b"/mnt\0"
    assert client.ok(357, b"/mnt", room, 2) == 0
    assert client.peek(room + 204, 5) == b"/mnt\0"
    client.ok(22, b"/mnt", 0)
    missing = client.place(struct.pack("=Q", client.place(b"/dev/none\0")))
    assert client.call(410, client.place(b"ext2fs\0"), b"/mnt", 0, missing, 8)[0] == e.ENOENT


def test_pipes(client):
    error, reading, writing = client.call(42)
    assert error == 0
    assert client.ok(4, writing, client.place(b"through"), 7) == 7
    room = client.place(10)
    assert client.ok(3, reading, room, 10) == 7
    assert client.peek(room, 7) == b"through"
    polled = client.place(struct.pack("=ihhihh", reading, abi.POLLIN, 0, writing, abi.POLLOUT, 0))
    assert client.ok(209, polled, 2, -1) == 1
    assert struct.unpack("=ihhihh", client.peek(polled, 16)) == (reading, 1, 0, writing, 4, 4)


def test_a_call_that_waits_holds_up_no_other(client):
    _, reading, writing = client.call(42)
    room = client.place(10)
    client.send(1, 0, SYSCALL, 3, client.slots(reading, room, 10))
    client.send(2, 0, SYSCALL, 20)
    assert client.receive()[:3] == (2, RESP, SYSCALL)
    client.send(3, 0, SYSCALL, 4, client.slots(writing, client.place(b"late"), 4))
    number, kind, type, _, payload = client.receive()
    assert (kind, type) == (0, 2)
    client.send(number, RESP, 2, 0, b"late")
    done = {}
    while len(done) < 2:
        number, kind, type, _, payload = client.receive()
        if kind == RESP:
            done[number] = struct.unpack("=iiqq", payload)[2]
        else:
            assert payload[16:] == b"late"
    assert done == {1: 4, 3: 4}


def test_unknown_calls_and_short_ones(served, client):
    assert client.call(37)[0] == client.call(59, 1, 2, 3)[0] == client.call(0xFFFF)[0] == e.ENOSYS == 78
    for number in (3, 5, 173, 410, 439):
        kind, _, payload = client.ask(SYSCALL, number, b"\0\0\0")
        assert kind == RESP and struct.unpack_from("=i", payload)[0] == e.EINVAL
    assert client.call(5, 0, 0, 0)[0] == e.EFAULT           # no path
    assert client.call(20)[1] == 2


def test_lies_about_memory(client):
    fd = client.ok(5, b"/tmp/l", O_RDWR_CREAT, 0o600)
    for answer, kind in ((b"ab", RESP), (b"abcdef", RESP), (b"", ERROR)):
        client.send(7, 0, SYSCALL, 4, client.slots(fd, 0x5000, 4))
        number, *_ = client.receive()
        client.send(number, kind, 2, 0, answer)
        assert struct.unpack_from("=i", client.receive()[4])[0] == e.EFAULT
    client.send(8, 0, SYSCALL, 10, client.slots(0x5000))
    number, _, _, _, payload = client.receive()
    client.send(number, RESP, 3, 0, b"x" * struct.unpack("=QQ", payload)[0])        # a path without an end
    assert struct.unpack_from("=i", client.receive()[4])[0] == e.ENAMETOOLONG
    assert client.call(4, fd, -8, 16)[0] == e.EFAULT        # round the end of memory
    assert client.call(3, fd, 0x5000, -1)[0] == e.EINVAL


@pytest.mark.parametrize(
    ("kind", "payload", "error"),
    [(AUTH, b"", 2), (EXEC, b"x\0", 2), (FORK, bytes(20), 3), (FORK, b"short", 7), (9, b"", 7)],
)
def test_first_handshakes_that_are_refused(served, kind, payload, error):
    client = RawClient(served.address, handshake=False)
    assert client.handshake(kind, payload) == (ERROR, error, b"")
    with pytest.raises(Hung):
        client.receive()
    client.close()
    assert served.processes() == [1]


def test_the_first_frame_must_be_a_handshake(served):
    client = RawClient(served.address, handshake=False)
    assert client.ask(SYSCALL, 20) == (ERROR, 2, b"")
    with pytest.raises(Hung):
        client.receive()
    client.close()


def test_later_handshakes(served):
    for kind in (GUEST, AUTH, FORK):
        client = RawClient(served.address)
        assert client.handshake(kind, b"again\0") == (ERROR, 7, b"")
        with pytest.raises(Hung):
            client.receive()
        client.close()


def test_unknown_types_are_refused_and_no_more(client):
    for type in (ANONMMAP, 2, 9, 0x7777):
        assert client.ask(type, 0, b"") == (ERROR, 7, b"")
    assert client.call(20)[0] == 0


def test_fork(served, client):
    fd = client.ok(5, b"/tmp/f", O_RDWR_CREAT, 0o600)
    client.ok(12, b"/tmp")
    client.ok(60, 0o77)
    cookie = client.prefork()
    child = RawClient(served.address, handshake=False)
    assert child.handshake(FORK, cookie + struct.pack("=i", 0)) == (RESP, 0, b"\0\0\0\0")
    assert child.call(20) == (0, 3, 2)
    assert child.ok(60, 0) == 0o77
    assert child.ok(4, fd, child.place(b"shared"), 6) == 6
    assert client.ok(199, fd, 0, 0, 1) == 6             # one offset
    child.ok(6, fd)
    assert client.ok(199, fd, 0, 0, 1) == 6             # but descriptors of its own
    again = RawClient(served.address, handshake=False)
    assert again.handshake(FORK, cookie + struct.pack("=i", 0)) == (ERROR, 3, b"")
    child.close()
    again.close()
    served.until(lambda: served.processes() == [1, 2])


def test_a_fork_survives_its_parent_and_can_be_given_back(served):
    parent = RawClient(served.address)
    first, second = parent.prefork(), parent.prefork()
    parent.close()
    served.until(lambda: served.processes() == [1, 3, 4])
    child = RawClient(served.address, handshake=False)
    assert child.handshake(FORK, first + struct.pack("=i", 0))[0] == RESP
    gone = RawClient(served.address, handshake=False)
    gone.send(1, 0, HANDSHAKE, FORK, second + struct.pack("=i", 1))
    with pytest.raises(Hung):
        gone.receive()
    served.until(lambda: served.processes() == [1, 3])
    child.close()
    gone.close()


def test_exec(served, client):
    kept = client.ok(5, b"/tmp/e", O_RDWR_CREAT, 0o600)
    gone = client.ok(5, b"/tmp/e", abi.O_RDWR | abi.O_CLOEXEC, 0)
    _, reading, _ = client.call(42)
    client.send(50, 0, SYSCALL, 3, client.slots(reading, client.place(4), 4))       # waits for ever
    served.until(lambda: any(process.sleeping for process in served.kernel.processes.values()))
    client.send(51, 0, HANDSHAKE, EXEC, b"another\0")
    answers = {frame[0]: frame for frame in (client.receive(), client.receive())}
    assert struct.unpack_from("=i", answers[50][4])[0] == e.EINTR
    assert answers[51][1:] == (RESP, HANDSHAKE, 0, b"\0\0\0\0")
    assert served.kernel.processes[2].name == "another"
    assert client.call(92, gone, 1, 0)[0] == e.EBADF
    assert client.call(92, kept, 1, 0)[0] == 0
    room = client.place(1)
    client.ok(4, reading + 1, client.place(b"z"), 1)
    assert client.ok(3, reading, room, 1) == 1              # and it may wait again


def test_reboot(served, client):
    assert client.call(208, 0, 0) == (0, 0, 0)
    served.until(lambda: served.rebooted)


def test_preforks_are_limited_and_expire(tmp_path):
    from rump.kernel.sysproxy.server import Limits

    with Served(b"unix://%s" % bytes(tmp_path / "s"), limits=Limits(preforks=2, patience=300 * 10**6)) as served:
        client = RawClient(served.address)
        client.prefork()
        client.prefork()
        assert client.ask(PREFORK) == (ERROR, 1, b"")
        served.until(lambda: client.ask(PREFORK)[0] == RESP)
        client.close()
