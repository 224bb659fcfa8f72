# SPDX-License-Identifier: BSD-2-Clause
"""What the passes of a check find out about a volume, one for the next.

Memory goes by what is in use: bits for clusters and a byte for each inode of the groups that have any, and rows for
directories and for files with several names.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs.layout import LaidOutGroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.ops import Ext2Volume

    Range: TypeAlias = tuple[int, int]

KIND = 0x0F         # of the byte kept for an inode: its type, S_IFMT >> 12
NAMED = 0x10        # an entry leads to it
OWN = 0x20          # the volume's own: no entry leads to it
SHARED_MAX = 4096   # ranges of blocks with several owners that are remembered


class State:
    """A volume being checked.

    blocks        group -> bits of the clusters in use
    inodes        group -> a byte for each inode: 0 if it is free
    links         inode -> links_count, where it is not that of a file with one name
    counted       inode -> names found, of those
    directories   those in use, in order
    parents       directory -> the one whose entry leads to it
    above         directory -> what its ".." says
    xattr_blocks  block of attributes -> [its refcount, inodes that have it]
    values        inode with an attribute's value -> [its reference count, attributes that lead to it]
    shared        ranges of blocks that several have, to be told apart afterwards
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
        self.blocks: dict[int, bytearray] = {}
        self.inodes: dict[int, bytearray] = {}
        self.links: dict[int, int] = {}
        self.counted: dict[int, int] = {}
        self.directories: list[int] = []
        self.parents: dict[int, int] = {}
        self.above: dict[int, int] = {}
        self.xattr_blocks: dict[int, list[int]] = {}
        self.values: dict[int, list[int]] = {}
        self.shared: list[Range] = []
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

    def mark(self, cluster: int, count: int) -> list[Range]:
        """Clusters are in use; those of them that were already."""
        taken: list[Range] = []
        while count:
            group, bit = divmod(cluster, self.per_group)
            here = min(count, self.per_group - bit)
            taken += self._mark(group, bit, here)
            cluster += here
            count -= here
        return taken

    def _mark(self, group: int, bit: int, count: int) -> list[Range]:
        bits = self.blocks.get(group)
        if bits is None:
            bits = self.blocks[group] = bytearray(-(-self.per_group // 8))
        first, last = bit >> 3, bit + count + 7 >> 3
        before = int.from_bytes(bits[first:last], "little")
        mask = (1 << count) - 1 << (bit & 7)
        bits[first:last] = (before | mask).to_bytes(last - first, "little")
        both = before & mask
        if not both:
            return []
        base = group * self.per_group + (first << 3)
        return [(base + start, length) for start, length in ones(both)]

    def share(self, ranges: list[Range]) -> None:
        """Clusters have several owners."""
        if len(self.shared) < SHARED_MAX:
            self.shared += ranges


def ones(value: int) -> list[tuple[int, int]]:
    """The runs of ones in a number: (first bit, how many)."""
    runs = []
    at = 0
    while value:
        zeros = (value & -value).bit_length() - 1
        value >>= zeros
        count = (~value & value + 1).bit_length() - 1
        runs.append((at + zeros, count))
        value >>= count
        at += zeros + count
    return runs


def spelled(first: int, count: int) -> str:
    """A run of blocks in words."""
    return str(first) if count == 1 else f"{first} to {first + count - 1}"
