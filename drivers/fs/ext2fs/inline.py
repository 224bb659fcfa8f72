# SPDX-License-Identifier: BSD-2-Clause
"""Files small enough to live in their inode (feature inline_data): the 60 bytes of the block map, then the value of
the extended attribute "system.data"."""

from __future__ import annotations

from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.dirent import Directories
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Medium
    from rump.kernel.vfs.volume import Entry

PARENT = 4              # bytes: a directory begins with its parent's number, in place of "." and ".."


def content(medium: Medium, inode: Inode) -> bytes:
    """All the bytes of a file.  Errors: Corrupt - its size is more than there is."""
    data = space(medium, inode)
    if inode.size > len(data):
        raise Corrupt(f"inode {inode.number}: size is {inode.size}, but {len(data)} bytes are in the inode")
    return data[: inode.size]


def space(medium: Medium, inode: Inode) -> bytes:
    """The bytes there are."""
    from rump.drivers.fs.ext2fs.xattr import inline_value

    return inode.block + inline_value(medium, inode)


def entries(medium: Medium, directories: Directories, inode: Inode, cookie: int) -> Iterator[list[Entry]]:
    """The entries of a directory behind a cookie.  They lie in two parts, each as a block would; cookies count bytes
    of both."""
    data = space(medium, inode)
    for start, stop in ((PARENT, len(inode.block)), (len(inode.block), len(data))):
        if cookie < stop and start < stop:
            out: list[Entry] = []
            directories.parse(inode.number, data, start, stop, 0, cookie, out)
            yield out
