# SPDX-License-Identifier: BSD-2-Clause
"""Transactions: how a volume's metadata changes, whole or not at all, and when it reaches the device.

A driver that writes has one `Store`.  Each volume operation is bracketed by `begin` and `end`; what it changes -
blocks, and any dictionary or byte array of the driver's memory - it changes through the store, which remembers what was
there before.  An exception, KeyboardInterrupt too, rolls the operation back: `rollback` puts everything into place
again, and may itself be interrupted, for the next `begin` does it again.

Finished operations gather in the running transaction.  `commit` makes them last, by way of the volume's `Keeper`: a
journal, or an order of writing that a checker can mend.  It comes on fsync and sync, when the transaction has grown,
some seconds after its first change, and before unmounting.  Blocks are kept as immutable bytes: a before-image costs
nothing, a reader's copy never changes under it.

What the driver keeps decoded (inodes, bitmaps, counters) it encodes only when a commit is near, in `prepare`; what must
wait for the commit - giving freed blocks out again - it does in `committed`.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.callout import Callout
    from rump.kernel.cpu import SleepLock
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.errors import Fault
    from rump.kernel.vfs.volume import Services

# When a block is written where there is no journal; each phase is on stable storage before the next begins.
NEW = 0             # it was free before: nothing on the device leads to it yet
STRUCTURE = 1       # what says where things are: inodes in use, block maps, attributes
NAMES = 2           # directories that were there before
RELEASE = 3         # what gives things up: inodes freed, bitmaps, counters
PHASES = 4

INTERVAL = 5 * 10**9
"""Nanoseconds after which changes are committed even if nobody asks."""
PIECE = 1 << 20
"""Bytes written to the device in one go."""


def _nothing_waits() -> bool:
    return False


class Keeper:
    """How a volume's transactions are made to last.  Its calls may raise anything; the volume is read-only then.

    limit   blocks that a transaction may have; an operation may change half as many between `restart`s
    """

    limit: int

    def commit(self, store: Store) -> bool:
        """Make `store.running` (block -> phase; contents in `store.blocks`) last; on stable storage, with all file data
        written before, when it returns.  `store.early` has what to write of some blocks in phase STRUCTURE.
        `store.revoked` are blocks that were metadata and are free now.  True if the blocks are in their places."""
        raise NotImplementedError

    def has_room(self, store: Store) -> bool:
        """Whether the transaction can be committed before a checkpoint."""
        return True

    def checkpointed(self) -> None:
        """All that was committed is in its place, on stable storage."""


class Store:
    """The metadata of a volume that is being changed.

    blocks      block -> contents, of all that is not in its place on the device yet
    running     block -> phase, of the running transaction
    early       block -> contents in phase STRUCTURE, if they differ; for keepers that write in phases
    revoked     blocks that the running transaction freed and whose former contents must never come back
    pending     block -> contents as committed, of those that are not in their places yet
    prepare     called before a commit, to put what was kept decoded
    committed   called after one
    weigh       each says how many blocks `prepare` will add
    error       errno that made the volume read-only, or 0
    touched     whether anything, file data too, has been written since the last commit
    restarts    how often operations have been restarted: whether one has says whether it can be done again
    waiting     whether a commit would give out again what was freed since the last one
    """

    def __init__(
        self, device: BlockDevice, shift: int, services: Services, keeper: Keeper, drop: Callable[[int], None]
    ) -> None:
        """Blocks have ``1 << shift`` bytes.  `drop` forgets what a cache knows of a block (of that number)."""
        self.device = device
        self.shift = shift
        self.keeper = keeper
        self.blocks: dict[int, bytes] = {}
        self.running: dict[int, int] = {}
        self.early: dict[int, bytes] = {}
        self.revoked: dict[int, None] = {}
        self.pending: dict[int, bytes] = {}
        self.prepare: list[Callable[[], None]] = []
        self.committed: list[Callable[[], None]] = []
        self.weigh: list[Callable[[], int]] = []
        self.error = 0
        self.touched = False
        self.restarts = 0
        self.waiting: Callable[[], bool] = _nothing_waits
        self.lock: SleepLock = services.lock()
        self._services = services
        self._drop = drop
        self._undo: list[tuple[Any, Any, Any]] = []
        self._callout: Callout | None = None

    # ---- operations ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """An operation begins.  Requires: the lock, exclusively.  Errors: EROFS - the volume has given up; as commit"""
        if self._undo:
            self.rollback()
        if self.error:
            raise fault(e.EROFS, "changes could not be written; the volume is read-only now")
        if self.weight() >= self.keeper.limit // 2:
            self.commit()
        if self._callout is None:
            self._callout = self._services.schedule(INTERVAL, self._on_time)

    def weight(self) -> int:
        """How many blocks a commit would write now, at most."""
        return len(self.running) + sum([weigh() for weigh in self.weigh])

    def end(self) -> None:
        """The operation has succeeded."""
        self._undo.clear()
        self.touched = True

    def restart(self) -> None:
        """What the operation has done so far stands, and is consistent; the transaction may be committed here.

        For operations of unbounded size.  Errors: as commit.
        """
        self.restarts += 1
        self._undo.clear()
        self.touched = True
        if self.weight() >= self.keeper.limit // 2:
            self.commit()

    def make_room(self, error: Fault, restarts: int) -> bool:
        """After an operation that failed: whether it is worth doing again, from its start.  What was freed since the
        last commit is given out again after the next, which is made here.  `restarts`: ours, when it began."""
        if error.errno != e.ENOSPC or self.restarts != restarts or not self.waiting():
            return False
        self.rollback()
        self.commit()
        return True

    def rollback(self) -> None:
        """Undo the operation."""
        undo = self._undo
        for container, key, before in reversed(undo):
            if before is None:
                container.pop(key, None)
            else:
                container[key] = before
        undo.clear()

    def set(self, container: dict[Any, Any], key: Any, value: Any) -> None:
        """``container[key] = value``; None takes it out.  Values never are None."""
        self._undo.append((container, key, container.get(key)))
        if value is None:
            container.pop(key, None)
        else:
            container[key] = value

    def patch(self, array: bytearray, start: int, data: bytes) -> None:
        """``array[start : start + len(data)] = data``."""
        part = slice(start, start + len(data))
        self._undo.append((array, part, bytes(array[part])))
        array[part] = data

    # ---- blocks --------------------------------------------------------------------------------------------------

    def read(self, block: int) -> bytes:
        """A block as it is now, past all caches.  Errors: EIO."""
        data = self.blocks.get(block)
        return self.device.read(block << self.shift, 1 << self.shift) if data is None else data

    def put(self, block: int, data: bytes, phase: int = STRUCTURE) -> None:
        """New contents for a block: all of them.  A block's first phase in a transaction stands."""
        undo, blocks, running = self._undo, self.blocks, self.running
        undo.append((blocks, block, blocks.get(block)))
        blocks[block] = data
        if block not in running:
            undo.append((running, block, None))
            running[block] = phase
            self._drop(block)

    def forget(self, block: int) -> None:
        """The block is being freed: nobody needs its contents."""
        self.set(self.blocks, block, None)
        if block in self.running:
            self.set(self.running, block, None)
        self.set(self.revoked, block, True)
        self._drop(block)

    # ---- to the device -------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Everything done so far is on stable storage when this returns.  Requires: the lock; no operation under way,
        or one that is about to `restart`.

        Errors: EIO and others - it is not, and never will be: from now on the volume is read-only.
        """
        if self._undo:
            self.rollback()
        if self.error:
            raise fault(self.error, "an earlier write failed; the volume is read-only")
        if not self.touched:
            return
        if self._callout is not None:
            self._callout.cancel()
            self._callout = None
        try:
            self._commit()
        except BaseException as error:
            self.error = (isinstance(error, OSError) and error.errno) or e.EIO
            raise

    def _commit(self) -> None:
        for prepare in self.prepare:
            prepare()
        self._undo.clear()
        if self.running or self.revoked:
            if not self.keeper.has_room(self):
                self._checkpoint()
            placed = self.keeper.commit(self)
            for block in self.revoked:
                self.pending.pop(block, None)
            for block in self.running:
                if placed:
                    del self.blocks[block]
                else:
                    self.pending[block] = self.blocks[block]
            self.running.clear()
            self.early.clear()
            self.revoked.clear()
        else:
            self.device.sync(barrier=True)
        self.touched = False
        for committed in self.committed:
            committed()

    def checkpoint(self) -> None:
        """Commit, and write everything into its place.  Errors: as `commit`."""
        self.commit()
        try:
            self._checkpoint()
        except BaseException as error:
            self.error = (isinstance(error, OSError) and error.errno) or e.EIO
            raise

    def _checkpoint(self) -> None:
        if self.pending:
            self.write(self.pending)
            self.device.sync(barrier=True)
            for block in self.pending:
                if block not in self.running:
                    self.blocks.pop(block, None)
            self.pending.clear()
        self.keeper.checkpointed()

    def write(self, blocks: dict[int, bytes]) -> None:
        """Write blocks into their places, neighbours together.  No barrier."""
        most = max(1, PIECE >> self.shift)
        first = following = -1
        pieces: list[bytes] = []
        for block in sorted(blocks):
            if block != following or len(pieces) >= most:
                if pieces:
                    self.device.write(first << self.shift, b"".join(pieces))
                first, pieces = block, []
            pieces.append(blocks[block])
            following = block + 1
        if pieces:
            self.device.write(first << self.shift, b"".join(pieces))

    def _on_time(self) -> None:
        """The clock says that it is time.  Nobody is here to be told of a failure: the next caller is."""
        self._callout = None
        if self.error:
            return
        if self.lock.writer or self.lock.readers:
            self._callout = self._services.schedule(INTERVAL, self._on_time)
            return
        self.lock.exclusive()
        try:
            self.commit()
        except OSError:
            pass
        finally:
            self.lock.unlock()
