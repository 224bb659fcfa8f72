# SPDX-License-Identifier: BSD-2-Clause
"""Our client and a model of the original's server, written from the protocol's description; it can be made to lie.

It is a model, and no genuine server: it knows a few system calls, and answers as the description says one does.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import pytest

import rump.servers
from rump.kernel.wire.values import encode
from rump.rumpuser.interface import errno as e

REQ, RESP, ERROR = range(3)
BANNER = b"RUMPSP-0.4-NetBSD-7.99.34/amd64\n"
PAD = b"\xde\xad\xbe\xef"           # the original's padding is what was in memory


class Gone(Exception):
    """The client has hung up."""


class Model:
    """Serves one client at a time, by a thread.

    calls       number -> function of the model and the argument slots: (error, value, value)
    types       type of frame -> function of the model, number and payload, instead of what is usual
    error_type  the type that ERROR frames have; None: that of the request
    """

    def __init__(self, path, calls=(), types=(), error_type=None):
        self.calls, self.types, self.error_type = dict(calls), dict(types), error_type
        self.answers, self.number, self.data = [], 0, b""
        self.url = f"unix://{path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def run(self):
        while True:
            try:
                self.client = self.listener.accept()[0]
            except OSError:
                return
            with self.client, contextlib.suppress(Gone, OSError):
                self.client.sendall(BANNER)
                while True:
                    self.one(*self.receive())

    def receive(self):
        header = self.exactly(24)
        length, number, kind, type, extra = struct.unpack("=QQHHI", header)
        return number, kind, type, extra, self.exactly(length - 24)

    def exactly(self, length):
        data = b""
        while len(data) < length:
            piece = self.client.recv(length - len(data))
            if not piece:
                raise Gone
            data += piece
        return data

    def send(self, number, kind, type, extra=0, payload=b""):
        self.client.sendall(struct.pack("=QQHHI", 24 + len(payload), number, kind, type, extra) + payload)

    def refuse(self, number, type, error):
        self.send(number, ERROR, type if self.error_type is None else self.error_type, error)

    def one(self, number, kind, type, extra, payload):
        assert kind == REQ
        if type in self.types:
            self.types[type](self, number, payload)
        elif type == 0 and extra == 0:
            self.send(number, RESP, 0, 0, struct.pack("=i", 0))
        elif type == 0:
            self.refuse(number, 0, 3 if extra == 2 else 7)
        elif type == 1:
            call = self.calls.get(extra)
            error, one, two = (78, -1, 0) if call is None else call(self, payload)
            self.send(number, RESP, 1, 0, struct.pack("=i", error) + PAD + struct.pack("=qq", one, two))
        elif type == 7:
            self.send(number, RESP, 7, 0, b"c" * 16)
        else:
            self.refuse(number, type, 7)

    # ---- the client's memory: requests with numbers of the server's own ---------------------------------------------

    def ask(self, type, payload):
        self.number += 1
        self.send(self.number, REQ, type, 0, payload)
        number, kind, got, extra, data = self.receive()
        assert (number, got) == (self.number, type)
        self.answers.append((kind, extra))
        return data

    def copyin(self, address, length):
        return self.ask(2, struct.pack("=QQ", length, address))

    def copyinstr(self, address, length=1024):
        return self.ask(3, struct.pack("=QQ", length, address))

    def copyout(self, address, data):
        self.number += 1
        self.send(self.number, REQ, 4, 0, struct.pack("=QQ", len(data), address) + data)

    def anonmmap(self, length):
        return struct.unpack("=Q", self.ask(6, struct.pack("=Q", length)))[0]


def _open(model, slots):
    path = model.copyinstr(struct.unpack_from("=Q", slots)[0])
    return (0, 3, 0) if path == b"/file\0" else (2, -1, 0)


def _write(model, slots):
    """As uiomove does, in pieces."""
    _, address, length = struct.unpack_from("=QQQ", slots)
    model.data = b"".join(model.copyin(address + at, min(65536, length - at)) for at in range(0, length, 65536))
    return 0, length, 0


def _pread(model, slots):
    _, address, length, _, offset = struct.unpack_from("=QQQQQ", slots)
    data = model.data[offset : offset + length]
    for at in range(0, len(data), 65536):
        model.copyout(address + at, data[at : at + 65536])
    return 0, len(data), 0


HONEST = {20: lambda model, slots: (0, 2, 1), 5: _open, 4: _write, 173: _pread}


def refused(numbers, call, *arguments):
    with pytest.raises(OSError) as caught:
        call(*arguments)
    assert caught.value.errno in numbers, caught.value


@pytest.mark.parametrize("error_type", [None, 0])
def test_an_honest_one(tmp_path, error_type):
    with Model(tmp_path / "s", HONEST, error_type=error_type) as model:
        with rump.servers.connect(model.url) as lwp:
            assert not lwp._wire.native                 # the question whether it is one was refused, and no more
            assert lwp.getpid() == 2
            refused({e.ENOENT}, lwp.open, b"/none", 0)
            fd = lwp.open(b"/file", 0)
            data = bytes(range(256)) * 8000             # in one system call
            assert lwp.write(fd, data) == len(data)
            assert lwp.pread(fd, len(data) + 1, 0) == data
            refused({e.ENOSYS}, lwp.sync)
            assert lwp.prefork() == b"c" * 16
        refused({e.ESRCH}, lambda: rump.servers.connect(model.url, cookie=b"x" * 16))


def test_what_is_not_of_the_call_is_not_given(tmp_path):
    """The server is told so, and the connection goes on."""

    def lie(model, slots):
        model.copyin(0x7FFF0000, 8)
        model.copyinstr(0x7FFF0000)
        model.copyout(0x7FFF0000, b"mine")
        model.copyin(1 << 63, 1 << 63)
        return 14, -1, 0

    with Model(tmp_path / "s", {**HONEST, 36: lie}) as model, rump.servers.connect(model.url) as lwp:
        for _ in range(2):
            refused({e.EFAULT}, lwp.sync)
            assert lwp.getpid() == 2
        assert model.answers == [(ERROR, 7)] * 6


def test_memory_that_is_asked_for_is_bounded(tmp_path):
    found = []

    def greedy(model, slots):
        found.extend(model.anonmmap(length) for length in (1 << 62, 32 << 20, 31 << 20, 16 << 20))
        found.extend(model.anonmmap(1) for _ in range(2000))
        return 0, 0, 0

    with Model(tmp_path / "s", {36: greedy}) as model, rump.servers.connect(model.url) as lwp:
        lwp.sync()
    assert [bool(address) for address in found[:4]] == [False, True, True, False]
    assert sum(map(bool, found)) < 1024


@pytest.mark.parametrize("count", [11, 1 << 40, -1])
def test_counts_that_cannot_be(tmp_path, count):
    calls = {number: (lambda model, slots: (0, count, 0)) for number in (3, 4, 173, 58, 356, 390)}
    with Model(tmp_path / "s", calls) as model, rump.servers.connect(model.url) as lwp:
        wrong = {e.EPROTO, e.EFAULT}
        refused(wrong, lwp.read, 3, 10)
        refused(wrong, lwp.pread, 3, 10, 0)
        refused(wrong, lwp.write, 3, b"x" * 10)
        if count != 11:
            refused(wrong, lwp.readlink, b"/l")


@pytest.mark.parametrize(
    "bytes_sent",
    [b"\xff" * 24, bytes(24), struct.pack("=QQHHI", 1 << 40, 1, 1, 1, 0), struct.pack("=QQHHI", 24, 1, 9, 1, 0),
     struct.pack("=QQHHI", 23, 1, 1, 1, 0)],
)  # fmt: skip
def test_what_is_no_frame_loses_the_connection(tmp_path, bytes_sent):
    types = {1: lambda model, number, payload: model.client.sendall(bytes_sent)}
    with Model(tmp_path / "s", types=types) as model, rump.servers.connect(model.url) as lwp:
        refused({e.ENOTCONN}, lwp.getpid)


def test_answers_of_the_wrong_length(tmp_path):
    types = {
        1: lambda model, number, payload: model.send(number, RESP, 1, 0, bytes(23)),
        7: lambda model, number, payload: model.send(number, RESP, 7, 0, b"short"),
    }
    with Model(tmp_path / "s", types=types) as model, rump.servers.connect(model.url) as lwp:
        refused({e.EPROTO}, lwp.getpid)
        refused({e.EPROTO}, lwp.prefork)


@pytest.mark.parametrize(
    "said",
    [b"", b"\xff", encode(1), encode(()), encode(((), 0, None, None)), encode(((1, 2), 0, None, None)),
     encode(((1,), 2, None, None)), encode(((), -1, None, None)), encode(((), 1 << 40, None, None)),
     encode(((), 2, b"detail", None)), encode(((), 2, None, "path")), encode(("x", 0, None, None)),
     encode((((1, 2),), 0, None, None))],
)  # fmt: skip
def test_batches_of_a_liar(tmp_path, said):
    def batch(model, number, payload):
        model.send(number, RESP, 0x5250, 0, encode(1) if not payload else said)

    with Model(tmp_path / "s", types={0x5250: batch}) as model, rump.servers.connect(model.url) as lwp:
        assert lwp._wire.native
        refused({e.EPROTO}, lwp.stat, b"/")
