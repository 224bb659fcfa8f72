# SPDX-License-Identifier: BSD-2-Clause
"""A small client of 9P2000.L, for the tests - one method, and the frames as they are - and a server for it."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from rump.kernel.lwps import Lwp
from rump.servers.ninep import messages as m
from rump.servers.ninep.export import Export

NUMBERS = {name: number for number, (name, _) in m.MESSAGES.items()}


class Refused(Exception):
    """Rlerror; the argument is Linux' number."""


class Peer:
    """A connection to a server."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        stream.settimeout(30)

    def raw(self, data: bytes) -> None:
        self.stream.sendall(data)

    def receive(self) -> tuple[int, int, bytes]:
        """Type, tag and body of the next message.  Errors: EOFError."""
        head = self._exactly(7)
        size, kind, tag = m.HEADER.unpack(head)
        return kind, tag, self._exactly(size - 7)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.stream.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def call(self, name: str, *values: object, tag: int = 1) -> tuple:
        """A request, and the fields of its reply.  Errors: Refused."""
        kind = NUMBERS["T" + name]
        self.raw(m.encode(kind, tag, *values))
        answered, its_tag, body = self.receive()
        assert its_tag == tag
        if answered == m.R_LERROR:
            raise Refused(*m.decode(answered, memoryview(body)))
        assert answered == kind + 1
        return m.decode(answered, memoryview(body))

    def version(self, msize: int = 65536, version: bytes = b"9P2000.L") -> tuple:
        return self.call("version", msize, version, tag=m.NO_TAG)

    def attach(self, fid: int = 0, uid: int = 0, aname: bytes = b"", uname: bytes = b"") -> tuple:
        return self.call("attach", fid, m.NO_FID, uname, aname, uid)

    def walk(self, fid: int, new: int, *names: bytes) -> tuple:
        """(type, version, inode number) of each."""
        (qids,) = self.call("walk", fid, new, names)
        return tuple((kind, version, path + 2) for kind, version, path in qids)

    def list(self, fid: int, count: int = 8192) -> list[tuple[bytes, int, int]]:
        """(name, inode number, type) of every entry of an open directory."""
        found, offset = [], 0
        while data := bytes(self.call("readdir", fid, offset, count)[0]):
            while data:
                (_, _, path), (offset, kind, length) = struct.unpack_from("<BIQ", data), struct.unpack_from(
                    "<QBH", data, 13)  # fmt: skip
                found.append((data[24 : 24 + length], path + 2, kind))
                data = data[24 + length :]
        return found

    def getattr(self, fid: int) -> dict[str, object]:
        names = [field.partition("[")[0] for field in m.MESSAGES[25][1].split()]
        return dict(zip(names, self.call("getattr", fid, 0x7FF), strict=True))


def refused(number: int) -> object:
    """What is done inside is refused with Linux' number."""
    return pytest.raises(Refused, match=f"^{number}$")


class Served:
    """An export of a kernel in memory, and what connects to it."""

    def __init__(self, lwp: Lwp, **options: object) -> None:
        self.lines: list[str] = []
        self.lwp = lwp
        self.export = Export(lwp, log=self.lines.append, **options)
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []

    def connect(self) -> Peer:
        ours, theirs = socket.socketpair()
        self._ends += [ours, theirs]

        def serve() -> None:
            self.export.serve(theirs, "test")
            theirs.close()

        self._threads.append(threading.Thread(target=serve))
        self._threads[-1].start()
        return Peer(ours)

    def attached(self, **options: object) -> Peer:
        peer = self.connect()
        peer.version()
        peer.attach(**options)
        return peer

    def close(self) -> None:
        for end in self._ends[::2]:
            end.close()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        assert not self.export.tree.root.children, "names are held for nobody"
