# SPDX-License-Identifier: BSD-2-Clause
"""The journal of a new volume: an empty log of jbd2 (the Linux kernel's documentation, "Journal (jbd2)")."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs.newfs.mapping import Mapping
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.newfs.files import Files
    from rump.drivers.fs.ext2fs.newfs.layout import Layout
    from rump.drivers.fs.ext2fs.newfs.options import Wanted
    from rump.drivers.fs.ext2fs.newfs.space import Space

JOURNAL_INO = 8
MAGIC = 0xC03B3998
SUPERBLOCK_V2 = 4
LEAST = 1024                # blocks
MOST = 10_240_000
TOO_SMALL = 2048            # a volume of fewer blocks has none
FAST_COMMIT_AT = 0x54       # offset of the fast commit area's size in the log's superblock, bytes
FAST_COMMIT_SHARE = 64      # of the journal's usual size

# A volume of fewer blocks -> blocks of the journal.
_SIZES = (
    (32768, 1024), (256 << 10, 4096), (512 << 10, 8192), (4096 << 10, 16384), (8192 << 10, 32768), (16384 << 10, 65536),
    (32768 << 10, 131072),
)  # fmt: skip
_LARGEST = 262144


def journal_blocks(wanted: Wanted, layout: Layout, free: int) -> tuple[int, int]:
    """How many blocks the journal has, and how many of them are for fast commits; 0 for none.

    Errors: EINVAL, ENOSPC - the size asked for does not do.
    """
    if "has_journal" not in layout.features or wanted.journal_size == 0:
        return 0, 0
    usual = 0
    if layout.blocks >= TOO_SMALL:
        usual = next((size for limit, size in _SIZES if layout.blocks < limit), _LARGEST)
    fast = 0
    if "fast_commit" in layout.features:
        asked = wanted.fast_commit_size // layout.block_size
        fast = asked or usual // FAST_COMMIT_SHARE
    if wanted.journal_size is None and not (usual and wanted.fast_commit_size):
        return (usual + fast, fast) if usual else (0, 0)
    blocks = usual if wanted.journal_size is None else wanted.journal_size // layout.block_size
    if not LEAST <= blocks <= MOST:
        raise fault(e.EINVAL, f"a journal of {blocks} blocks: it can have {LEAST} to {MOST}")
    if blocks + fast > free // 2:
        raise fault(e.ENOSPC, f"a journal of {blocks + fast} blocks is too large for this volume")
    return blocks + fast, fast


class Journal:
    """Lays the journal out: `count` blocks, the last `fast` of them for fast commits.

    runs     its blocks, in order
    tree     the inode's block map, which the superblock keeps a copy of
    """

    def __init__(self, files: Files, count: int, fast: int) -> None:
        self._files = files
        self._space: Space = files.space
        self.count = count
        layout = files.layout
        mapping = Mapping(files, JOURNAL_INO, count, self._goal())
        mapping.save(count * layout.block_size)
        self.runs, self.tree = mapping.runs, mapping.tree
        head = pack(">12I", MAGIC, SUPERBLOCK_V2, 0, layout.block_size, count, 1, 1, 0, 0, 0, 0, 0)
        head += files.wanted.uuid + pack(">I", 1)
        head = head.ljust(FAST_COMMIT_AT, b"\0") + pack(">I", fast)
        files.blocks[self.runs[0][0]] = head.ljust(layout.block_size, b"\0")

    def _goal(self) -> int:
        """The middle of the volume: there the way is short from everywhere."""
        layout, space = self._files.layout, self._space
        if self._files.wanted.packed:
            return layout.first_data_block
        group = layout.group_of(layout.blocks - layout.first_data_block >> 1)
        if layout.unit > 1 and group > layout.unit:
            group -= group % layout.unit
            while group < layout.groups - 1 and not space.free(group):
                group += 1
            first = group
        else:
            first = max(group - 1, 0)
        choice = range(first, min(group + 1, layout.groups - 1) + 1)
        return layout.start(max(choice, key=space.free))
