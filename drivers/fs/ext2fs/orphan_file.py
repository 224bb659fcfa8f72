# SPDX-License-Identifier: BSD-2-Clause
"""The orphan file (feature orphan_file): blocks full of the numbers of inodes to be deleted or cut, 0 where there is
none, each with a magic number and a checksum behind them."""

from __future__ import annotations

from struct import Struct

from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.drivers.fs.ext2fs.bmap import Maps
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.ops import Ext2Volume

TAIL = Struct("<II")            # of a block: its magic, CRC-32C
TAIL_MAGIC = 0x0B10CA04


def blocks(
    maps: Maps, inode: Inode, shift: int, read: Callable[[int], bytes]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(block of the volume, numbers in it) of the file.  Errors: Corrupt."""
    words = Struct(f"<{((1 << shift) - TAIL.size) // 4}I")
    done, total = 0, inode.size >> shift
    while done < total:
        for kind, block, count, target in maps.blocks(inode, done, total):
            done = block + count
            for index in range(count if kind == DATA else 0):
                yield target + index, words.unpack_from(read(target + index))


def numbers(volume: Ext2Volume) -> Iterator[int]:
    """The numbers in the file of a volume.  Errors: Corrupt."""
    medium, geometry = volume.medium, volume.medium.geometry
    number = geometry.raw.orphan_file_inum
    inode = volume.inodes.make(number, *volume.inodes.special(number))
    size = geometry.block_size

    def read(block: int) -> bytes:
        return medium.read(block << geometry.shift, size, lambda: "orphan file")

    for _, words in blocks(volume.maps, inode, geometry.shift, read):
        for word in words:
            if word:
                if not geometry.first_ino <= word <= geometry.inodes:
                    raise Corrupt(f"orphan file: inode {word}")
                yield word
