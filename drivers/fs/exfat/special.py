# SPDX-License-Identifier: BSD-2-Clause
"""What the root directory says of the whole volume: bitmaps, the up-case table, the label, the GUID."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk, upcase
from rump.drivers.fs.exfat.checksum import checksum32, set_checksum
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.exfat.bmap import Maps

TABLE_MAX = 2 * upcase.UNITS * 2        # bytes; no table needs more
_CRITICAL_PRIMARY = range(disk.TYPE_IN_USE, disk.TYPE_GUID)
_KNOWN = (disk.TYPE_BITMAP, disk.TYPE_UPCASE, disk.TYPE_LABEL, disk.TYPE_FILE)


class Special:
    """The entries of a root directory that are of no file.

    bitmaps      of the first FAT, and of the second; None if there is none
    upcase       the up-case table's entry, or None
    label        as it is kept, in UTF-16; `label_slot` where, or -1
    guid         16 bytes, or b""
    unknown      a critical entry of a type that is not known, or 0
    """

    def __init__(self, data: bytes | bytearray) -> None:
        self.bitmaps: list[disk.BitmapEntry | None] = [None, None]
        self.upcase: disk.UpcaseEntry | None = None
        self.label = self.guid = b""
        self.label_slot = -1
        self.unknown = 0
        size = disk.ENTRY_SIZE
        types = bytes(data[::size])
        end = types.find(disk.TYPE_END)
        for slot, kind in enumerate(types if end < 0 else types[:end]):
            if kind in (disk.TYPE_FILE, disk.TYPE_STREAM, disk.TYPE_NAME):
                continue
            self._take(kind, bytes(data[slot * size : (slot + 1) * size]), slot)

    def _take(self, kind: int, raw: bytes, slot: int) -> None:
        if kind == disk.TYPE_BITMAP:
            entry = disk.BitmapEntry(raw)
            which = entry.flags & disk.BITMAP_SECOND
            self.bitmaps[which] = self.bitmaps[which] or entry
        elif kind == disk.TYPE_UPCASE:
            self.upcase = self.upcase or disk.UpcaseEntry(raw)
        elif kind in (disk.TYPE_LABEL, disk.TYPE_LABEL & ~disk.TYPE_IN_USE) and self.label_slot < 0:
            label = disk.LabelEntry(raw)
            self.label = label.label[: 2 * min(label.count, disk.LABEL_MAX)] if kind & disk.TYPE_IN_USE else b""
            self.label_slot = slot
        elif kind == disk.TYPE_GUID:
            guid = disk.GuidEntry(raw)
            self.guid = guid.guid if not guid.secondaries and set_checksum(raw) == guid.checksum else b""
        elif kind in _CRITICAL_PRIMARY and kind not in _KNOWN:
            self.unknown = self.unknown or kind

    def check(self) -> None:
        """Errors: EINVAL - the volume has something that nobody may pass over."""
        if self.unknown:
            raise fault(e.EINVAL, f"root directory: a critical entry of unknown type {self.unknown:#x}")


def read_table(special: Special, maps: Maps, read: Callable[[int, int], bytes]) -> dict[int, int]:
    """The up-case table.  Errors: EIO - there is none, or a damaged one."""
    entry = special.upcase
    if entry is None:
        raise Corrupt("root directory: no up-case table")
    if not 0 < entry.length <= TABLE_MAX:
        raise Corrupt(f"up-case table: {entry.length} bytes")
    space = maps.space(disk.SPACE_POSSIBLE, entry.first_cluster, entry.length, "up-case table")
    size = maps.geometry.cluster_size
    parts = [read(maps.geometry.place(at), count * size) for _, at, count in maps.all_extents(space)]
    data = b"".join(parts)[: entry.length]
    total = checksum32(data)
    if total != entry.checksum:
        raise Corrupt(f"up-case table: checksum {entry.checksum:#010x}, not {total:#010x}")
    return upcase.expand(data)
