# SPDX-License-Identifier: BSD-2-Clause
"""The bitmap of clusters in use, against those that somebody has."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.bitmap import Bitmap
from rump.drivers.fs.exfat.bmap import Maps
from rump.drivers.fs.exfat.fsck.state import PER_PIECE
from rump.kernel.errors import Fault
from rump.kernel.vfs.usage import count_runs, ones, spelled
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.exfat.fsck.state import State
    from rump.kernel.vfs.volume import Finding

RUNS_MAX = 8        # ranges named of each kind
EVERY = 64          # pieces between two words of progress


class Bitmaps:
    """The pass."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._left = {"free": RUNS_MAX, "nobody's": RUNS_MAX}
        self._more = dict.fromkeys(self._left, 0)
        self._bad = 0

    def run(self) -> Iterator[Finding]:
        """What is found."""
        state = self._state
        assert state.special is not None
        try:
            bitmap = Bitmap(state.special, Maps(state.chains, state.geometry), state.device.read)
        except Fault as error:
            yield ERROR, error.detail or str(error)
            return
        count = -(-state.geometry.clusters // PER_PIECE)
        for number in range(count):
            if number % EVERY == 0:
                yield PROGRESS, f"bitmap: piece {number} of {count}"
            try:
                data = bitmap.bytes(number * PER_PIECE // disk.BITMAP_UNIT, PER_PIECE // disk.BITMAP_UNIT)
            except Fault as error:
                yield ERROR, f"allocation bitmap: {error.detail or error}"
                continue
            yield from self._piece(number, int.from_bytes(data, "little"))
        for kind, more in self._more.items():
            if more:
                yield _GRADES[kind], f"allocation bitmap: {more} more ranges of clusters are {_TEXTS[kind]}"
        if self._bad:
            yield NOTE, f"{self._bad} clusters are marked bad"

    def _piece(self, number: int, marked: int) -> Iterator[Finding]:
        state = self._state
        first = number * PER_PIECE
        marked &= (1 << min(PER_PIECE, state.geometry.clusters - first)) - 1
        owned = state.claims.usage.number(number)
        if marked == owned:
            return
        base = first + disk.FIRST_CLUSTER
        yield from self._differences("free", owned & ~marked, base)
        yield from self._differences("nobody's", self._without_bad(marked & ~owned, base), base)

    def _differences(self, kind: str, wrong: int, base: int) -> Iterator[Finding]:
        runs = ones(wrong, self._left[kind]) if self._left[kind] else []
        grade = _GRADES[kind]
        for start, length in runs:
            yield grade, f"allocation bitmap: cluster {spelled(base + start, length)} is {_TEXTS[kind]}"
        self._left[kind] -= len(runs)
        self._more[kind] += count_runs(wrong) - len(runs)

    def _without_bad(self, lost: int, base: int) -> int:
        """Clusters that nobody has, without those that the table calls bad: these are meant to be nobody's."""
        if not lost:
            return 0
        chains = self._state.chains
        digits: list[bytes] = []
        at, stop = base, min(base + PER_PIECE, chains.end)
        while at < stop:
            number, index = divmod(at, chains.per_piece)
            values = [*chains.piece(number)[index : index + stop - at]]
            digits.append(bytes([49 if value == disk.FAT_BAD else 48 for value in values]))
            at += len(values)
        bad = lost & int(b"".join(digits)[::-1], 2)
        self._bad += bad.bit_count()
        return lost ^ bad


# What is lost is only room: a power cut leaves that behind, and other checkers pass it over.
_GRADES = {"free": ERROR, "nobody's": NOTE}
_TEXTS = {"free": "marked free, but in use", "nobody's": "marked in use, but nobody's"}
