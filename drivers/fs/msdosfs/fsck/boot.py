# SPDX-License-Identifier: BSD-2-Clause
"""The boot sector, its copy, FSInfo, and what tells that a volume is in use."""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.mount import BACKUP_SECTOR, read_backup, read_geometry
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import ERROR, NOTE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.msdosfs.fsck.state import State
    from rump.drivers.fs.msdosfs.mount import Geometry, Options
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Finding

PARAMETERS = range(11, 90)      # what says where things are, and whose volume it is; FAT32
NO_LABEL = b"NO NAME    "
STATE = 65                      # of these, that may differ: the volume is in use; FAT32


def find_geometry(device: BlockDevice, options: Options) -> tuple[Geometry, str]:
    """Where everything is, and what is wrong with the boot sector that makes its copy be used.  Errors: as `mount`."""
    problem = ""
    if not options.backup:
        try:
            return read_geometry(device), ""
        except Fault as error:
            problem, refused = f"{error.detail}; what follows goes by its copy in sector {BACKUP_SECTOR}", error
    geometry = read_backup(device)
    if geometry is None and problem:
        raise refused
    if geometry is None:
        raise fault(e.EFTYPE, f"{device.name}: no copy of a boot sector in sector {BACKUP_SECTOR}")
    return geometry, problem


class Boot:
    """What is before the tables, and the first entries of these."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._device = state.device
        self._geometry = state.geometry

    def run(self) -> Iterator[Finding]:
        """What is found."""
        geometry, device = self._geometry, self._device
        if geometry.size > device.size:
            yield ERROR, f"boot sector: {geometry.size} bytes, {device.name} has {device.size}"
        sector = device.read(0, 512)
        if not geometry.state_offset:
            yield NOTE, f"boot sector: no serial number, no label: signature {geometry.tail.signature:02X}"
        if sector[510:] != disk.BOOT_SIGNATURE:
            yield ERROR, "boot sector: no signature at its end"
        if geometry.bits == 32:
            yield from self._backup(sector)
        yield from self._limits()
        yield from self._marks()

    def _backup(self, sector: bytes) -> Iterator[Finding]:
        """FAT32: the copy of the boot sector."""
        geometry = self._geometry
        number = disk.Boot32(sector, 36).backup_sector
        if number in (0, 0xFFFF):
            yield NOTE, "there is no copy of the boot sector"
            return
        if number >= geometry.boot.reserved:
            yield ERROR, f"boot sector: its copy would be sector {number} of {geometry.boot.reserved}"
            return
        copy = self._device.read(number * geometry.sector_size, 512)
        if copy[510:] != disk.BOOT_SIGNATURE:
            yield ERROR, f"sector {number}: no copy of the boot sector"
            return
        different = [at for at in range(512) if sector[at] != copy[at] and at != STATE]
        important = [at for at in different if at in PARAMETERS]
        if important:
            yield ERROR, f"sector {number}: the copy of the boot sector differs at byte {important[0]}"
        elif different:
            yield NOTE, f"sector {number}: the copy of the boot sector differs at byte {different[0]}"

    def _limits(self) -> Iterator[Finding]:
        """Numbers that others count on."""
        geometry = self._geometry
        boot = geometry.boot
        clusters = (geometry.size - geometry.data_offset) // geometry.cluster_size
        most = {12: disk.FAT12_MAX - 1, 16: disk.FAT16_MAX - 1, 32: 0x0FFFFFF5}[geometry.bits]
        if clusters > geometry.clusters:
            what = "the FAT has entries" if clusters <= most else f"{geometry.name} has room"
            yield ERROR, f"boot sector: {clusters} clusters, {what} for {geometry.clusters}"
        if geometry.bits == 32 and clusters < disk.FAT16_MAX:
            yield NOTE, f"FAT32 with {clusters} clusters, fewer than {disk.FAT16_MAX}: some take it for FAT16"
        if geometry.bits != 32 and geometry.root_size % geometry.sector_size:
            yield ERROR, f"boot sector: a root directory of {boot.root_entries} entries, which fill no sector"
        if boot.sectors16 and boot.sectors32 not in (0, boot.sectors16):
            yield NOTE, f"boot sector: {boot.sectors16} sectors, and {boot.sectors32}"

    def label(self) -> Iterator[Finding]:
        """The labels in the boot sector and in the root directory, which has been looked at."""
        tail, root = self._geometry.tail, self._state.label
        if tail.signature == 0x29 and tail.label != root and (root or tail.label != NO_LABEL):
            ours, theirs = (repr(raw.rstrip(b" ").decode("cp437")) if raw else "none" for raw in (root, tail.label))
            yield NOTE, f"the label in the root directory is {ours}, that in the boot sector {theirs}"

    def _marks(self) -> Iterator[Finding]:
        """What the volume says of its past, in the boot sector and in the first two entries of the table."""
        geometry, chains = self._geometry, self._state.chains
        first, second, ones = chains.entry(0), chains.entry(1), chains.mask
        media = geometry.boot.media
        if first & 0xFF != media:
            yield ERROR, f"FAT: entry 0 is of medium {first & 0xFF:02X}, the boot sector says {media:02X}"
        elif first | 0xFF != ones:
            yield NOTE, f"FAT: entry 0 is {first:X}"
        dirty = errors = False
        if geometry.state_offset:
            dirty, errors = bool(geometry.tail.state & disk.STATE_DIRTY), bool(geometry.tail.state & disk.STATE_ERRORS)
        if geometry.bits != 12:
            top = 1 << (27 if geometry.bits == 32 else 15)
            dirty, errors = dirty or not second & top, errors or not second & top >> 1
            second |= top | top >> 1
        if second <= ones - 8:
            yield NOTE, f"FAT: entry 1 is {second:X}"
        if dirty:
            yield NOTE, "it was not unmounted"
        if errors:
            yield NOTE, "somebody had errors reading or writing it"
