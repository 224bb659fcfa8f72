# SPDX-License-Identifier: BSD-2-Clause
"""What copying many small files takes: their runs and the names of their extended attributes, in one loop.

Nearly every small file is one extent from its first block on, without extended attributes; those are decoded here in
line, all others by the general code.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.medium import Faults
    from rump.drivers.fs.ext2fs.ops import Ext2Volume, Gathered
    from rump.kernel.vfs.volume import Handle

_ROW = disk_files.OldInode.narrow(
    "mode", "size_lo", "links_count", "flags", "block", "generation", "file_acl_lo", "size_high", "file_acl_high"
)
_HEADER = disk_files.ExtentHeader.narrow("magic", "entries", "max", "depth")
_EXTENT = disk_files.Extent.struct
_REGULAR = abi.S_IFREG >> 12
_KINDS = disk_files.INODE_EXTENTS | disk_files.INODE_INLINE_DATA | disk_files.INODE_ENCRYPT
_NONE = b"\0\0\0\0"     # where the attributes inside an inode would begin


def gather(volume: Ext2Volume, files: tuple[Handle, ...]) -> list[Gathered | None]:
    """See `Volume.gather`."""
    result: list[Gathered | None] = []
    append, unpack, header, extent = result.append, _ROW.unpack_from, _HEADER.unpack_from, _EXTENT.unpack_from
    geometry = volume.medium.geometry
    size, shift, has_data, piece = geometry.inode_size, geometry.shift, geometry.has_data, volume.inodes.piece
    first_ino, new = geometry.first_ino, geometry.inode_size > 128
    first = end = 0
    data = b""
    suspects: Faults = {}
    for file in files:
        number, wanted = file
        if not first <= number < end:
            try:
                first, end, (_, data, suspects) = piece(number)
            except Fault:
                append(None)
                continue
        at = (number - first) * size
        mode, length, links, flags, tree, generation, xattrs, length_high, xattrs_high = unpack(data, at)
        magic, entries, most, depth = header(tree)
        block, count, high, low = extent(tree, _HEADER.size)
        behind = at + 128
        if new:
            behind += data[behind] | data[behind + 1] << 8
        target = low | high << 32
        if (
            entries == 1 and not depth and not block and 0 < most <= 4 and magic == disk_files.EXTENT_MAGIC
            and mode >> 12 == _REGULAR and flags & _KINDS == disk_files.INODE_EXTENTS
            and 0 < length <= count << shift and count <= disk_files.EXTENT_UNWRITTEN and not length_high
            and not xattrs and not xattrs_high and (not new or data[behind : behind + 4] == _NONE)
            and links and generation == wanted and number >= first_ino and number not in suspects
            and has_data(target, count)
        ):  # fmt: skip
            append((((DATA, 0, length, target << shift),), ()))
        else:
            append(volume.gather_one(file))
    return result
