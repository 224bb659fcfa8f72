# SPDX-License-Identifier: BSD-2-Clause
"""What the passes of a check find out about a volume, one for the next.

Memory goes by what is in use: bits for clusters and a byte for each inode of the groups that have any, and rows for
directories and for files with several names.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs.layout import LaidOutGroups
from rump.kernel.vfs.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.ops import Ext2Volume
    from rump.kernel.vfs.usage import Range

KIND = 0x0F         # of the byte kept for an inode: its type, S_IFMT >> 12
NAMED = 0x10        # an entry leads to it
OWN = 0x20          # the volume's own: no entry leads to it


class State:
    """A volume being checked.

    usage         the clusters in use; a piece is a group
    inodes        group -> a byte for each inode: 0 if it is free
    links         inode -> links_count, where it is not that of a file with one name
    counted       inode -> names found, of those
    directories   those in use, in order
    parents       directory -> the one whose entry leads to it
    above         directory -> what its ".." says
    xattr_blocks  block of attributes -> [its refcount, inodes that have it]
    values        inode with an attribute's value -> [its reference count, attributes that lead to it]
    orphans       inodes to be deleted or cut by whoever mounts the volume for writing
    files         in use, the volume's own not counted
    """

    def __init__(self, volume: Ext2Volume) -> None:
        self.volume = volume
        self.medium = volume.medium
        self.geometry = geometry = volume.medium.geometry
        self.groups = LaidOutGroups(volume.medium)
        self.ratio = geometry.cluster_size >> geometry.shift
        self.per_group = geometry.blocks_per_group // self.ratio
        self.usage = Usage(self.per_group)
        self.inodes: dict[int, bytearray] = {}
        self.links: dict[int, int] = {}
        self.counted: dict[int, int] = {}
        self.directories: list[int] = []
        self.parents: dict[int, int] = {}
        self.above: dict[int, int] = {}
        self.xattr_blocks: dict[int, list[int]] = {}
        self.values: dict[int, list[int]] = {}
        self.orphans: dict[int, bool] = {}
        self.files = 0

    # ---- inodes ------------------------------------------------------------------------------------------------------

    def kind(self, number: int) -> int:
        """The byte of an inode; 0 if it is free."""
        group, index = divmod(number - 1, self.geometry.inodes_per_group)
        row = self.inodes.get(group)
        return row[index] if row is not None else 0

    def set_kind(self, number: int, value: int) -> None:
        """Remember the byte of an inode."""
        group, index = divmod(number - 1, self.geometry.inodes_per_group)
        row = self.inodes.get(group)
        if row is None:
            row = self.inodes[group] = bytearray(self.geometry.inodes_per_group)
        row[index] = value

    # ---- blocks ------------------------------------------------------------------------------------------------------

    def clusters(self, start: int, count: int) -> Range:
        """The clusters that blocks lie in: (first, how many), counted from that of the first block."""
        first = (start - self.geometry.first_data_block) // self.ratio
        last = (start + count - 1 - self.geometry.first_data_block) // self.ratio
        return first, last - first + 1
