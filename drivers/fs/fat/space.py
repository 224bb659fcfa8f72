# SPDX-License-Identifier: BSD-2-Clause
"""Which clusters are given out.

The format's own table or bitmap is loaded in pieces, one byte for each cluster, when somebody looks for room there.
What is reserved is known here only.  What is released is not given out again before the transaction that does so has
been committed.
"""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.kernel.vfs.transaction import Store

PIECE = 32768               # clusters of a piece
PIECES_KEPT = 256           # those that hold something back are kept beside
LOOK = 8                    # pieces looked at for a longer run than the one found
FREE, USED, HELD, WAITING = b"\0", b"\1", b"\2", b"\3"
_TO_WAITING = bytes([3 if byte == 1 else byte for byte in range(256)])
_TO_FREE = bytes([0 if byte == 3 else byte for byte in range(256)])


class FreeMap:
    """The clusters from `FIRST_CLUSTER` up to, not including, `end`.

    next   where the last run was found; the next is looked for behind
    """

    def __init__(
        self,
        store: Store,
        end: int,
        load: Callable[[int, int], bytearray],
        tally: Callable[[], int] | None = None,
    ) -> None:
        """``load(start, count)`` says which clusters are in use, as the running transaction has it: a byte for each, 0
        for those that are free.  `tally` counts all that are free, where that can be had for less."""
        self.next = FIRST_CLUSTER
        self._store = store
        self._end = end
        self._load = load
        self._tally = tally
        self._pieces: dict[int, bytearray] = {}
        self._counts: dict[int, int] = {}       # piece -> how many are free
        self._pinned: dict[int, int] = {}       # piece -> how many are reserved or waiting
        self._waiting: dict[int, int] = {}      # piece -> how many are waiting
        self._total: dict[str, int] = {}        # how many are free, if that is known
        store.committed.append(self._committed)

    # ---- counting ------------------------------------------------------------------------------------------------

    def known(self, free: int) -> None:
        """The volume says how many are free."""
        self._total["free"] = free

    @property
    def free(self) -> int:
        """How many are free, or will be when what is done so far has been committed; -1: nobody has counted."""
        free = self._total.get("free", -1)
        return free if free < 0 else free + sum(self._waiting.values())

    def count(self) -> int:
        """`free`, counted if need be.  Errors: EIO."""
        if "free" not in self._total and self._tally is not None:
            self._total["free"] = self._tally() - sum(self._pinned.values())
        elif "free" not in self._total:
            total = 0
            for number in range(-(-self._end // PIECE)):
                if number not in self._counts:
                    self._piece(number)
                    self._drop(number)
                total += self._counts[number]
            self._total["free"] = total
        return self.free

    def waiting(self) -> bool:
        """Whether a commit sets something free."""
        return bool(self._waiting)

    # ---- pieces --------------------------------------------------------------------------------------------------

    def _piece(self, number: int) -> bytearray:
        piece = self._pieces.get(number)
        if piece is None:
            start = number * PIECE
            piece = self._load(start, min(PIECE, self._end - start))
            if not number:
                piece[:FIRST_CLUSTER] = USED * FIRST_CLUSTER
            if number not in self._counts:
                self._counts[number] = piece.count(FREE)
            self._pieces[number] = piece
        return piece

    def _drop(self, number: int) -> None:
        """Keep no more of a piece than its count, if that is all there is to it."""
        if not self._pinned.get(number):
            self._pieces.pop(number, None)

    def _each(self, start: int, count: int) -> Iterator[tuple[int, int, int]]:
        """(piece, index in it, how many) of a range."""
        while count:
            number, index = divmod(start, PIECE)
            size = min(count, PIECE - index)
            yield number, index, size
            start, count = start + size, count - size

    def _change(self, number: int, index: int, data: bytes, free: int, pinned: int) -> None:
        """New bytes in a piece, and what they do to the counts."""
        store = self._store
        store.patch(self._piece(number), index, data)
        if free:
            store.set(self._counts, number, self._counts[number] + free)
            if "free" in self._total:
                store.set(self._total, "free", self._total["free"] + free)
        if pinned:
            store.set(self._pinned, number, self._pinned.get(number, 0) + pinned or None)

    def _committed(self) -> None:
        """What was waiting is free."""
        for number, count in self._waiting.items():
            piece = self._pieces[number]
            piece[:] = piece.translate(_TO_FREE)
            self._counts[number] += count
            left = self._pinned[number] - count
            if left:
                self._pinned[number] = left
            else:
                del self._pinned[number]
            if "free" in self._total:
                self._total["free"] += count
        self._waiting.clear()
        if len(self._pieces) > PIECES_KEPT:
            for number in [*self._pieces]:
                self._drop(number)

    # ---- giving out ----------------------------------------------------------------------------------------------

    def reserve(self, goal: int, count: int) -> tuple[int, int]:
        """Hold a run of at most `count` clusters: (first, how many).  At `goal` if that is free, else as long as is
        found before long, behind the one found last.  Errors: ENOSPC."""
        start, got = self._at(goal, count)
        if not got:
            start, got = self._search(count)
        for number, index, size in self._each(start, got):
            self._change(number, index, HELD * size, -size, size)
        self.next = start + got if start + got < self._end else FIRST_CLUSTER
        return start, got

    def _at(self, start: int, count: int) -> tuple[int, int]:
        """The free run at a cluster."""
        if not FIRST_CLUSTER <= start < self._end:
            return start, 0
        got = 0
        for number, index, size in self._each(start, min(count, self._end - start)):
            part = self._piece(number)[index : index + size]
            run = len(part) - len(part.lstrip(FREE))
            got += run
            if run < size:
                break
        return start, got

    def _search(self, count: int) -> tuple[int, int]:
        """A free run, next-fit.  Errors: ENOSPC."""
        pieces = -(-self._end // PIECE)
        first, index = divmod(self.next, PIECE)
        best, best_got, looked = 0, 0, 0
        # The piece begun in comes twice: behind where to begin, and whole.
        for step in range(pieces + 1):
            number = (first + step) % pieces
            if self._counts.get(number) == 0:
                continue
            was_here = number in self._pieces
            start, got = self._longest(number, index if not step else 0, min(count, PIECE))
            if not got and not was_here:
                self._drop(number)
            if got > best_got:
                best, best_got = start, got
                if got >= min(count, PIECE):
                    break
            looked += 1 if best_got else 0
            if looked >= LOOK:
                break
        if not best_got:
            raise fault(e.ENOSPC)
        return self._at(best, count)

    def _longest(self, number: int, index: int, count: int) -> tuple[int, int]:
        """A run of `count` in a piece from `index` on, or of half as many, a quarter ...: (cluster, how many)."""
        piece = self._piece(number)
        size = count
        while size:
            found = piece.find(bytes(size), index)
            if found >= 0:
                return number * PIECE + found, size
            size >>= 1
        return 0, 0

    # ---- and back ------------------------------------------------------------------------------------------------

    def unreserve(self, start: int, count: int) -> None:
        """Nothing came of clusters that were reserved."""
        for number, index, size in self._each(start, count):
            self._change(number, index, FREE * size, size, -size)

    def claim(self, start: int, count: int) -> None:
        """Clusters that were reserved are in use."""
        for number, index, size in self._each(start, count):
            self._change(number, index, USED * size, 0, -size)

    def release(self, start: int, count: int) -> None:
        """Clusters that were in use are free, once that has been committed.  Those that were not in use - of two
        files that share them - stay as they are."""
        store = self._store
        for number, index, size in self._each(start, count):
            part = self._piece(number)[index : index + size]
            used = part.count(USED)
            if used:
                self._change(number, index, bytes(part.translate(_TO_WAITING)), 0, used)
                store.set(self._waiting, number, self._waiting.get(number, 0) + used)
