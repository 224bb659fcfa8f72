# SPDX-License-Identifier: BSD-2-Clause
"""What was done to a file, cut into pieces that a crash leaves whole or not at all; and which of them are sure when.

The rules are in ``crash_states``.
"""

from __future__ import annotations

from itertools import pairwise

from rump.rumpuser.interface.hypercalls import SYNC_ALL, SYNC_BARRIER, SYNC_DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WRITE, TRUNCATE, DISCARD, SYNC = range(4)
_NAMES = {WRITE: "write", TRUNCATE: "truncate", DISCARD: "discard"}
SECTOR = 512
NEVER = 1 << 62
_MASK = (1 << 64) - 1


class Event:
    """Something that was done to a file.

    kind      WRITE, TRUNCATE (offset is the new size), DISCARD, SYNC
    offset, length   in bytes; of a sync, its range
    data      what was written
    flags     of a sync
    covers    of a sync: how many events had ended when it began
    """

    __slots__ = ("covers", "data", "flags", "kind", "length", "offset")

    def __init__(
        self, kind: int, offset: int, length: int, data: bytes | None = None, flags: int = 0, covers: int = 0
    ) -> None:
        self.kind, self.offset, self.length, self.data = kind, offset, length, data
        self.flags, self.covers = flags, covers

    def __str__(self) -> str:
        return f"{_NAMES[self.kind]} {self.offset:#x}" + (f"+{self.length}" if self.length else "")


class Piece:
    """The part of an event that happens or does not: one sector of a write or discard, a whole truncate.

    event     the number of its event
    durable   the number of the sync that made it durable
    epoch     how many barriers were before it
    """

    __slots__ = ("data", "durable", "epoch", "event", "kind", "length", "offset")

    def __init__(self, event: int, kind: int, offset: int, length: int, data: memoryview | None, epoch: int) -> None:
        self.event, self.kind, self.offset, self.length, self.data = event, kind, offset, length, data
        self.durable, self.epoch = NEVER, epoch


class SplitMix:
    """Numbers from a seed: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014)."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
        return mixed ^ mixed >> 31

    def below(self, bound: int) -> int:
        """One of 0 ... bound - 1."""
        return self.next() % bound


def pieces_of(events: Sequence[Event], barriers: bool) -> tuple[list[Piece], list[int]]:
    """All pieces in order; and the moments (numbers of events) that say all: before each sync, and the end."""
    pieces: list[Piece] = []
    pending: list[Piece] = []
    cuts: list[int] = []
    epoch = 0
    for number, event in enumerate(events):
        if event.kind != SYNC:
            made = _cut_up(number, event, epoch)
            pieces += made
            pending += made
        elif barriers:
            cuts.append(number)
            reached = [piece for piece in pending if _reaches(event, piece)]
            newest = max([piece.epoch for piece in reached], default=0)
            for piece in pending:
                if piece.epoch < newest or _reaches(event, piece):
                    piece.durable = number
            pending = [piece for piece in pending if piece.durable == NEVER]
            epoch += 1 if event.flags & SYNC_BARRIER else 0
    return pieces, [*cuts, len(events)]


def _reaches(sync: Event, piece: Piece) -> bool:
    """Whether a sync makes a piece durable."""
    if piece.event >= sync.covers:
        return False
    if sync.flags & SYNC_ALL:
        return True
    end = sync.offset + sync.length if sync.length else NEVER
    return bool(sync.flags & SYNC_DATA) and piece.offset < end and sync.offset < piece.offset + piece.length


def _cut_up(number: int, event: Event, epoch: int) -> list[Piece]:
    """An event by sectors."""
    if event.kind == TRUNCATE:
        return [Piece(number, TRUNCATE, event.offset, 0, None, epoch)]
    data = None if event.data is None else memoryview(event.data)
    start, end = event.offset, event.offset + event.length
    edges = [start, *range(start - start % SECTOR + SECTOR, end, SECTOR), end]
    return [
        Piece(number, event.kind, first, last - first, data and data[first - start : last - start], epoch)
        for first, last in pairwise(edges)
    ]
