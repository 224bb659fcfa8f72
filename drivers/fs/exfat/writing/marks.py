# SPDX-License-Identifier: BSD-2-Clause
"""What the boot sector says of being mounted: made with the first change, taken back at the end.

A volume that nobody changes is not touched; one that was not clean before is left so.
"""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.fat.stages import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.writing.state import State

COUNT_MAX = 1 << 27         # clusters: of more, how much is in use is not counted for the boot sector's sake


class Marks:
    """The marks of one mount.

    made   whether the medium says that it is mounted
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._flags = state.geometry.boot.flags
        self.made = False

    def weight(self) -> int:
        """Blocks that `prepare` will change."""
        return 0 if self.made else 1

    def prepare(self) -> None:
        """Something is about to be written."""
        if self._state.store.running and not self.made:
            self._state.stages.write(*self._field("flags", self._dirty() | disk.FLAG_DIRTY), MARK)
            self.made = True

    def _dirty(self) -> int:
        """The flags while it is mounted, but for the mark."""
        return self._flags & ~disk.FLAG_CLEAR_TO_ZERO

    def clean(self) -> None:
        """All is in its place: the medium is clean, which is on stable storage when this returns."""
        if not self.made:
            return
        state = self._state
        device, size = state.store.device, state.geometry.sector_size
        sector = bytearray(device.read(0, size))
        for name, value in (("flags", self._dirty()), ("percent", self._percent())):
            at, data = self._field(name, value)
            sector[at : at + len(data)] = data
        device.write(0, bytes(sector))
        device.sync(barrier=True)
        state.volume.cache.drop(0)
        self.made = False

    def _percent(self) -> int:
        """How much is in use, in percent."""
        state, clusters = self._state, self._state.geometry.clusters
        if state.alloc.map.free < 0 and clusters > COUNT_MAX:
            return disk.PERCENT_UNKNOWN
        return (clusters - state.alloc.map.count()) * 100 // clusters

    @staticmethod
    def _field(name: str, value: int) -> tuple[int, bytes]:
        offset, form = disk.BootSector.place(name)
        return offset, form.pack(value)
