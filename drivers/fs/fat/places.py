# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of files, in formats that have none.

A file's number is the place of its directory entry on the volume, counted in entries of 32 bytes - as long as nothing
moves.  A file that gets another entry keeps its number until the kernel has forgotten it; so does one whose entry is
gone and that is still in use.  A file that comes to a place whose number is in use gets one that no place has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from rump.kernel.vfs.transaction import Store

BEYOND: Final = 1 << 48     # no place is there
GONE: Final = -1            # where a file is that has no entry


class Places:
    """Which file is where.  Only what is not at its own number is remembered.

    records   number -> what an entry would say of a file that has none
    """

    def __init__(self, store: Store) -> None:
        self.records: dict[int, bytes] = {}
        self._store = store
        self._places: dict[int, int] = {}       # number -> place
        self._numbers: dict[int, int] = {}      # place -> number
        self._next = BEYOND

    def number(self, place: int) -> int:
        """The number of the file whose entry is at a place."""
        number = self._numbers.get(place)
        if number is not None:
            return number
        if place not in self._places:
            return place
        # The number of this place belongs to a file that was here.
        number, self._next = self._next, self._next + 1
        self._places[number] = place
        self._numbers[place] = number
        return number

    def place(self, number: int) -> int:
        """Where a file's entry is: `GONE` if there is none, or no file of that number."""
        place = self._places.get(number)
        if place is None:
            return GONE if number in self._numbers or number >= BEYOND else number
        return place

    @property
    def plain(self) -> bool:
        """Whether every file is at its own number."""
        return not self._places

    def move(self, place: int, new: int) -> int:
        """A file gets another entry; its number."""
        number = self.number(place)
        self._leave(place)
        store = self._store
        store.set(self._places, number, new if number != new else None)
        store.set(self._numbers, new, number if number != new else None)
        return number

    def remove(self, place: int, record: bytes) -> int:
        """A file loses its entry, and lives on; its number."""
        number = self.number(place)
        self._leave(place)
        self._store.set(self._places, number, GONE)
        self._store.set(self.records, number, record)
        return number

    def _leave(self, place: int) -> None:
        if place in self._numbers:
            self._store.set(self._numbers, place, None)

    def forget(self, number: int) -> None:
        """Nobody knows the file by its number any more."""
        place = self._places.get(number)
        if place is None:
            return
        if place == GONE:
            self.records.pop(number, None)
            del self._places[number]
        elif place not in self._places:
            self._numbers.pop(place, None)
            del self._places[number]
