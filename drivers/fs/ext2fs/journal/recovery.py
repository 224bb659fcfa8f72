# SPDX-License-Identifier: BSD-2-Clause
"""What a journal (jbd2) says: a table of which block's newest copy is where in the log.

The format is the Linux documentation's filesystems/ext4, chapter "Journal (jbd2)"; all of it is big-endian.  The log
is gone through twice: `scan` finds the transactions that were committed whole, with all revocations; `replay` collects
the newest copy of each block in them that was not revoked since.  What a log says is bounded by its length, wrapped
around once.  For reading nothing is written; blocks stay in the log until they are read (`overlay`).  For writing they
are put into their places.
"""

from __future__ import annotations

from bisect import bisect_left
from struct import Struct

from rump.drivers.fs.ext2fs.journal.log import (
    COMMIT,
    DESCRIPTOR,
    INCOMPAT_64BIT,
    INCOMPAT_CSUM_V2,
    INCOMPAT_CSUM_V3,
    REVOKE,
    Log,
)  # fmt: skip
from rump.drivers.fs.ext2fs.journal.overlay import MAGIC, Overlay
from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.structure import Structure
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.ops import Ext2Volume
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import b16, u8, u16, u32, u64

    # A tag: (block of the volume, flags, checksum)
    Tag: TypeAlias = tuple[int, int, int]
    Notes: TypeAlias = tuple[tuple[bytes, bytes], ...]


class TagV3(Structure, order=">", size=16):
    """Names the block that a data block of the log is a copy of; with CSUM_V3."""

    blocknr: u32
    flags: u32
    blocknr_high: u32
    checksum: u32           # CRC-32C of the transaction's number and the data block


class Tag64(Structure, order=">", size=12):
    """The same without CSUM_V3.  The last field is there with 64bit only; two bytes of padding follow with CSUM_V2."""

    blocknr: u32
    checksum: u16           # CSUM_V2: the lower half
    flags: u16
    blocknr_high: u32


class Commit(Structure, order=">", size=60):
    """Ends a transaction: a block with only this in it."""

    magic: u32
    blocktype: u32
    sequence: u32
    checksum_type: u8       # without CSUM_V2 and V3, of the checksum below: 1 is CRC-32, big end first
    checksum_size: u8       # bytes
    padding: u16
    checksum: u32           # with CSUM_V2 and V3: CRC-32C of this block
    more_a: b16             # seven more words, not used
    more_b: u64
    more_c: u32
    seconds: u64            # when it was committed, since 1970
    nanoseconds: u32


ESCAPED = 1             # flags of a tag: the copy's first four bytes were zeroed, for they were the log's magic
SAME_UUID = 2           # no UUID of 16 bytes follows
LAST = 8

REVOKED_MAX = 1 << 20   # blocks, by one transaction
PIECE = 1 << 20         # bytes written in one go

_WORD = Struct(">I")
_CHECKSUM_AT = 16       # of a commit block, bytes
_REVOKE_HEADER = 16     # header of 12 bytes, then how many bytes are in use


def open_log(volume: Ext2Volume) -> Log:
    """The journal of a volume.

    Errors: EINVAL - it is external, or has features unknown here; Corrupt.
    """
    raw = volume.medium.geometry.raw
    if not raw.journal_inum:
        from rump.drivers.fs.ext2fs.describe import uuid

        raise fault(e.EINVAL, f"the external journal {uuid(raw.journal_uuid)} needs recovery; option noload ignores it")
    inode = volume.inodes.make(raw.journal_inum, *volume.inodes.special(raw.journal_inum))
    if inode.mode & abi.S_IFMT != abi.S_IFREG:
        raise Corrupt(f"journal inode {raw.journal_inum}: mode {inode.mode:o}")
    return Log(volume, inode)


def recover(volume: Ext2Volume) -> tuple[Overlay | None, Notes]:
    """(the device with the log's blocks over it, or None if there are none; what to say of it).

    Errors: as `open_log`.
    """
    medium = volume.medium
    log = open_log(volume)
    if not log.start:
        return None, ((b"recovery", b"the journal is empty"),)
    recovery = Recovery(log)
    recovery.scan()
    recovery.replay()
    if log.fast_commits(recovery.end):
        log.warn(f"fast commits of transaction {recovery.end} are not replayed; the newest changes are missing")
    notes = recovery.notes("replayed in memory")
    if not recovery.blocks:
        return None, notes
    return Overlay(medium.device, medium.geometry.block_size, recovery.blocks), notes


class Recovery:
    """One pass over the log after the other.

    end            the number of the first transaction that is not whole
    transactions   how many are
    blocks         block of the volume -> (where its newest copy is, bytes into the device; whether it is escaped)
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.end = log.sequence
        self.transactions = 0
        self.blocks: dict[int, tuple[int, bool]] = {}
        self._revoked: dict[int, int] = {}      # block -> how many transactions in it was last revoked
        self._checksums = bool(log.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3))

    def notes(self, how: str) -> Notes:
        """What to say of it."""
        return ((b"recovery", f"{self.transactions} transactions, {len(self.blocks)} blocks {how}".encode()),)

    # ---- first pass ----------------------------------------------------------------------------------------------

    def scan(self) -> None:
        """Find the end: the first transaction that is not there, not whole or not sound."""
        log = self.log
        tagged: set[int] = set()    # blocks that the log has copies of: only those need to be revoked
        revoked: list[int] = []     # by the transaction at hand; they count when it is committed
        summed = 0xFFFFFFFF         # version 1: of all blocks of the transaction
        version1 = bool(log.compat & 1) and not self._checksums
        position, left = log.start, log.length
        while left > 0:
            data = log.read(position)
            kind = log.kind(data, self.end)
            used = 1
            if kind == DESCRIPTOR:
                if not log.tail_is_sound(data):
                    break
                tags = [tag[0] for tag in self.tags(data)]
                tagged.update(tags)
                count = len(tags)
                if version1:
                    for at in range(count + 1):
                        summed = log.crc32_be(summed, log.read(log.after(position, at)))
                used += count
            elif kind == REVOKE:
                if not log.tail_is_sound(data):
                    break
                revoked.extend(self._revocations(data))
                if len(revoked) > REVOKED_MAX:
                    raise Corrupt(f"journal: transaction {self.end} revokes more than {REVOKED_MAX} blocks")
            elif kind == COMMIT:
                if not self._sound_commit(data, summed if version1 else None):
                    log.warn(f"transaction {self.end} has a wrong checksum; the log ends before it")
                    break
                for block in revoked:
                    if block in tagged:
                        self._revoked[block] = self.transactions
                revoked, summed = [], 0xFFFFFFFF
                self.transactions += 1
                self.end = self.end + 1 & 0xFFFFFFFF
            else:
                break
            position = log.after(position, used)
            left -= used

    def _sound_commit(self, data: bytes, summed: int | None) -> bool:
        """Whether a commit block's checksum fits: its own, or (version 1) that of the whole transaction."""
        commit = Commit(data)
        if self._checksums:
            blank = data[:_CHECKSUM_AT] + b"\0\0\0\0" + data[_CHECKSUM_AT + 4 :]
            return self.log.crc32c(blank) == commit.checksum
        if summed is None:
            return True
        # A kernel that did not know checksums may have written behind one that did.
        expected = (1, 4, summed), (0, 0, 0)
        return (commit.checksum_type, commit.checksum_size, commit.checksum) in expected

    def _revocations(self, data: bytes) -> Iterator[int]:
        """The blocks that a revoke block names."""
        used = min(_WORD.unpack_from(data, 12)[0], len(data))
        size = 8 if self.log.incompat & INCOMPAT_64BIT else 4
        for at in range(_REVOKE_HEADER, used - size + 1, size):
            yield int.from_bytes(data[at : at + size], "big")

    def tags(self, data: bytes) -> Iterator[Tag]:
        """The tags of a descriptor block."""
        incompat = self.log.incompat
        wide = incompat & INCOMPAT_64BIT
        version3 = incompat & INCOMPAT_CSUM_V3
        if version3:
            size = TagV3.struct.size
        else:
            size = (12 if wide else 8) + (2 if incompat & INCOMPAT_CSUM_V2 else 0)
        at, stop = 12, len(data) - (4 if self._checksums else 0)
        while at + size <= stop:
            if version3:
                low, flags, high, checksum = TagV3.struct.unpack_from(data, at)
            else:
                low, checksum, flags, high = Tag64.struct.unpack(data[at : at + 8] + data[at + 8 : at + 12].ljust(4))
            yield low | (high << 32 if wide else 0), flags, checksum
            at += size if flags & SAME_UUID else size + 16
            if flags & LAST:
                return

    # ---- second pass ---------------------------------------------------------------------------------------------

    def replay(self) -> None:
        """Collect the copies of blocks in all whole transactions; what is newer or not revoked wins."""
        log = self.log
        position, transaction, left = log.start, 0, log.length
        while transaction < self.transactions and left > 0:
            data = log.read(position)
            sequence = log.sequence + transaction & 0xFFFFFFFF
            kind = log.kind(data, sequence)
            used = 1
            if kind == DESCRIPTOR:
                for tag in self.tags(data):
                    self._take(tag, log.after(position, used), transaction, sequence)
                    used += 1
            elif kind == COMMIT:
                transaction += 1
            position = log.after(position, used)
            left -= used

    def _take(self, tag: Tag, position: int, transaction: int, sequence: int) -> None:
        """One copy of a block."""
        block, flags, checksum = tag
        log = self.log
        if self._revoked.get(block, -1) >= transaction:
            return
        if not block < log.geometry.blocks:
            log.warn(f"transaction {sequence}: block {block} is outside the volume; left out")
            return
        if self._checksums:
            found = log.crc32c(_WORD.pack(sequence), log.read(position))
            if not log.incompat & INCOMPAT_CSUM_V3:
                found &= 0xFFFF
            if found != checksum:
                log.warn(f"transaction {sequence}: the copy of block {block} has a wrong checksum; left out")
                return
        self.blocks[block] = log.offset(position), bool(flags & ESCAPED)

    # ---- into place ----------------------------------------------------------------------------------------------

    def write(self, device: BlockDevice, edit: Callable[[int, bytes], bytes]) -> None:
        """Put all that was collected into its place; on stable storage when it returns.  `edit` is given each block and
        its contents, and says what they shall be.

        The log is only read: if this stops half way, doing all of it again gives the same.
        Errors: of the device; Corrupt - a block belongs into the log itself.
        """
        order = sorted(self.blocks)
        for _, target, count in self.log.places:
            at = bisect_left(order, target)
            if at < len(order) and order[at] < target + count:
                raise Corrupt(f"journal: it has a copy of its own block {order[at]}")
        shift = self.log.geometry.shift
        most = PIECE >> shift
        at = 0
        while at < len(order):
            count = 1
            while at + count < len(order) and order[at + count] == order[at] + count and count < most:
                count += 1
            copies = [edit(block, self._copy(block, 1 << shift)) for block in order[at : at + count]]
            device.write(order[at] << shift, b"".join(copies))
            at += count
        device.sync(barrier=True)

    def _copy(self, block: int, size: int) -> bytes:
        """What is to be in a block."""
        offset, escaped = self.blocks[block]
        data = self.log.read_at(offset, size)
        return MAGIC + data[len(MAGIC) :] if escaped else data
