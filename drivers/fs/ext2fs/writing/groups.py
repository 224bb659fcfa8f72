# SPDX-License-Identifier: BSD-2-Clause
"""Block groups while they change: the counts of descriptors and the bitmaps, decoded when first wanted and encoded when
a commit is near.

What descriptors mean: Linux's Documentation/filesystems/ext4, "Block Group Descriptors" and "Block and inode Bitmaps".
Copies of descriptors in other groups are left alone, as by Linux; they are for checkers.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.groups import CHECKSUM_AT
from rump.drivers.fs.ext2fs.layout import BLOCK_UNINIT, INODE_UNINIT, LaidOutGroups
from rump.drivers.fs.ext2fs.writing.bitmaps import Bitmaps
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.transaction import RELEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.writing.state import State

    Row: TypeAlias = tuple[int, int, int, int, int]
    Ranges: TypeAlias = list[tuple[int, int]]

FREE_BLOCKS, FREE_INODES = 0, 1         # columns of a row (directories, flags, unused follow), keys of totals
RESERVED = 2                            # key of the totals
ROWS_MAX = 8192         # groups whose unchanged counts are kept
SPAN_MAX = 1024         # groups whose metadata may lie in one another, looked at together
SPANS_MAX = 64          # such sets kept
SUMMED_MAX = 16         # blocks of descriptors whose counts are added up at mount in any case
SUM = Struct("<H")

_COUNTS = ("free_blocks_count_lo", "free_inodes_count_lo", "used_dirs_count_lo", "flags", "itable_unused_lo")
_COUNTS_HIGH = ("free_blocks_count_hi", "free_inodes_count_hi", "used_dirs_count_hi", "itable_unused_hi")


class BlockBitmaps(Bitmaps):
    """The bitmaps of blocks."""

    kind, column, uninit = "block", FREE_BLOCKS, BLOCK_UNINIT

    def place(self, group: int) -> int:
        """See `Bitmaps`."""
        return self._groups.place(group)[0]

    def initial(self, group: int) -> int:
        """Metadata is in use."""
        return self._groups.metadata_bits(group, True)

    def must(self, group: int) -> int:
        """Metadata is in use."""
        return self._groups.metadata_bits(group, False)

    def padding(self, group: int) -> int:
        """What lies behind the end of the volume, too."""
        return self._behind | (1 << self.bits) - (1 << self._groups.blocks_in(group))


class InodeBitmaps(Bitmaps):
    """The bitmaps of inodes."""

    kind, column, uninit = "inode", FREE_INODES, INODE_UNINIT

    def place(self, group: int) -> int:
        """See `Bitmaps`."""
        return self._groups.place(group)[1]

    def never(self, group: int) -> int:
        """The reserved inodes."""
        reserved = self._groups.geometry.first_ino - 1 - group * self.bits
        return (1 << max(0, min(self.bits, reserved))) - 1

    def check(self, group: int, used: int) -> None:
        """No inode is in use behind those that ever were."""
        _, _, _, flags, unused = self._groups.row(group)
        if unused > self.bits:
            raise Corrupt(f"{unused} unused inodes of {self.bits}")
        if not flags & INODE_UNINIT and (used & ~self._behind) >> self.bits - unused:
            raise Corrupt(f"inode bitmap: an inode is in use among the last {unused}")


class WritableGroups(LaidOutGroups):
    """The groups of a volume.

    rows        group -> (free blocks, free inodes, directories, flags, unused inodes), of some; see `row`
    totals      FREE_BLOCKS, FREE_INODES -> how many the volume has; RESERVED -> how many of the blocks are promised
    changed     index of a block of descriptors -> True: rows in it changed
    blocks, inodes   the bitmaps
    """

    def __init__(self, state: State, recount: bool = False) -> None:
        """`recount`: the superblock's counters cannot be right.  Errors: Corrupt."""
        super().__init__(state.medium)
        self._state = state
        self._store = state.store
        geometry = self.geometry
        self.log = state.medium.log
        if geometry.blocks_per_group & 7 or geometry.blocks_per_group > geometry.block_size * 8:
            raise Corrupt(f"superblock: blocks_per_group is {geometry.blocks_per_group}")
        names = (*_COUNTS, *_COUNTS_HIGH) if self._size >= 64 else _COUNTS
        self._counts = self._kind.narrow(*names, tail=self._size - self._kind.struct.size)
        flex = geometry.raw.log_groups_per_flex if geometry.incompat & disk.INCOMPAT_FLEX_BG else 0
        self.flex = 1 << min(flex, 20)
        self._span = min(self.flex, SPAN_MAX)
        self._spans: dict[int, Ranges] = {}
        self._loaded: dict[int, None] = {}
        self.rows: dict[int, Row] = {}
        self.changed: dict[int, bool] = {}
        self.blocks = BlockBitmaps(self, state.store, geometry.blocks_per_group)
        self.inodes = InodeBitmaps(self, state.store, geometry.inodes_per_group)
        free_blocks, free_inodes = self._count(recount)
        self.totals = {FREE_BLOCKS: free_blocks, FREE_INODES: free_inodes, RESERVED: 0}

    def _count(self, recount: bool) -> tuple[int, int]:
        """(free blocks, free inodes) of the volume: of the descriptors, unless they are many and it was left clean."""
        geometry, fields = self.geometry, self._state.super
        unclean = not geometry.raw.state & disk.STATE_VALID or geometry.incompat & disk.INCOMPAT_RECOVER
        if recount or unclean or geometry.descriptor_blocks <= SUMMED_MAX:
            return self.count_free()
        high = fields["free_blocks_count_hi"] if geometry.incompat & disk.INCOMPAT_64BIT else 0
        return fields["free_blocks_count_lo"] | high << 32, fields["free_inodes_count"]

    # ---- counts ------------------------------------------------------------------------------------------------------

    def row(self, group: int) -> Row:
        """The counts of a group, unchecked: those of a damaged descriptor may be anything."""
        row = self.rows.get(group)
        return self._load(group) if row is None else row

    def _load(self, group: int) -> Row:
        """Decode the block of descriptors that a group's is in."""
        if len(self._loaded) * self.per_block >= ROWS_MAX:
            self._evict()
        index = group // self.per_block
        first = index * self.per_block
        count = min(self.per_block, self.geometry.groups - first)
        try:
            data = self._block(group)[: count * self._size]
        except Fault as error:
            self.log(f"groups {first} to {first + count - 1}: {error}; nothing is taken from them")
            data = bytes(count * self._size)
        fresh: dict[int, Row] = {}
        for number, row in enumerate(self._counts.iter_unpack(data), first):
            blocks, inodes, directories, flags, unused, *high = row
            if high:
                blocks |= high[0] << 16
                inodes |= high[1] << 16
                directories |= high[2] << 16
                unused |= high[3] << 16
            if number not in self.rows:     # as it may be, had somebody been interrupted while forgetting
                fresh[number] = (blocks, inodes, directories, flags, unused if self.sums else 0)
        self._loaded[index] = None
        self.rows.update(fresh)
        return self.rows[group]

    def _evict(self) -> None:
        """Forget the oldest rows that can be read again."""
        for index in self._loaded:
            if index not in self.changed:
                for group in range(index * self.per_block, (index + 1) * self.per_block):
                    self.rows.pop(group, None)
                del self._loaded[index]
                return

    def set_row(self, group: int, row: Row) -> None:
        """Change a group's counts, through the store."""
        store, index = self._store, group // self.per_block
        store.set(self.rows, group, row)
        if index not in self.changed:
            store.set(self.changed, index, True)

    def add(self, total: int, count: int) -> None:
        """Change a total, through the store."""
        totals = self.totals
        self._store.set(totals, total, totals[total] + count)

    def miscounted(self, group: int, column: int, free: int) -> None:
        """A bitmap has `free` zeros, the descriptor says otherwise.  With a journal that cannot be: something is wrong.
        Without one it is what a crash leaves, and the bitmap is right.  Errors: Corrupt."""
        row = self.row(group)
        if not self._state.ordered:
            raise Corrupt(f"{('block', 'inode')[column]} bitmap has {free} free, the descriptor {row[column]}")
        self.add(column, free - row[column])
        counts = (free, row[1]) if column == FREE_BLOCKS else (row[0], free)
        self.set_row(group, (*counts, *row[2:]))

    # ---- layout ------------------------------------------------------------------------------------------------------

    def metadata(self, group: int) -> Ranges:
        """(first block, block behind the last) of the bitmaps and inode tables that may lie in a group: its own, and
        with flex_bg those of the groups around it."""
        span = group // self._span
        found = self._spans.get(span)
        if found is None:
            ranges: Ranges = []
            for other in range(span * self._span, min((span + 1) * self._span, self.geometry.groups)):
                try:
                    blocks, inodes, table = self.place(other)
                except Corrupt:
                    continue        # that group's own affair
                ranges += (blocks, blocks + 1), (inodes, inodes + 1), (table, table + self.table_blocks)
            if len(self._spans) >= SPANS_MAX:
                self._spans.clear()
            self._spans[span] = found = _joined(ranges)
        return found

    def metadata_bits(self, group: int, room: bool) -> int:
        """What of a group is metadata of the volume, as a number; with `room`, the blocks kept for more descriptors
        too."""
        start, size = self.start(group), self.geometry.blocks_per_group
        bits = (1 << min(self.at_start(group, room), size)) - 1
        for first, stop in self.metadata(group):
            low, high = max(first - start, 0), min(stop - start, size)
            if low < high:
                bits |= (1 << high) - (1 << low)
        return bits

    # ---- checksums and encoding --------------------------------------------------------------------------------------

    def weight(self) -> int:
        """Blocks that `prepare` will change."""
        return len(self.blocks.changed) + len(self.inodes.changed) + len(self.changed)

    def prepare(self) -> None:
        """Put what changed: bitmaps, descriptors, the superblock's counters."""
        sums: dict[int, dict[str, int]] = {}
        for bitmaps in (self.blocks, self.inodes):
            for group in sorted(bitmaps.changed):
                bitmap = bitmaps.get(group)
                assert bitmap is not None
                data = bytes(bitmap.used)
                self._store.put(bitmaps.place(group), data, RELEASE)
                if self.geometry.checksums:
                    value = self.bitmap_sum(data, bitmaps.bits)
                    sums.setdefault(group, {}).update({
                        f"{bitmaps.kind}_bitmap_csum_lo": value & 0xFFFF,
                        f"{bitmaps.kind}_bitmap_csum_hi": value >> 16,
                    })  # fmt: skip
        touched = sorted({*self.blocks.changed, *self.inodes.changed})
        by_block: dict[int, list[int]] = {}
        for group in touched:
            by_block.setdefault(group // self.per_block, []).append(group)
        for index, groups in by_block.items():
            self._put_descriptors(index, groups, sums)
        if touched:
            self._put_totals()

    def _put_descriptors(self, index: int, groups: list[int], sums: dict[int, dict[str, int]]) -> None:
        """Put a block of descriptors with those of `groups` as they are now."""
        data = bytearray(self._block(index * self.per_block))
        names, form = self._kind.fields, self._kind.struct
        for group in groups:
            at = group % self.per_block * self._size
            fields = dict(zip(names, form.unpack_from(data, at), strict=True))
            blocks, inodes, directories, flags, unused = self.rows[group]
            fields.update(
                free_blocks_count_lo=blocks & 0xFFFF, free_blocks_count_hi=blocks >> 16,
                free_inodes_count_lo=inodes & 0xFFFF, free_inodes_count_hi=inodes >> 16,
                used_dirs_count_lo=directories & 0xFFFF, used_dirs_count_hi=directories >> 16, flags=flags,
            )  # fmt: skip
            if self.sums:
                fields.update(itable_unused_lo=unused & 0xFFFF, itable_unused_hi=unused >> 16)
            fields.update(sums.get(group, {}))
            form.pack_into(data, at, *[fields[name] for name in names])
            if self.sums:
                SUM.pack_into(data, at + CHECKSUM_AT, self._checksum(group, bytes(data[at : at + self._size])))
        self._store.put(self._block_of(index), bytes(data), RELEASE)

    def _put_totals(self) -> None:
        fields, blocks, inodes = self._state.super, max(0, self.totals[FREE_BLOCKS]), max(0, self.totals[FREE_INODES])
        wanted = {"free_blocks_count_lo": blocks & 0xFFFFFFFF, "free_inodes_count": inodes}
        if self.geometry.incompat & disk.INCOMPAT_64BIT:
            wanted["free_blocks_count_hi"] = blocks >> 32
        for name, value in wanted.items():
            if fields[name] != value:
                fields[name] = value

    def committed(self) -> None:
        """All that changed has been written."""
        self.changed.clear()
        self.blocks.committed()
        self.inodes.committed()


def _joined(ranges: Ranges) -> Ranges:
    """Ranges in order, those that adjoin made one."""
    joined: Ranges = []
    for first, stop in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((first, stop))
    return joined
