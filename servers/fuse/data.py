# SPDX-License-Identifier: BSD-2-Clause
"""Operations on open files."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Base
from rump.servers.linux import open_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwps import Lwp
    from rump.servers.fuse.base import Request
    from rump.servers.fuse.descriptors import Opened

_O_APPEND = 0o2000      # asm-generic/fcntl.h
# fallocate(2), linux/falloc.h
_KEEP_SIZE, _PUNCH_HOLE, _ZERO_RANGE = 0x01, 0x02, 0x10


class DataOperations(Base):
    """Operations on open files."""

    def open(self, request: Request) -> bytes:
        """FUSE_OPEN."""
        flags, how = p.OPEN_IN.unpack(request.body)
        node = self.nodes[request.node]
        path = self.nodes.path(node)
        if path is None:
            raise fault(e.ESTALE)
        wanted = open_flags(flags) & ~abi.O_EXCL
        try:
            opened = self.descriptors.open(node, path, wanted)
        except OSError as error:
            if error.errno != e.EPERM or not flags & _O_APPEND:
                raise
            opened = self.descriptors.open(node, path, wanted | abi.O_APPEND)   # a file that may only grow
        if wanted & abi.O_TRUNC:
            self.changed()
            self._written(opened, bool(how & p.OPEN_KILL_SUIDGID))
        return p.OPEN_OUT.pack(opened.handle, self._cached)

    def create(self, request: Request) -> bytes:
        """FUSE_CREATE: make a regular file, and open it."""
        flags, mode, _ = p.CREATE_IN.unpack_from(request.body)
        name = request.body[p.CREATE_IN.size : -1]
        directory = self.nodes[request.node]
        path = self.nodes.child(directory, name)
        lwp, fd, made = self._make(path, open_flags(flags) | abi.O_NOFOLLOW, mode & 0o7777)
        self.changed()
        try:
            stat = lwp.fstat(fd)
            if made:
                stat = self.owned(directory, path, stat, request)
            entry = self.entry(directory, name, stat)
            node = self.nodes[p.ENTRY.unpack_from(entry)[0]]
        except OSError:
            lwp.close(fd)
            raise
        opened = self.descriptors.add(node, lwp, fd, bool(flags & 3))
        opened.bare = made
        return entry + p.OPEN_OUT.pack(opened.handle, self._cached)

    def read(self, request: Request) -> memoryview:
        """FUSE_READ: a view of the common buffer, good until the next request."""
        handle, offset, size, _ = p.READ_IN.unpack(request.body)
        opened = self.descriptors[handle]
        view = self.buffer[:size]
        return view[: opened.lwp.preadinto(opened.fd, view, offset)]

    def write(self, request: Request) -> bytes:
        """FUSE_WRITE."""
        handle, offset, _, flags, _ = p.WRITE_IN.unpack(request.body)
        opened = self.descriptors[handle]
        count = opened.lwp.pwrite(opened.fd, request.data, offset)
        self.changes += 1
        if flags & p.WRITE_KILL_SUIDGID or not opened.bare:
            self._written(opened, bool(flags & p.WRITE_KILL_SUIDGID))
        return p.WRITE_OUT.pack(count)

    def release(self, request: Request) -> bytes:
        """FUSE_RELEASE, FUSE_RELEASEDIR."""
        handle, _ = p.RELEASE_IN.unpack_from(request.body)
        opened = self.descriptors[handle]
        self.nodes.closed(opened.node, opened)
        self.descriptors.close(handle)
        return b""

    def fsync(self, request: Request) -> bytes:
        """FUSE_FSYNC, FUSE_FSYNCDIR."""
        handle, _ = p.RELEASE_IN.unpack_from(request.body)
        opened = self.descriptors[handle]
        opened.lwp.fsync(opened.fd)
        return b""

    def fallocate(self, request: Request) -> bytes:
        """FUSE_FALLOCATE: set space aside, or make holes.  Errors: EOPNOTSUPP - space behind the end of a file."""
        handle, offset, length, mode = p.FALLOCATE_IN.unpack(request.body)
        opened = self.descriptors[handle]
        lwp, fd = opened.lwp, opened.fd
        if mode & ~(_KEEP_SIZE | _PUNCH_HOLE | _ZERO_RANGE):
            raise fault(e.EOPNOTSUPP, f"fallocate mode {mode:#x}")
        grows = offset + length > lwp.fstat(fd).st_size
        if mode & (_PUNCH_HOLE | _ZERO_RANGE):
            lwp.fdiscard(fd, offset, length)
        if not mode & _PUNCH_HOLE:
            if mode & _KEEP_SIZE and grows:
                raise fault(e.EOPNOTSUPP, "space behind the end")
            lwp.posix_fallocate(fd, offset, length)
        self.changed()
        self._written(opened, False)
        return b""

    def lseek(self, request: Request) -> bytes:
        """FUSE_LSEEK: SEEK_DATA and SEEK_HOLE."""
        handle, offset, whence = p.LSEEK_IN.unpack(request.body)
        opened = self.descriptors[handle]
        return p.LSEEK_OUT.pack(opened.lwp.lseek(opened.fd, offset, whence))

    def copy_file_range(self, request: Request) -> bytes:
        """FUSE_COPY_FILE_RANGE.  Errors: EXDEV - Linux does it by reading and writing."""
        handle, offset, _, to_handle, to_offset, length, _ = p.COPY_FILE_RANGE_IN.unpack(request.body)
        opened, to = self.descriptors[handle], self.descriptors[to_handle]
        if opened.lwp is not to.lwp:
            raise fault(e.EXDEV)
        length = min(length, 1 << 30)           # the answer has 32 bits
        count = opened.lwp.rump_copy_range(opened.fd, offset, to.fd, to_offset, length, sparse=False)
        self.changed()
        self._written(to, False)
        return p.WRITE_OUT.pack(count)

    @property
    def _cached(self) -> int:
        """What Linux may do with the data of a file that it opens."""
        return 0 if self.settings.shared else p.FOPEN_KEEP_CACHE

    def _make(self, path: bytes, wanted: int, mode: int) -> tuple[Lwp, int, bool]:
        """A descriptor of a file that is not there, and whether it had to be made: it may have come since it was looked
        for.  Errors: as open(2)."""
        try:
            return *self.descriptors.descriptor(path, wanted | abi.O_CREAT | abi.O_EXCL, mode), True
        except OSError as error:
            if error.errno != e.EEXIST or wanted & abi.O_EXCL:
                raise
        return *self.descriptors.descriptor(path, wanted, 0), False

    def _written(self, opened: Opened, by_others: bool) -> None:
        """Who changes a file takes its capabilities, and if he is not privileged its set-id bits."""
        if not opened.bare:
            self.drop_capability(opened.node)
            opened.bare = True
        if by_others:
            self.strip(opened.node, opened.lwp.fstat(opened.fd))
