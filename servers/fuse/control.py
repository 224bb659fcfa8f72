# SPDX-License-Identifier: BSD-2-Clause
"""What is agreed on at the start, and ioctl(2): file flags (chattr(1), lsattr(1)), and two of our own for
``fsu umount``."""

from __future__ import annotations

import sys

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.servers.fuse.base import Request

    FlagTable: TypeAlias = tuple[tuple[int, int], ...]

_CAPABLE = (
    p.ASYNC_READ | p.ATOMIC_O_TRUNC | p.BIG_WRITES | p.HAS_IOCTL_DIR | p.DO_READDIRPLUS | p.READDIRPLUS_AUTO
    | p.ASYNC_DIO | p.PARALLEL_DIROPS | p.MAX_PAGES | p.CACHE_SYMLINKS | p.EXPLICIT_INVAL_DATA | p.HANDLE_KILLPRIV_V2
)  # fmt: skip
_SHARED = p.AUTO_INVAL_DATA | _CAPABLE & ~(
    p.DO_READDIRPLUS | p.READDIRPLUS_AUTO | p.CACHE_SYMLINKS | p.EXPLICIT_INVAL_DATA
)  # fmt: skip
MAX_WRITE = 1 << 20
_PAGE = 4096
_BACKGROUND, _CONGESTED = 64, 48

# asm-generic/ioctl.h: _IOR, _IOW, _IO
_GETFLAGS = 0x80046601, 0x80086601      # FS_IOC_GETFLAGS of 32 and 64 bit programs (linux/fs.h)
_SETFLAGS = 0x40046602, 0x40086602
SERVER = 0x80045201                     # _IOR('R', 1, u32): the server's process
SYNC = 0x5202                           # _IO('R', 2): sync the file system, and say how that went

_GETXATTR, _SETXATTR = 0x801C581F, 0x401C5820    # FS_IOC_FSGETXATTR, _FSSETXATTR: struct fsxattr, flags first
_FSXATTR = 28                           # its size

# FS_*_FL, FS_XFLAG_* (linux/fs.h)
_FLAGS = ((0x10, abi.SF_IMMUTABLE), (0x20, abi.SF_APPEND), (0x40, abi.UF_NODUMP))
_XFLAGS = ((0x8, abi.SF_IMMUTABLE), (0x10, abi.SF_APPEND), (0x80, abi.UF_NODUMP))
_OURS = abi.SF_IMMUTABLE | abi.SF_APPEND | abi.UF_NODUMP


class ControlOperations(Base):
    """The start, and ioctl(2)."""

    _told = False

    def init(self, request: Request) -> bytes:
        """FUSE_INIT.  Errors: EPROTO - Linux is too old."""
        major, minor, readahead, flags = p.INIT_IN.unpack_from(request.body)
        if major < p.MAJOR or (major == p.MAJOR and minor < p.OLDEST):
            raise fault(e.EPROTO, f"protocol {major}.{minor}")
        if major > p.MAJOR:
            return p.INIT_OUT.pack(p.MAJOR, p.MINOR, *(8 * (0,)))       # Linux asks again, in ours
        able = _SHARED if self.settings.shared else _CAPABLE
        return p.INIT_OUT.pack(
            p.MAJOR, p.MINOR, readahead, flags & able, _BACKGROUND, _CONGESTED, MAX_WRITE, 1,
            MAX_WRITE // _PAGE, 0,
        )  # fmt: skip

    def ioctl(self, request: Request) -> bytes:
        """FUSE_IOCTL.  Errors: ENOTTY; EOPNOTSUPP - flags that the file system does not keep."""
        _, _, command, _, _, room = p.IOCTL_IN.unpack_from(request.body)
        given = int.from_bytes(request.body[p.IOCTL_IN.size :][:4], sys.byteorder)
        answer = b""
        if command in _GETFLAGS:
            answer = self._flags(request, _FLAGS)[:room]
        elif command == _GETXATTR:
            answer = self._flags(request, _XFLAGS)[:4].ljust(_FSXATTR, b"\0")
        elif command in _SETFLAGS or command == _SETXATTR:
            self._set_flags(request, given, _XFLAGS if command == _SETXATTR else _FLAGS)
        elif command == SERVER:
            answer = self.settings.pid.to_bytes(4, sys.byteorder)
        elif command == SYNC:
            self.lwp.sync()
            if self.lost() and not self._told:
                self._told = True       # once, as fsync(2) does: who asks again may unmount
                raise fault(e.EIO, "what was not synced is lost")
        else:
            raise fault(e.ENOTTY)
        return p.IOCTL_OUT.pack(0, 0, 0, 0) + answer

    def _flags(self, request: Request, table: FlagTable) -> bytes:
        if not self.capabilities.flags & _OURS:
            raise fault(e.ENOTTY)
        kept = self.stat(self.nodes[request.node]).st_flags
        return sum(theirs for theirs, ours in table if kept & ours).to_bytes(8, sys.byteorder)

    def _set_flags(self, request: Request, flags: int, table: FlagTable) -> None:
        if not self.capabilities.flags & _OURS:
            raise fault(e.ENOTTY)
        if flags & ~sum(theirs for theirs, _ in table):
            raise fault(e.EOPNOTSUPP, f"flags {flags:#x}")
        node = self.nodes[request.node]
        kept = self.stat(node).st_flags & ~_OURS
        self.changed()
        self.on(node, "chflags", kept | sum(ours for theirs, ours in table if flags & theirs))
