# SPDX-License-Identifier: BSD-2-Clause
"""Files of a kernel as members of an archive."""

from __future__ import annotations

from rump.fsutils.archive import pax
from rump.fsutils.archive.pax import Member
from rump.fsutils.copy.data import SMALL, HostData, shorter
from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.options import KEEP_HOLES
from rump.fsutils.copy.source import check_name
from rump.fsutils.copy.target import Interrupted
from rump.kernel import abi
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import (
    ALLOCATED,
    DATA,
    ENCODED,
    FILEID,
    GID,
    INLINE,
    MODE,
    MTIME,
    NLINK,
    RDEV,
    SIZE,
    UID,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rump.fsutils.archive.output import ArchiveFile
    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found
    from rump.kernel.lwps import Lwp

PIECE = 1 << 20
_NODES = {abi.S_IFCHR: pax.CHARACTER, abi.S_IFBLK: pax.BLOCK_DEVICE, abi.S_IFIFO: pax.FIFO}


class Writer:
    """Adds what a walk finds; an instance is the walk's test.

    exclude    whether a member of that name is left out, with what is below it
    xattrs, sparse   whether extended attributes and holes are kept
    told       told the name of each member
    """

    def __init__(self, out: ArchiveFile, command: Command) -> None:
        self._out = out
        self._watch = command.session
        self._fail = command.fail
        self._warn = command.warn
        self._links = LinkMap()
        self._base = b""
        self._lwp: Lwp | None = None
        self.exclude: Callable[[bytes], bool] = lambda name: False
        self.xattrs = True
        self.sparse = False
        self.told: Callable[[bytes], None] | None = None

    def begin(self, name: bytes, lwp: Lwp) -> None:
        """What follows is below an operand of a process's tree that is called `name` in the archive."""
        self._base = name
        if lwp is not self._lwp:
            self._lwp, self._links = lwp, LinkMap()

    def __call__(self, found: Found) -> bool:
        """Add a file.  Errors: OSError - of the image; `OutputError`; Interrupted."""
        if found.depth:
            check_name(found.name)
        name = self._name(found)
        if self.exclude(name):
            found.pruned = True
            return False
        row = found.row
        member = Member(name, pax.FILE, row[MODE], row[UID], row[GID], row[MTIME])
        kind = row[MODE] & S_IFMT
        if kind == S_IFREG:
            self._add_file(found, member)
        elif kind in (S_IFDIR, S_IFLNK) or kind in _NODES:
            self._add_other(found, member, kind)
        elif kind == abi.S_IFSOCK:
            self._warn(found.path, "a socket; archives hold none")
        else:
            self._fail(found.path, "a file of an unknown type")
        return True

    def _name(self, found: Found) -> bytes:
        """The member's name; that of a directory ends in a slash."""
        below = found.path[len(found.start):].lstrip(b"/")
        base = self._base
        name = base + (b"/" if base and below and not base.endswith(b"/") else b"") + below
        return name + b"/" if found.is_directory and not name.endswith(b"/") else name

    def _put(self, found: Found, member: Member) -> None:
        self._out.write(pax.headers(member))
        if found.row[NLINK] > 1 and not found.is_directory and member.kind != pax.LINK:
            self._links.copied((0, found.row[FILEID]), found.row[NLINK], (member.name,))
        if self.told is not None:
            self.told(member.name)

    def _linked(self, found: Found, member: Member) -> bool:
        """Make it a hard link, if another name of the file is in the archive."""
        if found.row[NLINK] < 2:
            return False
        key = 0, found.row[FILEID]
        path = self._links.find(key)
        if path is None:
            return False
        self._links.linked(key)
        member.kind, member.target = pax.LINK, path[0]
        self._put(found, member)
        return True

    def _add_other(self, found: Found, member: Member, kind: int) -> None:
        """Add what has no data."""
        if kind == S_IFDIR:
            member.kind = pax.DIRECTORY
        elif self._linked(found, member):
            return
        elif kind == S_IFLNK:
            member.kind, member.target = pax.SYMLINK, found.target()
        else:
            member.kind = _NODES[kind]
            member.device = abi.major(found.row[RDEV]), abi.minor(found.row[RDEV])
        if self.xattrs:
            source = KernelSource(found.lwp)
            if kind == S_IFDIR:
                fd = found.lwp.openat(found.fd, found.at, abi.O_RDONLY | abi.O_DIRECTORY)
                try:
                    member.xattrs = source.xattrs(fd)
                finally:
                    found.lwp.close(fd)
            else:
                member.xattrs = source.xattrs_of(found.fd, found.at)
        self._put(found, member)

    # ---- files -----------------------------------------------------------------------------------------------------

    def _add_file(self, found: Found, member: Member) -> None:
        if self._linked(found, member):
            return
        lwp, size = found.lwp, found.row[SIZE]
        source = KernelSource(lwp)
        fd = lwp.openat(found.fd, found.at, abi.O_RDONLY)
        try:
            if self.xattrs:
                member.xattrs = source.xattrs(fd)
            if self.sparse and found.row[ALLOCATED] < size:
                self._add_sparse(found, member, fd)
                return
            member.size = size
            if size > SMALL:
                self._put(found, member)
                self._pieces(found, fd, [(0, size)])
            else:
                data = HostData(source, KEEP_HOLES, self._watch).small(fd, size) if size else b""
                self._put(found, member)
                self._out.write(data)
        finally:
            lwp.close(fd)
        self._out.write(bytes(pax.padding(member.size)))

    def _add_sparse(self, found: Found, member: Member, fd: int) -> None:
        """Add a file with holes: a map, then the parts."""
        size = found.row[SIZE]
        parts = list(_parts(found, fd, size))
        if not parts or sum(parts[-1]) < size:
            parts.append((size, 0))
        head = pax.sparse_map(parts)
        member.sparse = size
        member.size = len(head) + sum(length for _, length in parts)
        self._put(found, member)
        self._out.write(head)
        self._pieces(found, fd, parts)
        self._out.write(bytes(pax.padding(member.size)))

    def _pieces(self, found: Found, fd: int, parts: Iterable[tuple[int, int]]) -> None:
        """Write parts of a file; what cannot be read is zeros, since the header has promised so many bytes."""
        broken = False
        for at, length in parts:
            end = at + length
            while at < end:
                if self._watch.interrupted:
                    raise Interrupted
                count = min(PIECE, end - at)
                data = b""
                if not broken:
                    data, broken = self._read(found, fd, at, count)
                self._out.write(data or bytes(count))
                at += len(data) or count

    def _read(self, found: Found, fd: int, at: int, count: int) -> tuple[bytes, bool]:
        try:
            data = found.lwp.pread(fd, count, at)
            if not data:
                raise shorter()
            return data, False
        except OSError as error:
            self._fail(found.path, error)
            return b"", True


def _parts(found: Found, fd: int, size: int) -> Iterable[tuple[int, int]]:
    """Where a file has data: (offset, length), neighbours as one."""
    at = begin = end = 0
    while at < size:
        runs = found.lwp.rump_extents(fd, at, size - at)
        if not runs:
            raise shorter()
        for kind, at, length in runs:
            if kind in (DATA, INLINE, ENCODED):
                if at != end and end > begin:
                    yield begin, end - begin
                begin, end = begin if at == end else at, at + length
        at += length
    if end > begin:
        yield begin, end - begin
