# SPDX-License-Identifier: BSD-2-Clause
"""From a name to an inode number: by hash tree in big directories, else block by block."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.dirent import HEADER, SHORTEST, record_length
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.dirent import Directories
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Medium

_unpack = disk_files.Dirent.struct.unpack_from


def find(medium: Medium, directories: Directories, inode: Inode, name: bytes) -> int:
    """The inode number behind a name; 0 if there is none.  Errors: Corrupt."""
    if inode.flags & (disk_files.INODE_INLINE_DATA | disk_files.INODE_ENCRYPT):
        return _by_listing(directories, inode, name)
    if inode.flags & disk_files.INODE_CASEFOLD:
        return _folded(medium, directories, inode, name)
    if inode.flags & disk_files.INODE_INDEX and directories.count(inode) > 1:
        try:
            return _hashed(medium, directories, inode, name, name)
        except Corrupt as error:
            medium.log(f"{error.detail}; searching without the hash tree")
    return linear(directories, inode, name)


def linear(directories: Directories, inode: Inode, name: bytes) -> int:
    """Search every block; a piece without the name's bytes is not looked at.

    Errors: Corrupt - it was not found, but some block is damaged.
    """
    size = directories.block_size
    failed: Corrupt | None = None
    for block, data, bad in directories.pieces(inode, 0):
        for index in bad:
            failed = Corrupt(f"directory {inode.number}: block {block + index}: {bad[index]}")
        if name not in data:
            continue
        for index in range(len(data) // size):
            if index in bad:
                continue
            try:
                if number := _search(directories, inode.number, data, index * size, name):
                    return number
            except Corrupt as error:
                failed = error
    if failed:
        raise failed
    return 0


def _search(directories: Directories, directory: int, data: bytes, start: int, name: bytes) -> int:
    """The inode number of a name in the block at `start` of `data`, or 0."""
    length = len(name)
    size = directories.block_size
    stop = start + size
    at = start
    if data.find(name, start, stop) < 0:
        return 0
    while at <= stop - SHORTEST:
        inode, step, name_length, _ = _unpack(data, at)
        if size > 32768:
            step = record_length(step, size)
        if step < SHORTEST or step & 3 or at + step > stop or name_length > step - HEADER:
            raise Corrupt(f"directory {directory}: entry: inode {inode}, length {step}, name {name_length}")
        if name_length == length and inode and data[at + HEADER : at + HEADER + length] == name:
            return int(inode)
        at += step
    return 0


def _hashed(medium: Medium, directories: Directories, inode: Inode, name: bytes, hashed: bytes) -> int:
    """Search the blocks that the hash of `hashed` leads to."""
    from rump.drivers.fs.ext2fs.htree import Tree

    for leaf in Tree(directories, medium.geometry, inode).leaves(hashed):
        data = directories.block(inode, leaf)
        if hashed is name:
            number = _search(directories, inode.number, data, 0, name)
        else:
            number = _search_folded(directories, inode, data, hashed)
        if number:
            return number
    return 0


def _by_listing(directories: Directories, inode: Inode, name: bytes) -> int:
    """Search as a listing shows the names."""
    encrypted = inode.flags & disk_files.INODE_ENCRYPT
    if encrypted:
        from rump.drivers.fs.ext2fs.encrypted import shown
    for entries in directories.entries(inode, 0):
        for found, _, number, _ in entries:
            if (shown(found) if encrypted else found) == name:
                return number
    return 0


def _folded(medium: Medium, directories: Directories, inode: Inode, name: bytes) -> int:
    """Search a directory that does not tell upper from lower case.  A name's hash is that of its folded form, which is
    the same for all versions of Unicode only within ASCII: other names are searched without the hash tree."""
    from rump.drivers.fs.ext2fs.casefold import fold

    key = fold(name)
    if name.isascii() and inode.flags & disk_files.INODE_INDEX and directories.count(inode) > 1:
        try:
            if number := _hashed(medium, directories, inode, name, key):
                return number
        except Corrupt as error:
            medium.log(f"{error.detail}; searching without the hash tree")
    for entries in directories.entries(inode, 0):
        for found, _, number, _ in entries:
            if fold(found) == key:
                return number
    return 0


def _search_folded(directories: Directories, inode: Inode, data: bytes, key: bytes) -> int:
    """The inode number of a name that folds to `key`, in one block, or 0."""
    from rump.drivers.fs.ext2fs.casefold import fold

    out: list[tuple[bytes, int, int, int]] = []
    directories.parse(inode.number, data, 0, len(data), 0, -1, out)
    for found, _, number, _ in out:
        if fold(found) == key:
            return number
    return 0
