# SPDX-License-Identifier: BSD-2-Clause
"""Operations that list directories.

Linux goes on reading at the offset of the entry it took last.  Offsets are the kernel's cookies, behind those of "."
and "..".  Entries are read ahead with their attributes; when anything has changed since, they are read again.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.stat import Stat
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import Attributes, EntryPlus
    from rump.servers.fuse.base import Request
    from rump.servers.fuse.descriptors import Opened

_DOTS = 2               # offsets below are of "." and ".."
_END = (1 << 63) - 1     # the offset behind the last entry: cookies have less than 63 bits
_AHEAD = 512            # entries
_DIRECTORY = abi.S_IFDIR >> 12
_NO_ENTRY = bytes(p.ENTRY.size)


class DirectoryOperations(Base):
    """Operations that list directories."""

    def opendir(self, request: Request) -> bytes:
        """FUSE_OPENDIR."""
        node = self.nodes[request.node]
        path = self.nodes.path(node)
        if path is None:
            raise fault(e.ENOENT)
        opened = self.descriptors.open(node, path, abi.O_RDONLY | abi.O_DIRECTORY)
        opened.device = opened.lwp.fstat(opened.fd).st_dev
        return p.OPEN_OUT.pack(opened.handle, 0 if self.settings.shared else p.FOPEN_KEEP_CACHE | p.FOPEN_CACHE_DIR)

    def readdir(self, request: Request) -> bytes:
        """FUSE_READDIR: names, numbers and types."""
        return self._list(request, plus=False)

    def readdirplus(self, request: Request) -> bytes:
        """FUSE_READDIRPLUS: names with all that a lookup of them would tell."""
        return self._list(request, plus=True)

    def _list(self, request: Request, *, plus: bool) -> bytes:
        handle, offset, room, _ = p.READ_IN.unpack(request.body)
        opened = self.descriptors[handle]
        parts: list[bytes] = []
        while room > 0 and offset < _DOTS:
            room = self._dot(opened, offset, room, parts, plus)
            offset += 1
        while room > 0 and offset < _END:
            rows = self._rows(opened, offset)
            if not rows:
                break
            offset, room = self._pack(opened, rows, room, parts, plus)
        return b"".join(parts)

    def _dot(self, opened: Opened, offset: int, room: int, parts: list[bytes], plus: bool) -> int:
        """The entry "." or ".."; how much room is left, nothing if there was none."""
        node = opened.node
        if offset == 1:
            node = next(iter(node.names), (node, b""))[0]
        stat = self.stat(node)
        ino = self.number(stat.st_dev, stat.st_ino)
        entry = (_NO_ENTRY if plus else b"") + p.DIRENT.pack(ino, offset + 1, offset + 1, _DIRECTORY)
        entry += (b"." * (offset + 1)).ljust(8, b"\0")
        if len(entry) > room:
            return 0
        parts.append(entry)
        return room - len(entry)

    def _rows(self, opened: Opened, offset: int) -> list[EntryPlus]:
        """Entries from an offset on: those read ahead, as long as they are true."""
        if opened.listed != self.changes or opened.position != offset or not opened.rows:
            rows, opened.after = opened.lwp.rump_listdir(opened.fd, offset - _DOTS, _AHEAD)
            opened.rows, opened.listed, opened.position = [*rows], self.changes, offset
        return opened.rows

    def _pack(
        self, opened: Opened, rows: list[EntryPlus], room: int, parts: list[bytes], plus: bool
    ) -> tuple[int, int]:
        """Entries as far as there is room: the offset behind the last, and what room is left, nothing once one did not
        fit."""
        head = p.ENTRY.size if plus else 0
        done = 0
        for name, after, attributes in rows:
            size = p.DIRENT.size + len(name) + 7 & ~7
            if head + size > room:
                room = 0
                break
            room -= head + size
            ino = kind = 0
            if plus:
                parts.append(self._entry(opened, name, attributes))
            if attributes is not None:
                ino, kind = self.number(opened.device, attributes[v.FILEID]), attributes[v.MODE] >> 12
            opened.position = _END if after == v.END else after + _DOTS
            entry = p.DIRENT.pack(ino or p.UNKNOWN_INO, opened.position, len(name), kind) + name
            parts.append(entry.ljust(size, b"\0"))
            done += 1
        del rows[:done]
        if not rows and opened.after == v.END:
            room = 0
        return opened.position, room

    def _entry(self, opened: Opened, name: bytes, attributes: Attributes | None) -> bytes:
        """What a lookup of the name would tell; nothing of directories, which only a lookup makes sure to be in one
        place."""
        if attributes is None or attributes[v.MODE] & abi.S_IFMT == abi.S_IFDIR:
            return _NO_ENTRY
        (
            fileid, generation, mode, nlink, uid, gid, rdev, size, allocated, atime, mtime, ctime, birth, flags,
        ) = attributes  # fmt: skip
        stat = Stat(
            opened.device, mode, fileid, nlink, uid, gid, rdev, atime, mtime, ctime, birth, size, allocated + 511 >> 9,
            4096, flags, generation,
        )  # fmt: skip
        try:
            return self.entry(opened.node, name, stat)
        except OSError:
            return _NO_ENTRY            # whoever looks it up is told why
