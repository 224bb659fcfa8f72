# SPDX-License-Identifier: BSD-2-Clause
"""The volume's operations: handles in, plain values out."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import capabilities, disk, disk_files
from rump.drivers.fs.ext2fs.bmap import Maps
from rump.drivers.fs.ext2fs.dirent import DOTS, Directories
from rump.drivers.fs.ext2fs.groups import Groups
from rump.drivers.fs.ext2fs.inode import Inodes
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.operation import UNFORESEEN, guarded
from rump.kernel.vfs.volume import DATA, END, GENERATION, INLINE, MODE, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Medium
    from rump.drivers.fs.ext2fs.superblock import Geometry
    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, Run

    Entries: TypeAlias = list[Entry]
    Gathered: TypeAlias = tuple[tuple[Run, ...], tuple[bytes, ...]]

LINK_MAX = 4096         # bytes of a symbolic link's target
FAST_LINK = 60          # bytes: shorter targets can lie in the block map


def is_fast(geometry: Geometry, link: Inode) -> bool:
    """Whether a symbolic link's target lies in its block map.  Values of attributes in inodes of their own count as the
    link's blocks, so with ea_inode only the size tells."""
    if link.flags & disk_files.INODE_INLINE_DATA:
        return False
    if geometry.incompat & disk.INCOMPAT_EA_INODE:
        return link.size < FAST_LINK
    own = geometry.cluster_size >> 9 if link.xattr_block else 0
    return link.sectors == own and link.size <= FAST_LINK


class Ext2Volume(Volume):
    """A mounted ext2, ext3 or ext4.

    device   what the kernel reads runs from: the block device, with the journal's blocks over it if there are any
    """

    def __init__(self, medium: Medium, journal: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """`journal` is what recovery has to say in `describe`."""
        self.medium = medium
        self.device = medium.device
        self.capabilities = capabilities(medium.geometry.inode_size, medium.geometry.block_size)
        self.groups = Groups(medium)
        self.inodes = Inodes(medium, self.groups)
        self.maps = Maps(medium)
        self.directories = Directories(medium, self.maps)
        self._journal = journal
        self._shift = medium.geometry.shift

    # ---- the whole volume ----------------------------------------------------------------------------------------

    @guarded
    def root(self) -> Attributes:
        """Errors: Corrupt - it is no directory."""
        attributes = self.inodes.attributes(disk.ROOT_INO)
        if attributes[MODE] & abi.S_IFMT != abi.S_IFDIR:
            raise Corrupt(f"root directory: mode {attributes[MODE]:o}")
        return attributes

    @guarded
    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        """As Linux counts: blocks that can never hold data are not part of the whole."""
        from rump.drivers.fs.ext2fs.space import statvfs

        return statvfs(self)

    @guarded
    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        from rump.drivers.fs.ext2fs.describe import describe

        return describe(self.medium) + self._journal

    # ---- files ---------------------------------------------------------------------------------------------------

    @guarded
    def attributes(self, file: Handle) -> Attributes:
        attributes = self.inodes.attributes(file[0])
        if attributes[GENERATION] != file[1]:
            raise fault(e.ESTALE, f"inode {file[0]} has generation {attributes[GENERATION]}")
        return attributes

    @guarded
    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """Errors: ENOTSUP - the file is encrypted."""
        inode = self._regular(file)
        end = min(offset + length, inode.size)
        return self._runs(inode, offset, end) if 0 <= offset < end else ()

    def _runs(self, inode: Inode, offset: int, end: int) -> tuple[Run, ...]:
        """The runs of a part of a file that is not empty, in bytes."""
        if inode.flags & disk_files.INODE_INLINE_DATA:
            return ((INLINE, offset, end - offset, 0),)
        return self.maps.runs(inode, offset, end)

    @guarded
    def gather(self, files: tuple[Handle, ...]) -> tuple[Gathered | None, ...]:
        from rump.drivers.fs.ext2fs.gather import gather

        return tuple(gather(self, files))

    def gather_one(self, file: Handle) -> Gathered | None:
        """As `gather`, for one file of any shape."""
        try:
            inode = self._regular(file)
            return (self._runs(inode, 0, inode.size) if inode.size else ()), self._xattr_names(inode)
        except (Fault, *UNFORESEEN):
            return None

    @guarded
    def read(self, file: Handle, offset: int, length: int) -> bytes:
        inode = self._regular(file)
        if not inode.flags & disk_files.INODE_INLINE_DATA:
            raise fault(e.EINVAL, f"inode {inode.number} is not inline")
        from rump.drivers.fs.ext2fs.inline import content

        return content(self.medium, inode)[max(0, offset) : max(0, offset) + max(0, length)]

    @guarded
    def readlink(self, file: Handle) -> bytes:
        """Errors: EINVAL - no symbolic link; ENOTSUP - it is encrypted; Corrupt."""
        inode = self.inodes.load(file)
        if inode.mode & abi.S_IFMT != abi.S_IFLNK:
            raise fault(e.EINVAL)
        _refuse_encrypted(inode)
        if not 0 < inode.size <= LINK_MAX:
            raise Corrupt(f"symbolic link {inode.number}: size is {inode.size}")
        if is_fast(self.medium.geometry, inode):
            data = inode.block[: inode.size]
        else:
            data = self.content(inode)
        target = data.partition(b"\0")[0]
        if not target:
            raise Corrupt(f"symbolic link {inode.number}: the target is empty")
        return target

    def content(self, inode: Inode) -> bytes:
        """All the bytes of a small file that is the format's own affair.  The caller has bounded its size."""
        if inode.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.inline import content

            return content(self.medium, inode)
        shift, size = self._shift, inode.size
        data = bytearray(-(-size >> shift) << shift)
        done = 0
        while done < len(data):
            for kind, block, count, target in self.maps.blocks(inode, done >> shift, len(data) >> shift):
                done = block + count << shift
                if kind == DATA:
                    data[block << shift : done] = self.device.read(target << shift, count << shift)
        return bytes(data[:size])

    def _regular(self, file: Handle) -> Inode:
        inode = self.inodes.load(file)
        if inode.mode & abi.S_IFMT != abi.S_IFREG:
            raise fault(e.EINVAL, f"inode {inode.number} is no regular file")
        _refuse_encrypted(inode)
        return inode

    # ---- directories ---------------------------------------------------------------------------------------------

    @guarded
    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        from rump.drivers.fs.ext2fs.lookup import find

        if name in DOTS:
            raise fault(e.ENOENT)
        number = find(self.medium, self.directories, self._directory(directory), name)
        if not number:
            raise fault(e.ENOENT)
        return self.inodes.attributes(number)

    @guarded
    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        entries, following = self._entries(directory, cookie, count)
        return tuple(entries), following

    @guarded
    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        entries, following = self._entries(directory, cookie, count)
        attributes = self.inodes.many([entry[2] for entry in entries])
        return tuple([(entry[0], entry[1], row) for entry, row in zip(entries, attributes, strict=True)]), following

    def _entries(self, directory: Handle, cookie: int, count: int) -> tuple[Entries, int]:
        """At most `count` entries behind a cookie, fit to be passed up, and the cookie to go on with."""
        inode = self._directory(directory)
        result: Entries = []
        following = END
        if cookie < 0 or count <= 0:
            return result, END if cookie < 0 else cookie
        source = self.directories.entries(inode, cookie)
        try:
            for entries in source:
                result.extend(entries)
                if len(result) >= count:
                    # Whether anything is behind the last one shows when it is asked for.
                    result = result[:count]
                    following = result[-1][1]
                    break
        except Corrupt:
            if not result:
                raise
            following = result[-1][1]
        return self._fit(inode, result), following

    def _fit(self, inode: Inode, entries: Entries) -> Entries:
        """Without names that cannot be: damage must not lead a caller out of the directory it writes to."""
        if inode.flags & disk_files.INODE_ENCRYPT:
            from rump.drivers.fs.ext2fs.encrypted import shown

            return [(shown(entry[0]), *entry[1:]) for entry in entries]
        whole = b"".join([entry[0] for entry in entries])
        if b"/" not in whole and b"\0" not in whole:
            return entries
        good = [entry for entry in entries if b"/" not in entry[0] and b"\0" not in entry[0]]
        self.medium.log(f"directory {inode.number}: {len(entries) - len(good)} names with '/' or NUL are left out")
        return good

    def _directory(self, directory: Handle) -> Inode:
        inode = self.inodes.load(directory)
        if inode.mode & abi.S_IFMT != abi.S_IFDIR:
            raise fault(e.ENOTDIR, f"inode {inode.number}")
        return inode

    # ---- extended attributes -------------------------------------------------------------------------------------

    @guarded
    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        return self._xattr_names(self.inodes.load(file))

    def _xattr_names(self, inode: Inode) -> tuple[bytes, ...]:
        if self._bare(inode):
            return ()
        from rump.drivers.fs.ext2fs.xattr import names

        return names(self, inode)

    @guarded
    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        inode = self.inodes.load(file)
        if self._bare(inode):
            raise fault(e.ENOATTR)
        from rump.drivers.fs.ext2fs.xattr import value

        return value(self, inode, name)

    def _bare(self, inode: Inode) -> bool:
        """Whether an inode has no attributes for sure: no block of them, and zeros behind its fields."""
        if inode.xattr_block:
            return False
        size = self.medium.geometry.inode_size
        start = inode.at + 128
        start += inode.data[start] | inode.data[start + 1] << 8 if size > 128 else 0
        return inode.data[start : start + 4] == b"\0\0\0\0" or start + 4 > inode.at + size


def _refuse_encrypted(inode: Inode) -> None:
    if inode.flags & disk_files.INODE_ENCRYPT:
        raise fault(e.ENOTSUP, f"inode {inode.number} is encrypted")
