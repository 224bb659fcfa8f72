# SPDX-License-Identifier: BSD-2-Clause
"""The boot regions, and what tells that a volume is in use."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.checksum import boot_checksum
from rump.kernel.vfs.volume import ERROR, NOTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.exfat.fsck.state import State
    from rump.kernel.vfs.volume import Finding

VARYING = (106, 107, 112)       # bytes of a boot sector that may change without its checksum, and without the backup

LEEWAY = 10                     # per cent: many never change what was there at first


class Boot:
    """What is before the cluster heap."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self) -> Iterator[Finding]:
        """What is found."""
        geometry, device = self._state.geometry, self._state.device
        boot = geometry.boot
        if geometry.size > device.size:
            yield ERROR, f"boot sector: {geometry.size} bytes, {device.name} has {device.size}"
        yield from self._regions()
        if any(boot.zeros) or any(boot.reserved):
            yield ERROR, "boot sector: what must be zero is not"
        if boot.jump != disk.BOOT_JUMP:
            yield ERROR, f"boot sector: it begins with {boot.jump.hex()}"
        if boot.flags & disk.FLAG_SECOND_FAT and boot.fats != 2:
            yield ERROR, "boot sector: the second FAT is in use, but there is none"
        if boot.flags & disk.FLAG_DIRTY:
            yield NOTE, "it was not unmounted"
        if boot.flags & disk.FLAG_MEDIA_FAILURE:
            yield NOTE, "somebody had errors reading or writing it"
        media, second = self._state.chains.entry(0), self._state.chains.entry(1)
        if media != disk.FAT_MEDIA:
            yield NOTE, f"FAT: entry 0 is {media:08X}"
        if second != disk.FAT_END:
            yield NOTE, f"FAT: entry 1 is {second:08X}"

    def _regions(self) -> Iterator[Finding]:
        """The main boot region and its backup."""
        geometry, device = self._state.geometry, self._state.device
        size = disk.BOOT_SECTORS * geometry.sector_size
        main, backup = device.read(0, size), device.read(size, size)
        if geometry.backup:
            yield ERROR, f"{geometry.backup}; what follows goes by the backup of the boot region"
            return
        problem = _region_problem(backup, geometry.sector_size)
        if problem:
            yield ERROR, f"backup of the boot region: {problem}"
            return
        different = [at for at in range(size) if main[at] != backup[at] and at not in VARYING] if main != backup else []
        if different:
            yield ERROR, f"backup of the boot region: it differs at byte {different[0]}"

    def percent(self, used: int) -> Iterator[Finding]:
        """How full the boot sector says the volume is; `used` clusters are in use."""
        geometry = self._state.geometry
        said, found = geometry.boot.percent, used * 100 // geometry.clusters
        if said != disk.PERCENT_UNKNOWN and abs(said - found) > LEEWAY:
            yield NOTE, f"boot sector: {said} % of the clusters are in use, it says; {found} % are"


def _region_problem(region: bytes, sector_size: int) -> str:
    """What is wrong with a boot region, or ""."""
    body = disk.CHECKSUM_SECTOR * sector_size
    if region[3:11] != disk.BOOT_NAME or region[510:512] != disk.BOOT_SIGNATURE.to_bytes(2, "little"):
        return "it is none"
    if region[body:] != boot_checksum(region[:body]).to_bytes(4, "little") * (sector_size // 4):
        return "its checksum is wrong"
    for sector in disk.EXTENDED_SECTORS:
        end = (sector + 1) * sector_size
        if region[end - 4 : end] != disk.EXTENDED_SIGNATURE.to_bytes(4, "little"):
            return f"sector {sector} of it has no signature"
    return ""
