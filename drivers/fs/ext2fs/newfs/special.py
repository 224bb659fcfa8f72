# SPDX-License-Identifier: BSD-2-Clause
"""Two structures of their own: the block of multiple mount protection, and the orphan file.

As in the Linux kernel's documentation "ext4 Data Structures and Algorithms" (sections "Multiple Mount Protection" and
"Orphan file").  Nobody has the volume, and no inode is an orphan.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs.newfs.mapping import Mapping
from rump.drivers.fs.ext2fs.writing.mmp import CLEAN, MAGIC, NODE, SHORTEST, SUMMED, MmpBlock
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.newfs.files import Files

ORPHAN_MAGIC = 0x0B10CA04
ORPHAN_LEAST, ORPHAN_MOST = 32, 512     # blocks, unless their number is chosen
ORPHAN_SHARE = 4096                     # of the volume's blocks


def protection(files: Files) -> dict[str, int]:
    """Make the block of multiple mount protection; the superblock's fields that come with it."""
    block = files.take_blocks(1)[0]
    interval = files.wanted.mmp_interval or SHORTEST
    data = MmpBlock.encode(magic=MAGIC, seq=CLEAN, time=files.wanted.time, nodename=NODE,
                           check_interval=max(interval, SHORTEST))  # fmt: skip
    data = data.ljust(SUMMED, b"\0")
    data += pack("<I", files.sums.of(data))
    files.blocks[block] = data.ljust(files.layout.block_size, b"\0")
    return {"mmp_block": block, "mmp_interval": interval}


def orphan_file(files: Files) -> dict[str, int]:
    """Make the orphan file; the superblock's field that says where it is.  Errors: ENOSPC."""
    layout = files.layout
    size = layout.block_size
    count = -(-files.wanted.orphan_file_size // size)
    count = count or min(max(layout.blocks // ORPHAN_SHARE, ORPHAN_LEAST), ORPHAN_MOST)
    count += -count % layout.cluster
    if count > layout.blocks // 2:
        raise fault(e.ENOSPC, f"an orphan file of {count} blocks is too large for this volume")
    number = files.new_number()
    mapping = Mapping(files, number, count, layout.first_data_block)
    mapping.save(count * size)
    seed, empty = files.sums.inode_seed(number), bytes(size - 8)
    for low, high in mapping.runs:
        for block in range(low, high):
            value = files.sums.of(pack("<Q", block) + empty, seed)
            files.blocks[block] = empty + pack("<II", ORPHAN_MAGIC, value)
    return {"orphan_file_inum": number}
