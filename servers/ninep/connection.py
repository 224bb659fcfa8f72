# SPDX-License-Identifier: BSD-2-Clause
"""A client's connection: frames come in, each is answered before the next is looked at.

No request waits for another client - locks that cannot be had are refused, as the protocol has it (P9_LOCK_BLOCKED),
and special files are not opened here - so what a Tflush wants to end has always been answered before it.
"""

from __future__ import annotations

from rump.kernel.errors import Fault, fault
from rump.rumpuser.interface import errno as e
from rump.servers.linux import EIO, errno_of
from rump.servers.ninep import messages as m
from rump.servers.ninep.fids import FidTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.lwps import Lwp
    from rump.servers.ninep.accounts import Identity
    from rump.servers.ninep.export import Export
    from rump.servers.ninep.fids import Fid
    from rump.servers.ninep.messages import Values

    Handler: TypeAlias = Callable[..., Values]

VERSION = b"9P2000.L"
MSIZE_MIN, MSIZE_MAX = 4096, 1 << 20
"""Bytes of the largest message that may be agreed on."""
FIRST_MAX = 8192
"""Bytes of a message before there is an agreement."""
USERS_MAX = 256
"""Users who may attach over one connection."""


class Connection:
    """What a client has here.

    number   tells its locks from others'
    msize    bytes of the largest message; 0: no version is agreed on
    """

    def __init__(self, export: Export, number: int) -> None:
        self.export = export
        self.number = number
        self.msize = 0
        self.fids = FidTable()
        self._users: dict[Identity, Lwp] = {}

    def largest(self) -> int:
        """Bytes of the largest message that the client may send now."""
        return self.msize or FIRST_MAX

    def answer(self, kind: int, tag: int, body: memoryview) -> bytes:
        """A message's reply.  Errors: Malformed - it makes no sense, nor would what follows."""
        if kind == m.T_VERSION:
            msize, version = m.decode(kind, body)
            assert isinstance(msize, int)
            assert isinstance(version, bytes)
            return self._version(tag, msize, version)
        if not self.msize:
            raise m.Malformed("a request before the version is agreed on")
        try:
            reply = m.encode(kind + 1, tag, *self._carry_out(kind, body))
        except Fault as error:
            return m.encode(m.R_LERROR, tag, errno_of(error))
        except m.Malformed:
            raise
        except Exception as error:      # a fault of ours is not the client's
            self.export.log(f"9p: {m.MESSAGES[kind][0]}: internal error: {type(error).__name__}: {error}")
            return m.encode(m.R_LERROR, tag, EIO)
        if len(reply) > self.msize:
            return m.encode(m.R_LERROR, tag, errno_of(fault(e.EMSGSIZE)))
        return reply

    def _carry_out(self, kind: int, body: memoryview) -> Values:
        handler, locked = self.export.handlers.get(kind, (None, False))
        if handler is None:
            raise fault(e.EOPNOTSUPP)
        values = m.decode(kind, body)
        if not locked:
            return handler(self, *values)
        with self.export.tree.lock:
            return handler(self, *values)

    def _version(self, tag: int, msize: int, version: bytes) -> bytes:
        """Agree, and begin anew; version(5).  Another version than ours is "unknown"."""
        self.close()
        if version != VERSION:
            return m.encode(m.R_VERSION, tag, min(msize, MSIZE_MAX), b"unknown")
        if msize < MSIZE_MIN:
            return m.encode(m.R_LERROR, tag, errno_of(fault(e.EMSGSIZE)))
        self.msize = min(msize, MSIZE_MAX)
        return m.encode(m.R_VERSION, tag, self.msize, version)

    def payload(self, count: int) -> int:
        """How many bytes of data a reply may have where the client wants so many."""
        return min(count, self.msize - m.IO_HEADER_SIZE)

    def user(self, identity: Identity) -> Lwp:
        """The process that does what a user asks for.  Errors: EMFILE - too many users."""
        lwp = self._users.get(identity)
        if lwp is None:
            if len(self._users) >= USERS_MAX:
                raise fault(e.EMFILE)
            lwp = self._users[identity] = self.export.process(identity)
        return lwp

    def forget(self, number: int, fid: Fid) -> None:
        """Close a fid that was taken out of the table.  Errors: OSError - of the file."""
        with self.export.tree.lock:
            self.export.tree.release(fid.node)
        if fid.locks:
            self.export.locks.drop(self.number, fid.identity, number)
        fd, fid.fd = fid.fd, -1
        if fd >= 0:
            fid.lwp.close(fd)

    def close(self) -> None:
        """Give up all that the client has here."""
        self.msize = 0
        for number, fid in self.fids.clear():
            try:
                self.forget(number, fid)
            except OSError as error:
                self.export.log(f"9p: {error}")
        users, self._users = self._users, {}
        for lwp in users.values():
            self.export.end(lwp)
        self.export.locks.drop(self.number)
