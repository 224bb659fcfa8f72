# SPDX-License-Identifier: BSD-2-Clause
"""How much room files take on ext2, ext3 and ext4: not less than they do, and little more."""

from __future__ import annotations

from rump.fsutils.making.measure import Measure, Tally
from rump.kernel.abi import S_IFLNK, S_IFREG
from rump.kernel.vfs.volume import SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.making.measure import Pairs, Parts
    from rump.kernel.vfs.volume import Attributes

FAST_LINK = 59              # bytes of a link's target that the inode holds
ENTRY = 8                   # bytes of a directory entry besides its name, which fills words of four
IN_INODE = 92               # bytes of extended attributes that an inode of 256 bytes holds
PAIR = 20                   # bytes of an attribute besides its name and value
INDEX_PART = 32768          # blocks that an extent can map
EXTENT = 12                 # bytes of an extent, and of the head of a block of them
ROOT_EXTENTS = 4            # that the inode holds
LEAST_BLOCK = 900           # bytes of names that fit into a block of any size
LEVELS = 3                  # of maps, without extents
DIRECT = 12                 # blocks that the inode itself maps, without extents


class MeasureExt2fs(Measure):
    """ext2, ext3, ext4."""

    wants_pairs = True
    wants_parts = True

    def __init__(self) -> None:
        super().__init__()
        self._data = Tally()
        self._directories: list[int] = []       # bytes of the names in each that has many
        self._small = 0                         # directories with few
        self._blocks = 0                        # of one block, whatever its size
        self._large: list[tuple[int, Parts]] = []       # files that need maps: bytes, where they are

    def with_name(self, used: int, name: bytes) -> int:
        return used + ENTRY + (len(name) + 3 & ~3)

    def folder(self, used: int, root: bool) -> None:
        if used > LEAST_BLOCK:
            self._directories.append(used)
        elif not root:
            self._small += 1

    def contents(self, kind: int, attributes: Attributes, pairs: Pairs, parts: Parts) -> None:
        size = attributes[SIZE]
        if kind == S_IFREG:
            if parts is None:
                self._data.add(size)
            else:
                for offset, length in parts:
                    self._data.add_part(offset, length)
            if size > DIRECT << 10 or len(parts or ()) > ROOT_EXTENTS:
                self._large.append((size, parts))
        elif kind == S_IFLNK and size > FAST_LINK:
            self._blocks += 1
        if pairs and sum([PAIR + len(name) + len(value) for name, value in pairs]) > IN_INODE:
            self._blocks += 1 + sum([len(value) >> 10 for _, value in pairs])

    def options(self, made: dict[str, str]) -> dict[str, str]:
        wanted = self.files + self.directories
        if wanted <= int(made["free inodes"]):
            return {}
        short = wanted - int(made["free inodes"])
        rounding = int(made["groups"]) * max(int(made["block size"]) // int(made["inode size"]), 8)
        return {"inodes": str(int(made["inodes"]) + short + rounding)}

    def needed(self, made: dict[str, str]) -> int:
        block = int(made["block size"])
        extents = "extent" in made["features"].split()
        maps = sum([self._map(size, parts, block, extents) for size, parts in self._large])
        folders = sum([_folder(names, block) for names in self._directories])
        count = self._data.of(max(block, int(made["cluster size"]))) * (max(block, int(made["cluster size"])) // block)
        return (count + maps + folders + self._small + self._blocks) * block

    def _map(self, size: int, parts: Parts, block: int, extents: bool) -> int:
        """Blocks that say where a file's blocks are."""
        ranges = ((0, size),) if parts is None else parts
        counts = [(offset % block + length + block - 1) // block for offset, length in ranges]
        if extents:
            count = sum([1 + blocks // min(INDEX_PART, block * 8) for blocks in counts])
            held = (block - EXTENT) // EXTENT
            return 0 if count <= ROOT_EXTENTS else -(-count // held) + count // held**2 + 1
        dense = _indirect(-(-size // block) - DIRECT, block // 4)
        if parts is None:
            return dense
        straddling = 1 + LEVELS         # where it begins in the middle of a map, of every level
        return min(dense, sum([_indirect(blocks, block // 4) + straddling for blocks in counts]))

    def free(self, made: dict[str, str]) -> int:
        if self.files + self.directories > int(made["free inodes"]):
            return 0
        return int(made["free blocks"]) * int(made["block size"])

    def kept(self, made: dict[str, str]) -> int:
        return int(made["reserved blocks"]) * int(made["block size"])


def _indirect(rest: int, held: int) -> int:
    """Blocks of maps of `held` numbers for so many blocks in a row."""
    total = 0
    while rest > 0:
        rest = -(-rest // held)
        total += rest
        rest = rest - 1
    return total + 1 if total else 0


def _folder(names: int, block: int) -> int:
    """Blocks of a directory: those of an index are filled to two thirds, or better."""
    room = block - 40
    if names <= room:
        return 1
    leaves = -(-names * 3 // (room * 2)) + 1
    return leaves + 1 + leaves // (block // 16)
