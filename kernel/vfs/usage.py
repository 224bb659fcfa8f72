# SPDX-License-Identifier: BSD-2-Clause
"""Which units of a volume - blocks, clusters - are in use, as a check finds out: bits, by pieces.

Only pieces of which something is in use take memory, and those of which everything is next to none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Range: TypeAlias = tuple[int, int]      # first, how many

RANGES_MAX = 4096       # ranges of units with several owners that are remembered


class Usage:
    """Units in use.

    per_piece   units in a piece
    pieces      number of a piece -> its bits
    shared      ranges that several have, to be told apart afterwards: the first `RANGES_MAX`
    """

    __slots__ = ("_full", "per_piece", "pieces", "shared")

    def __init__(self, per_piece: int) -> None:
        self.per_piece = per_piece
        self.pieces: dict[int, bytearray | bytes] = {}
        self.shared: list[Range] = []
        self._full = b""

    def number(self, piece: int) -> int:
        """The bits of a piece, as a number."""
        return int.from_bytes(self.pieces.get(piece, b""), "little")

    def count(self) -> int:
        """How many are in use."""
        return sum(int.from_bytes(bits, "little").bit_count() for bits in self.pieces.values())

    def share(self, ranges: list[Range]) -> None:
        """Units have several owners."""
        if len(self.shared) < RANGES_MAX:
            self.shared += ranges

    def mark(self, first: int, count: int) -> list[Range]:
        """Units are in use; those of them that were already."""
        taken: list[Range] = []
        while count:
            piece, bit = divmod(first, self.per_piece)
            here = min(count, self.per_piece - bit)
            if here == self.per_piece and piece not in self.pieces:
                self.pieces[piece] = self._full = self._full or ((1 << here) - 1).to_bytes(here + 7 >> 3, "little")
            else:
                taken += self._mark(piece, bit, here)
            first += here
            count -= here
        return taken

    def _mark(self, piece: int, bit: int, count: int) -> list[Range]:
        bits = self.pieces.get(piece)
        if bits is None:
            bits = self.pieces[piece] = bytearray(self.per_piece + 7 >> 3)
        first, last = bit >> 3, bit + count + 7 >> 3
        before = int.from_bytes(bits[first:last], "little")
        mask = (1 << count) - 1 << (bit & 7)
        if isinstance(bits, bytearray):
            bits[first:last] = (before | mask).to_bytes(last - first, "little")
        both = before & mask
        if not both:
            return []
        base = piece * self.per_piece + (first << 3)
        return [(base + start, length) for start, length in ones(both, RANGES_MAX)]


def ones(value: int, most: int = 0) -> list[Range]:
    """The runs of ones in a number: (first bit, how many); only the first `most` of them, if that is not 0."""
    runs: list[Range] = []
    at = 0
    while value and not (most and len(runs) >= most):
        zeros = (value & -value).bit_length() - 1
        value >>= zeros
        count = (~value & value + 1).bit_length() - 1
        runs.append((at + zeros, count))
        value >>= count
        at += zeros + count
    return runs


def count_runs(value: int) -> int:
    """How many runs of ones a number has."""
    return (value & ~(value << 1)).bit_count()


def joined(ranges: list[Range]) -> list[Range]:
    """The same in order, those that touch or overlap as one."""
    found: list[Range] = []
    for first, count in sorted(ranges):
        if found and first <= found[-1][0] + found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], first + count - found[-1][0])
        else:
            found.append((first, count))
    return found


def spelled(first: int, count: int) -> str:
    """A range in words."""
    return str(first) if count == 1 else f"{first} to {first + count - 1}"
