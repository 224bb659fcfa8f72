# SPDX-License-Identifier: BSD-2-Clause
"""The journal as a ring of blocks: its superblock, where its blocks are on the device, its checksums.

The format is the Linux documentation's filesystems/ext4, chapter "Journal (jbd2)"; all of it is big-endian.
"""

from __future__ import annotations

from binascii import crc32
from bisect import bisect_right
from struct import Struct

from rump.kernel.errors import Corrupt, fault
from rump.kernel.structure import Structure
from rump.kernel.vfs.volume import DATA
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.ops import Ext2Volume
    from rump.kernel.structure import b16, b64, u8, u16, u32


class LogSuperblock(Structure, order=">", size=256):
    """The journal's first block; the table of its users follows, which no one uses."""

    magic: u32              # MAGIC
    blocktype: u32          # 3 (version 1) or 4
    header_sequence: u32
    blocksize: u32          # bytes
    maxlen: u32             # blocks of the journal
    first: u32              # the first block of the ring
    sequence: u32           # number of the first transaction in the log
    start: u32              # the block it begins in; 0: the log is empty
    errno: u32
    feature_compat: u32     # the fields from here on only in version 2
    feature_incompat: u32
    feature_ro_compat: u32
    uuid: b16
    nr_users: u32
    dynsuper: u32
    max_transaction: u32
    max_trans_data: u32
    checksum_type: u8       # 4: CRC-32C
    padding_a: u8
    padding_b: u16
    num_fc_blocks: u32      # fast commits: blocks at the end that are not of the ring
    head: u32
    padding_c: b64
    padding_d: b64
    padding_e: b16
    padding_f: b16
    checksum: u32           # CRC-32C of these 1024 bytes with this as 0


MAGIC = 0xC03B3998
DESCRIPTOR, COMMIT, SUPERBLOCK_V1, SUPERBLOCK_V2, REVOKE = 1, 2, 3, 4, 5
COMPAT_CHECKSUM = 0x1
INCOMPAT_REVOKE = 0x1
INCOMPAT_64BIT = 0x2
INCOMPAT_ASYNC_COMMIT = 0x4
INCOMPAT_CSUM_V2 = 0x8
INCOMPAT_CSUM_V3 = 0x10
INCOMPAT_FAST_COMMIT = 0x20
INCOMPAT_KNOWN = 0x3F
FAST_COMMIT_BLOCKS = 256    # if num_fc_blocks is 0
FAST_COMMIT_HEAD = 9        # tag that begins the fast-commit area
SHORTEST = 1024             # blocks
SUMMED = 1024               # bytes of the superblock that its checksum covers
TAIL = 4                    # bytes: the checksum at the end of descriptor and revoke blocks

HEADER = Struct(">III")    # magic, type, number of the transaction
_FAST_TAG = Struct("<HHII")  # little-endian, as all of fast commits: tag, length, features, transaction

# Bits of a byte the other way round: turns CRC-32 as binascii has it into the one with the big end first.
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _turn(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big").translate(_TURNED), "little")


class Log:
    """A journal.

    start, sequence     of the first transaction; start 0 means that there is none
    first, length       blocks of the ring
    compat, incompat    its features
    modern              whether its superblock is of version 2, which can have features
    errno               what made a kernel give up, 0 for nothing
    superblock, uuid    its first block, and what is in it
    places              (first block of the journal, block of the volume, how many) of each piece, in order
    """

    def __init__(self, volume: Ext2Volume, inode: Inode) -> None:
        """Errors: EINVAL - features unknown here; Corrupt."""
        self._medium = volume.medium
        self.geometry = volume.medium.geometry
        self._places(volume, inode)
        data = self.read(0)
        header = LogSuperblock(data)
        if header.magic != MAGIC or header.blocktype not in (SUPERBLOCK_V1, SUPERBLOCK_V2):
            raise Corrupt(f"journal superblock: magic {header.magic:#x}, type {header.blocktype}")
        self.modern = modern = header.blocktype == SUPERBLOCK_V2
        self.compat = header.feature_compat if modern else 0
        self.incompat = header.feature_incompat if modern else 0
        if self.incompat & ~INCOMPAT_KNOWN:
            raise fault(e.EINVAL, f"journal: incompatible features {self.incompat:#x} not supported")
        self._check(header, data)
        self.start = header.start
        self.sequence = header.sequence
        self.errno = header.errno
        self.uuid = header.uuid
        self.superblock = data

    def _places(self, volume: Ext2Volume, inode: Inode) -> None:
        """Collect where the journal's blocks are: all of them, for it has no holes."""
        total = inode.size >> self.geometry.shift
        self._firsts: list[int] = []
        self._targets: list[int] = []
        done = 0
        while done < total:
            for kind, block, count, target in volume.maps.blocks(inode, done, total):
                if kind != DATA:
                    raise Corrupt(f"journal: block {block} is a hole")
                self._firsts.append(block)
                self._targets.append(target)
                done = block + count
        self._total = total
        if not total:
            raise Corrupt(f"journal: size is {inode.size}")

    def _check(self, header: LogSuperblock, data: bytes) -> None:
        """The superblock's own checksum, and its numbers."""
        services = self._medium.services
        self._seed = services.crc32c(0xFFFFFFFF, header.uuid)
        if self.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3):
            at = LogSuperblock.struct.size - 4
            blank = data[:at] + b"\0\0\0\0" + data[at + 4 : SUMMED]
            if header.checksum_type != 4 or services.crc32c(0xFFFFFFFF, blank) != header.checksum:
                raise Corrupt("journal superblock: checksum is wrong")
        fast = header.num_fc_blocks or FAST_COMMIT_BLOCKS if self.incompat & INCOMPAT_FAST_COMMIT else 0
        self.first = header.first
        self._last = header.maxlen - fast
        self.length = self._last - header.first
        if (
            header.blocksize != self.geometry.block_size
            or not SHORTEST <= header.maxlen <= self._total
            or not 0 < header.first < self._last
            or not (header.start == 0 or header.first <= header.start < self._last)
        ):
            raise Corrupt(
                f"journal superblock: block size {header.blocksize}, {header.maxlen} blocks, first {header.first}, "
                f"start {header.start}"
            )

    def warn(self, text: str) -> None:
        """A line for the console."""
        self._medium.log(f"journal: {text}")

    # ---- blocks --------------------------------------------------------------------------------------------------

    def after(self, position: int, count: int) -> int:
        """The block of the ring `count` behind another."""
        return self.first + (position - self.first + count) % self.length

    def offset(self, position: int) -> int:
        """Where a block of the journal is, bytes into the device."""
        index = bisect_right(self._firsts, position) - 1
        return self._targets[index] + position - self._firsts[index] << self.geometry.shift

    @property
    def places(self) -> Iterator[tuple[int, int, int]]:
        following = [*self._firsts[1:], self._total]
        for first, target, end in zip(self._firsts, self._targets, following, strict=True):
            yield first, target, end - first

    def pieces(self, position: int, count: int) -> Iterator[tuple[int, int]]:
        """Where `count` blocks of the journal from `position` on are: (bytes into the device, how many blocks)."""
        while count:
            index = bisect_right(self._firsts, position)
            end = self._firsts[index] if index < len(self._firsts) else self._total
            length = min(count, end - position)
            yield self.offset(position), length
            position += length
            count -= length

    def read(self, position: int) -> bytes:
        """A block of the journal.  Errors: Corrupt - it is behind the end of the device."""
        return self.read_at(self.offset(position), self.geometry.block_size)

    def read_at(self, offset: int, size: int) -> bytes:
        """A block of the journal by where it is.  Errors: as `read`."""
        device = self._medium.device
        if offset + size > device.size:
            raise Corrupt(f"journal: block {offset >> self.geometry.shift} is behind the end of {device.name}")
        return device.read(offset, size)

    def kind(self, data: bytes, sequence: int) -> int:
        """The type of a block of that transaction; 0 if it is none."""
        magic, kind, number = HEADER.unpack_from(data)
        return kind if magic == MAGIC and number == sequence else 0

    # ---- checksums -----------------------------------------------------------------------------------------------

    def crc32c(self, *pieces: bytes) -> int:
        """CRC-32C of the journal's seed and the pieces."""
        value = self._seed
        for piece in pieces:
            value = self._medium.services.crc32c(value, piece)
        return value

    def tail_is_sound(self, data: bytes) -> bool:
        """Whether a descriptor or revoke block's checksum is right."""
        if not self.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3):
            return True
        return self.crc32c(data[:-TAIL], bytes(TAIL)) == int.from_bytes(data[-TAIL:], "big")

    def crc32_be(self, seed: int, data: bytes) -> int:
        """CRC-32 with the big end first (checksums of version 1), nothing inverted, continuing from `seed`."""
        return _turn(crc32(data.translate(_TURNED), _turn(seed) ^ 0xFFFFFFFF) ^ 0xFFFFFFFF)

    def fast_commits(self, sequence: int) -> bool:
        """Whether there are fast commits on top of the log, which ends before the transaction of that number."""
        if not self.incompat & INCOMPAT_FAST_COMMIT:
            return False
        tag, _, _, transaction = _FAST_TAG.unpack_from(self.read(self._last))
        return bool(tag == FAST_COMMIT_HEAD and transaction == sequence)
