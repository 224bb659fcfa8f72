# SPDX-License-Identifier: BSD-2-Clause
"""Transactions are written to the journal.

A commit is two steps with a barrier behind each: the log's blocks, then the block that says that they are all there.
File data is on the device before; the first barrier is for both.  The log's superblock says where the oldest
transaction is that may not be in its place.  While there is none it says that the log is empty, and the first commit
after that writes it together with the commit block: only both of them make a transaction.

A checkpoint puts all that was ever committed into its place.  The log grows until there is no room, is empty then, and
begins anew where the ring does.  It never runs around the ring's end: that would win no room, and e2fsck 1.47.0 goes on
in the wrong place then if the journal can have fast commits.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs.journal import log as ring
from rump.drivers.fs.ext2fs.journal.blocks import SUMMED, Blocks
from rump.kernel.errors import fault
from rump.kernel.vfs.transaction import PIECE, Keeper
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.drivers.fs.ext2fs.journal.log import Log
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.transaction import Store
    from rump.kernel.vfs.volume import Services

TRANSACTION_MAX = 16 << 20      # bytes of one transaction; it is in memory
PENDING_MAX = 48 << 20          # bytes not yet in their places, likewise
LEAST = 256                     # blocks; kernels make journals of 1024 or more
WORD = 0xFFFFFFFF


class JournalKeeper(Keeper):
    """A journal that is written to.

    errno    what its superblock says made somebody give up; it says so until this is set to 0
    """

    def __init__(
        self, log: Log, device: BlockDevice, services: Services, sequence: int, before: Callable[[], None]
    ) -> None:
        """`sequence` is the number of the next transaction.  `before` is called before a commit writes anything, and
        may write; its writes are on stable storage before anything can come of the commit.

        What the log holds is in its place, or of no use to anyone.
        Errors: EROFS - it is too short, or block numbers do not fit into it.
        """
        if log.length < LEAST:
            raise fault(e.EROFS, f"journal: a ring of {log.length} blocks is too short to be written to")
        if log.geometry.blocks > 1 << 32:
            log.incompat |= ring.INCOMPAT_64BIT
        if log.modern:
            log.incompat |= ring.INCOMPAT_REVOKE
        elif log.incompat:
            raise fault(e.EROFS, "journal: its superblock is of version 1, the volume has more than 2**32 blocks")
        self._log = log
        self._device = device
        self._services = services
        self._before = before
        self._blocks = Blocks(log, services)
        self._shift = log.geometry.shift
        self._next = sequence & WORD
        self._head = log.first
        self._logged: dict[int, None] = {}      # what the log has copies of
        self._stale = bool(log.start)           # the superblock on the device leads to something of no use
        self._buffer: list[bytes] = []
        self._buffered = 0
        self.errno = log.errno
        self.limit = min(log.length // 4, TRANSACTION_MAX >> self._shift)

    # ---- what the store asks for ---------------------------------------------------------------------------------

    def has_room(self, store: Store) -> bool:
        """Whether the transaction fits behind those in the log, and what waits for its place is not too much.

        A journal that cannot revoke is emptied first instead.
        """
        pending = len(store.pending) + len(store.running)
        if pending << self._shift > PENDING_MAX and store.pending:
            return False
        revoked = len(self._revoked(store))
        if revoked and not self._log.modern:
            return False
        return self._used() + self._need(len(store.running), revoked) <= self._log.length

    def commit(self, store: Store) -> bool:
        """Write the running transaction.  Errors: of the device; EIO - it is larger than the journal."""
        revoked = self._revoked(store)
        if not store.running and not revoked:
            self._device.sync(barrier=True)
            return False
        need = self._need(len(store.running), len(revoked))
        if self._used() + need > self._log.length:
            raise fault(e.EIO, f"journal: a transaction of {need} blocks; there is room for {self._log.length}")
        if self._stale:
            self.empty()
        self._before()
        start, sequence = self._head, self._next
        summed = self._write_blocks(store, revoked)
        self._device.sync(barrier=True)
        self.errno = 0
        self._append(self._blocks.commit(sequence, self._services.now(), summed))
        self._flush()
        if self._used() == need:
            self._write_superblock(start, sequence)
        self._device.sync(barrier=True)
        self._next = sequence + 1 & WORD
        self._logged.update(dict.fromkeys(store.running))
        return False

    def checkpointed(self) -> None:
        """Everything is in its place: the log is empty, which is on stable storage when this returns."""
        if self._used():
            self.empty()

    def empty(self) -> None:
        """Say that the log is empty."""
        self._write_superblock(0, self._next)
        self._device.sync(barrier=True)
        self._stale = False
        self._head = self._log.first
        self._logged.clear()

    # ---- the log -------------------------------------------------------------------------------------------------

    def _used(self) -> int:
        """How many blocks of the ring are in use."""
        return self._head - self._log.first

    def _revoked(self, store: Store) -> list[int]:
        """The blocks whose copies in the log must not come back."""
        logged, running = self._logged, store.running
        return [block for block in store.revoked if block in logged and block not in running]

    def _need(self, blocks: int, revoked: int) -> int:
        """How many blocks of the log a transaction takes."""
        return blocks + -(-blocks // self._blocks.tags) + -(-revoked // self._blocks.revocations) + 1

    def _write_blocks(self, store: Store, revoked: list[int]) -> int:
        """Write all but the commit block; the checksum of version 1, if there is one."""
        form, sequence, summed = self._blocks, self._next, SUMMED
        for part in _parts(revoked, form.revocations):
            self._append(form.revoked(sequence, part))
        contents = store.blocks
        for part in _parts(list(store.running), form.tags):
            data = form.described(sequence, part, [contents[block] for block in part])
            if form.version1:
                summed = form.summed(summed, data)
            self._append(data)
        self._flush()
        return summed

    def _append(self, data: bytes) -> None:
        """Blocks to be written to the log; many at a time."""
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= PIECE:
            self._flush()

    def _flush(self) -> None:
        data = memoryview(b"".join(self._buffer))
        self._buffer.clear()
        self._buffered = 0
        count, at = len(data) >> self._shift, 0
        for offset, length in self._log.pieces(self._head, count):
            size = length << self._shift
            self._device.write(offset, data[at : at + size])
            at += size
        self._head += count

    def _write_superblock(self, start: int, sequence: int) -> None:
        self._device.write(self._log.offset(0), self._blocks.superblock(start, sequence, self.errno))


def _parts(numbers: list[int], most: int) -> Iterator[list[int]]:
    """A list in parts of at most so many."""
    for start in range(0, len(numbers), most):
        yield numbers[start : start + most]
