# SPDX-License-Identifier: BSD-2-Clause
"""How much room files take on FAT and exFAT: whole clusters, and entries of 32 bytes in directories."""

from __future__ import annotations

from rump.fsutils.making.measure import Measure, Tally
from rump.kernel.abi import S_IFREG
from rump.kernel.vfs.volume import SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.making.measure import Pairs, Parts
    from rump.kernel.vfs.volume import Attributes

ENTRY = 32
FAT_UNITS, EXFAT_UNITS = 13, 15         # UTF-16 units of a long name in an entry
ROOT_USUAL, ROOT_MOST = 512, 32768      # entries of a root directory that has a place of its own


def units(name: bytes) -> int:
    """UTF-16 units of a name."""
    return len(name.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass")) // 2


class MeasureFat(Measure):
    """FAT.  A name counts as a long one, with a short one behind it."""

    links = False
    head = 1                            # entries: the label

    def __init__(self, makes_root: bool) -> None:
        """`makes_root`: the root directory of FAT12 and FAT16 may have more entries than usual."""
        super().__init__()
        self._makes_root = makes_root
        self._tally = Tally()
        self._root = self.head

    def with_name(self, used: int, name: bytes) -> int:
        return used + 1 + -(-units(name) // FAT_UNITS)

    def folder(self, used: int, root: bool) -> None:
        if root:
            self._root += used - self.head
        else:
            self._tally.add((2 + used) * ENTRY)

    def contents(self, kind: int, attributes: Attributes, pairs: Pairs, parts: Parts) -> None:
        if kind == S_IFREG:
            self._tally.add(attributes[SIZE])

    def options(self, made: dict[str, str]) -> dict[str, str]:
        room = int(made["root entries"])
        if self._makes_root and 0 < room < self._root <= ROOT_MOST:
            return {"root_entries": str(self._root)}
        return {}

    def needed(self, made: dict[str, str]) -> int:
        cluster, room = int(made["cluster size"]), int(made["root entries"])
        need = self._tally.of(cluster) * cluster
        if not room:
            return need + -(-self._root * ENTRY // cluster) * cluster
        return need if self._root <= room else 1 << 62

    def free(self, made: dict[str, str]) -> int:
        return int(made["clusters"]) * int(made["cluster size"])


class MeasureExfat(Measure):
    """exFAT.  The clusters of the bitmap, the up-case table and an empty root directory are no part of those free."""

    links = False

    def __init__(self, has_guid: bool, sector: int) -> None:
        super().__init__()
        self._tally = Tally()
        self._sector = sector // ENTRY
        self._root = self.head = 3 + has_guid       # entries: label, bitmap, up-case table

    def with_name(self, used: int, name: bytes) -> int:
        count, sector = 2 + -(-units(name) // EXFAT_UNITS), self._sector
        if used % sector + count > -(-count // sector) * sector:
            used += -used % sector                  # a set lies in as few sectors as can be
        return used + count

    def folder(self, used: int, root: bool) -> None:
        if root:
            self._root += used - self.head
        else:
            self._tally.add(max(used, 1) * ENTRY)

    def contents(self, kind: int, attributes: Attributes, pairs: Pairs, parts: Parts) -> None:
        if kind == S_IFREG:
            self._tally.add(attributes[SIZE])

    def needed(self, made: dict[str, str]) -> int:
        cluster = int(made["cluster size"])
        return (self._tally.of(cluster) + -(-self._root * ENTRY // cluster) - 1) * cluster

    def free(self, made: dict[str, str]) -> int:
        return int(made["free clusters"]) * int(made["cluster size"])
