# SPDX-License-Identifier: BSD-2-Clause
"""What is served: a process's root, to any number of connections."""

from __future__ import annotations

from rump.servers.ninep import attaching, attributes, data, naming, xattrs
from rump.servers.ninep import messages as m
from rump.servers.ninep.accounts import identify
from rump.servers.ninep.connection import Connection
from rump.servers.ninep.locks import LockTable
from rump.servers.ninep.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp
    from rump.servers.ninep.accounts import Identity
    from rump.servers.ninep.connection import Handler

_UNLOCKED = frozenset(("Tflush", "Tread", "Twrite", "Treaddir", "Tfsync", "Tlock", "Tgetlock"))
"""Requests that need no names: they go by descriptors."""


def _handlers() -> dict[int, tuple[Handler, bool]]:
    """Request -> what carries it out, and whether names must stay as they are meanwhile."""
    found: dict[str, Handler] = {
        name: getattr(module, name[1:])
        for module in (attaching, attributes, data, naming, xattrs) for name in module.REQUESTS
    }  # fmt: skip
    return {number: (found[name], name not in _UNLOCKED) for number, (name, _) in m.MESSAGES.items() if name in found}


class Export:
    """A tree of files for clients.

    user  (uid, gid) that all clients are taken for; None: for whom they say they are
    log   told what the clients are not
    """

    def __init__(
        self, lwp: Lwp, *, user: tuple[int, int] | None = None, log: Callable[[str], object] = lambda line: None
    ) -> None:
        self.lwp = lwp
        self.tree = Tree()
        self.locks = LockTable()
        self.log = log
        self.handlers = _handlers()
        self._user = user
        self._connections = 0

    def identity(self, name: bytes, number: int) -> Identity:
        """Who attaches."""
        if self._user is not None:
            return (*self._user, ())
        return identify(self.lwp, name, number)

    def is_squashed(self) -> bool:
        """Whether all clients are taken for one user."""
        return self._user is not None

    def process(self, identity: Identity) -> Lwp:
        """A process of the kernel for a user; modes are as clients say."""
        uid, gid, groups = identity
        kernel = self.lwp.kernel
        lwp = kernel.cpu.run(lambda: kernel.newproc(self.lwp, name="9p", uid=uid, gid=gid, groups=groups))
        lwp.umask(0)
        return lwp

    def end(self, lwp: Lwp) -> None:
        """End such a process."""
        self.lwp.kernel.exit(lwp)

    def serve(self, stream: socket.socket, peer: str) -> None:
        """Talk with a client until it leaves, or stops making sense; then the log is told."""
        with self.tree.lock:
            self._connections += 1
            connection = Connection(self, self._connections)
        try:
            while (message := _receive(stream, connection.largest())) is not None:
                stream.sendall(connection.answer(*message))
        except m.Malformed as error:
            self.log(f"9p: {peer}: {error}; the connection is closed")
        except OSError:         # the client went away, or we are to end
            pass
        finally:
            connection.close()


def _receive(stream: socket.socket, largest: int) -> tuple[int, int, memoryview] | None:
    """The next message: type, tag, body; None at the end.  Errors: Malformed; OSError."""
    header = bytearray(m.HEADER_SIZE)
    if not _fill(stream, memoryview(header)):
        return None
    size, kind, tag = m.HEADER.unpack(header)
    if not m.HEADER_SIZE <= size <= largest:
        raise m.Malformed(f"a message of {size} bytes")
    body = bytearray(size - m.HEADER_SIZE)
    if body and not _fill(stream, memoryview(body)):
        raise m.Malformed("the connection ends inside a message")
    return kind, tag, memoryview(body)


def _fill(stream: socket.socket, view: memoryview) -> bool:
    """Fill a buffer from a stream; False: it ended before the first byte.  Errors: Malformed - after it; OSError."""
    got = 0
    while got < len(view):
        count = stream.recv_into(view[got:])
        if not count:
            if got:
                raise m.Malformed("the connection ends inside a message")
            return False
        got += count
    return True
