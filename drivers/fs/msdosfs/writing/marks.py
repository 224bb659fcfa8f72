# SPDX-License-Identifier: BSD-2-Clause
"""What the medium says of being in use: made before the first change, taken back at the end.

FAT16 and FAT32 say so in entry 1 of the table (a bit that is 1 while the volume is clean), all in a byte of the boot
sector, if it has one.  A volume that was found in use stays so marked: only a checker may say that it is whole.  FAT32
has counters beside (FSInfo), which are right while the volume is clean.
"""

from __future__ import annotations

from rump.drivers.fs.fat.stages import MARK, RELEASE
from rump.drivers.fs.msdosfs import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.writing.state import State

_AT = 484 + 4               # of the counters in their sector


class Marks:
    """The marks of one mount.

    found   whether the volume was in use already, or has had errors
    made    whether the medium says that it is in use
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.made = False
        geometry = state.geometry
        bits = geometry.bits
        self._clean = {12: 0, 16: 0x8000, 32: 0x08000000}[bits]
        entry = state.table.entry(1)
        in_boot = geometry.state_offset and geometry.tail.state & disk.STATE_DIRTY
        self.found = bool(in_boot) or (bits != 12 and not entry & self._clean)

    def prepare(self) -> None:
        """A commit is near."""
        if self._state.store.running and not self.made:
            self.made = True
            self._write(True, MARK)

    def _write(self, dirty: bool, stage: int) -> None:
        geometry, stages = self._state.geometry, self._state.stages
        if geometry.state_offset:
            state = stages.read(0)[geometry.state_offset]
            state = state | disk.STATE_DIRTY if dirty else state & ~disk.STATE_DIRTY
            stages.patch(0, geometry.state_offset, bytes([state]), stage)
        if self._clean:
            table = self._state.table
            entry = table.entry(1)
            table.note(entry & ~self._clean if dirty else entry | self._clean, stage)

    def clean(self) -> None:
        """All is in its place: the medium is clean, which is on stable storage when this returns.

        Requires: the store's lock, exclusively; nothing to be committed.
        """
        if not self.made:
            return
        state = self._state
        store = state.store
        store.begin()
        try:
            self._count()
            if not self.found:
                self._write(False, RELEASE)
            store.end()
        except BaseException:
            store.rollback()
            raise
        store.commit()
        self.made = False

    def _count(self) -> None:
        """The counters of FAT32."""
        state = self._state
        place = state.geometry.info_offset
        if not place:
            return
        sector = state.stages.read_short(place, 512)
        info = disk.Info(sector, 484)
        if sector[:4] != disk.INFO_FIRST.to_bytes(4, "little") or info.signature != disk.INFO_MIDDLE:
            return
        values = state.space.count().to_bytes(4, "little") + state.space.next.to_bytes(4, "little")
        state.stages.write(place + _AT, values, RELEASE)
