# SPDX-License-Identifier: BSD-2-Clause
"""Which sectors of the medium are taken: they are dealt out one behind the other."""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

RECORD = 33 + 33 + 76       # bytes of a file's directory record with Rock Ridge, about, without its name
JOLIET_RECORD = 34 + 4      # likewise with Joliet, where names take twice as many
PATH_RECORD = 8 + 32
FRONT = 64                  # sectors for the directories where nobody knows how many there will be


def front(files: int, directories: int, names: int, there: int) -> int:
    """How many sectors the directories of a volume take, about: rather more than less.  0 files: it is not known, only
    how many sectors there are for them and all else."""
    if not files:
        return min(FRONT, there // 4)
    records = files * (RECORD + JOLIET_RECORD) + 3 * names
    tables = 2 * directories * (2 * PATH_RECORD + 2 * names // files)
    return (records + tables) * 17 // 16 // SECTOR + 2 * (directories + 1) + 8


class Sectors:
    """The sectors from `first` to the end of the medium.

    next    the first that nobody has
    end     behind the last there is
    owed    bytes that directories and all else will take, at most
    """

    def __init__(self, first: int, end: int, zeroed: bool) -> None:
        """`zeroed`: what nobody has written reads as zeros."""
        self.next = first
        self.end = end
        self.owed = 0
        self._zeroed = zeroed
        self._touched = first                   # from here on nobody has written
        self._freed: dict[int, int] = {}        # given back before the last: end -> start

    def room(self) -> int:
        """How many sectors can still be taken."""
        return max(0, self.end - self.next - -(-self.owed // SECTOR))

    def owe(self, size: int) -> None:
        """So many bytes more will be needed in the end.  Errors: ENOSPC."""
        if size > 0 and self.next + -(-(self.owed + size) // SECTOR) > self.end:
            raise fault(e.ENOSPC, "no room for more names")
        self.owed += size

    def take(self, count: int) -> tuple[int, bool]:
        """So many sectors in one piece: the first, and whether they are known to read as zeros.  Errors: ENOSPC."""
        if count > self.room():
            raise fault(e.ENOSPC)
        start = self.next
        clean = self._zeroed and start >= self._touched
        self.next += count
        self._touched = max(self._touched, self.next)
        return start, clean

    def give(self, start: int, count: int) -> None:
        """Sectors are not needed; they are dealt out again only when all behind them are not, either."""
        if count:
            self._freed[start + count] = start
            while self.next in self._freed:
                self.next = self._freed.pop(self.next)
