# SPDX-License-Identifier: BSD-2-Clause
"""Crash states: what may be on the medium when the power goes while a file is being written.

The rules, from the contract of `sync`.  The power goes after some number of events.  By then SYNC_ALL has made
everything before it durable, SYNC_DATA the sectors of its range; SYNC_BARRIER orders: nothing behind it is there unless
all before it is.  Of what is not durable anything may be missing: whole writes, or some of their sectors (of 512 bytes,
at multiples of 512 in the file; what lies in one sector is there or not).  A truncate is there or not, and durable only
by SYNC_ALL or a barrier; a discard happens sector by sector, and reads as zeros where it happened.

Everything is decided by the events, the seed and the index: no clock, no entropy, nothing of the host.
"""

from __future__ import annotations

from rump.rumpuser.middleware.crash_pieces import DISCARD, SECTOR, TRUNCATE, Event, Piece, SplitMix, pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from rump.rumpuser.bare.platform import Device

_SHOWN = 6          # writes named in a description


class State:
    """What one crash left.

    cut         how many events had ended when the power went
    promises    what had been promised by then (`Log.promise`), the oldest first
    """

    def __init__(
        self, label: str, source: States, cut: int, pieces: Sequence[Piece], pending: Sequence[Piece]
    ) -> None:
        """`pieces`: what is there, in order; `pending`: what was not durable, there or not."""
        self.cut = cut
        self._label, self._base, self._events = label, source.base, source.events
        self._pieces, self._pending = pieces, pending
        self.promises = [value for events, value in source.promises if events <= cut]

    def image(self) -> bytes:
        """The whole file."""
        image = bytearray(self._base)
        for piece in self._pieces:
            end = piece.offset + piece.length
            if piece.kind == TRUNCATE:
                del image[end:]
            if len(image) < end and piece.kind != DISCARD:
                image += bytes(end - len(image))
            if piece.kind != TRUNCATE:
                end = min(end, len(image))
                image[piece.offset : end] = bytes(max(0, end - piece.offset)) if piece.data is None else piece.data
        return bytes(image)

    def changes(self) -> tuple[int, dict[int, bytes]]:
        """The file's size, and what differs in it from the base: offset -> bytes, by sectors, neighbours as one."""
        image, base = self.image(), self._base
        cut = min([len(base), *[piece.offset for piece in self._pieces if piece.kind == TRUNCATE]])
        touched = {piece.offset // SECTOR for piece in self._pieces if piece.kind != TRUNCATE}
        touched.update(range(cut // SECTOR, -(-len(image) // SECTOR)))
        places = [sector * SECTOR for sector in sorted(touched)]
        differing = [at for at in places if image[at : at + SECTOR] != base[at : at + SECTOR] and at < len(image)]
        return len(image), {start: image[start:end] for start, end in _runs(differing)}

    def apply_to(self, device: Device) -> None:
        """Bring a device of the memory platform, which holds the base, into this state."""
        size, changes = self.changes()
        if size != device.size:
            device.resize(size)
        for offset, data in changes.items():
            device.write(memoryview(data), offset)

    def describe(self) -> str:
        """One line: which state this is, and what of the last writes is there."""
        there = {id(piece) for piece in self._pieces}
        groups: dict[int, list[bool]] = {}
        for piece in self._pending:
            groups.setdefault(piece.event, []).append(id(piece) in there)
        words = [f"{self._events[number]} {_which(kept)}" for number, kept in list(groups.items())[:_SHOWN]]
        if len(groups) > _SHOWN:
            words.append(f"and {len(groups) - _SHOWN} more")
        what = ", ".join(words) or "nothing was pending"
        return f"{self._label}: the power went after {self.cut} of {len(self._events)} events: {what}"

    __str__ = describe


def _runs(places: Iterable[int]) -> list[tuple[int, int]]:
    """Sectors, by their ascending offsets, as ranges (start, end)."""
    runs: list[tuple[int, int]] = []
    for at in places:
        start = runs.pop()[0] if runs and runs[-1][1] == at else at
        runs.append((start, at + SECTOR))
    return runs


def _which(kept: list[bool]) -> str:
    """Which sectors of a write are there."""
    if all(kept):
        return "whole"
    if not any(kept):
        return "lost"
    numbers = [str(number) for number, there in enumerate(kept) if there]
    shown = ",".join(numbers[:16]) + (",..." if len(numbers) > 16 else "")
    return f"torn (sectors {shown} of {len(kept)})"


class States:
    """The crash states of a log; the same every time for the same events."""

    def __init__(
        self, base: Buffer, events: Sequence[Event], promises: Sequence[tuple[int, object]] = (), *,
        barriers: bool = True,
    ) -> None:  # fmt: skip
        """`promises`: (after how many events, what); `barriers` False: syncs are ignored."""
        self.base = bytes(base)
        self.events = tuple(events)
        self.promises = tuple(promises)
        self._suffix = "" if barriers else ", barriers dropped"
        self._pieces, self._cuts = pieces_of(self.events, barriers)

    def prefixes(self) -> Iterator[State]:
        """Everything up to each point, writes cut after each of their sectors: as if nothing was ever reordered."""
        yield self._state("prefix 0", 0, ())
        for number, piece in enumerate(self._pieces, 1):
            yield self._state(f"prefix {number}", piece.event + 1, self._pieces[:number])

    def exhaustive(self, limit: int = 100_000) -> Iterator[State]:
        """Every state there is, each once.  Errors: ValueError - they may be more than `limit`."""
        groups = [(cut, sure, some) for cut in self._cuts for sure, some in self._epochs(cut)]
        total = 1 + sum((1 << len(some)) - 1 for _, _, some in groups)
        if total > limit:
            raise ValueError(f"{total} states, more than {limit}")
        # What has nothing of what is pending is what came before with all of it.
        return self._subsets(groups)

    def _subsets(self, groups: list[tuple[int, list[Piece], list[Piece]]]) -> Iterator[State]:
        yield self._state("subset 0", 0, ())
        seen: set[frozenset[int]] = set()
        for cut, sure, some in groups:
            for mask in range(1, 1 << len(some)):
                there = sure + [piece for bit, piece in enumerate(some) if mask >> bit & 1]
                before = len(seen)
                seen.add(frozenset([id(piece) for piece in there]))
                if len(seen) > before:
                    yield self._state(f"subset {len(seen)}", cut, there)

    def seeded(self, seed: int, count: int) -> Iterator[State]:
        """`count` states by chance; each is `state(seed, index)`, index from 0."""
        return (self.state(seed, index) for index in range(count))

    def state(self, seed: int, index: int) -> State:
        """One of those."""
        numbers = SplitMix(SplitMix(seed).next() + index)
        cut = numbers.below(len(self.events)) + 1 if self.events else 0
        epochs = self._epochs(cut)
        sure, some = epochs[numbers.below(len(epochs))] if epochs else (self._durable(cut), [])
        return self._state(f"seed {seed} index {index}", cut, sure + _chosen(some, numbers))

    def _durable(self, cut: int) -> list[Piece]:
        return [piece for piece in self._pieces if piece.durable < cut]

    def _epochs(self, cut: int) -> list[tuple[list[Piece], list[Piece]]]:
        """For each epoch that may have been under way after `cut` events: what is there then, and what may be."""
        pending = [piece for piece in self._pieces if piece.event < cut <= piece.durable]
        durable = self._durable(cut)
        return [
            (
                durable + [piece for piece in pending if piece.epoch < epoch],
                [piece for piece in pending if piece.epoch == epoch],
            )
            for epoch in sorted({piece.epoch for piece in pending})
        ]

    def _state(self, label: str, cut: int, pieces: Iterable[Piece]) -> State:
        order = {id(piece): piece for piece in pieces}
        there = [piece for piece in self._pieces if id(piece) in order]
        pending = [piece for piece in self._pieces if piece.event < cut <= piece.durable]
        return State(label + self._suffix, self, cut, there, pending)


def _chosen(pending: Collection[Piece], numbers: SplitMix) -> list[Piece]:
    """Some of what is pending: nearly nothing, half of it, nearly all; or all but one write."""
    writes: dict[int, list[Piece]] = {}
    for piece in pending:
        writes.setdefault(piece.event, []).append(piece)
    style = numbers.below(4)
    missing = numbers.below(max(1, len(writes)))
    chosen: list[Piece] = []
    for place, pieces in enumerate(writes.values()):
        kept = place != missing if style == 3 else numbers.below(8) < (1, 4, 7)[style]
        torn = len(pieces) > 1 and numbers.below(4) == 0
        if torn and numbers.below(2):
            chosen += pieces[: numbers.below(len(pieces))]
        elif torn:
            chosen += [piece for piece in pieces if numbers.below(2)]
        elif kept:
            chosen += pieces
    return chosen
