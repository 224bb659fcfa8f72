# SPDX-License-Identifier: BSD-2-Clause
"""Volume descriptors, and the boot catalog."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import boot, disk
from rump.drivers.fs.cd9660 import disk_boot as b
from rump.drivers.fs.cd9660.mount import DESCRIPTORS_MAX
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import ERROR, NOTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.medium import Medium
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Finding

BOTH = (
    "space_size", "set_size", "sequence", "block_size", "path_table_size", "root_extent", "root_size", "root_sequence"
)  # fmt: skip
_NAMES = {disk.PRIMARY: "primary descriptor", disk.SUPPLEMENTARY: "supplementary descriptor"}


class DescriptorSequence:
    """The descriptors of a session, up to the terminator."""

    def __init__(self, device: BlockDevice, start: int) -> None:
        self._device = device
        self._first = start + disk.SYSTEM_SECTORS

    def run(self) -> Iterator[Finding]:
        """What is found.  Errors: EIO."""
        device = self._device
        primary: disk.VolumeDescriptor | None = None
        for number in range(self._first, self._first + DESCRIPTORS_MAX):
            at = number * disk.SECTOR
            sector = device.read(at, disk.SECTOR) if at + disk.SECTOR <= device.size else bytes(disk.SECTOR)
            kind = sector[0]
            if sector[1:6] != disk.STANDARD_ID:
                yield ERROR, f"sector {number}: no volume descriptor, but there was no terminator yet"
                return
            where = f"sector {number} ({_NAMES.get(kind, f'descriptor of type {kind}')})"
            if sector[6] != 1 and not (kind == disk.SUPPLEMENTARY and sector[6] == 2):
                yield ERROR, f"{where}: version {sector[6]}"
            if kind == disk.TERMINATOR:
                return
            if kind in (disk.PRIMARY, disk.SUPPLEMENTARY):
                found = disk.VolumeDescriptor(sector)
                for text in self._fields(found, primary):
                    yield ERROR, f"{where}: {text}"
                primary = primary or found
        yield ERROR, f"sector {self._first + DESCRIPTORS_MAX}: still no terminator"

    def _fields(self, found: disk.VolumeDescriptor, primary: disk.VolumeDescriptor | None) -> Iterator[str]:
        """What is wrong with a primary or supplementary descriptor."""
        for name in BOTH:
            little, big = getattr(found, name), int.from_bytes(getattr(found, f"{name}_be"), "big")
            if little != big:
                yield f"{name} is {little} in the one byte order, {big} in the other"
        if found.structure_version not in (1, 2):
            yield f"file structure version {found.structure_version}"
        if (found.root_length, found.root_name_length, found.root_name) != (34, 1, 0):
            yield "its root directory's record is none"
        if not found.root_flags & disk.FILE_DIRECTORY:
            yield "its root directory is not marked as one"
        if not 1 <= found.sequence <= max(1, found.set_size):
            yield f"volume {found.sequence} of {found.set_size}"
        size = found.space_size * found.block_size
        if size > self._device.size:
            yield f"{size} bytes, {self._device.name} has {self._device.size}"
        if primary is not None and (found.block_size, found.space_size) != (primary.block_size, primary.space_size):
            yield f"{found.space_size} blocks of {found.block_size}, not {primary.space_size} of {primary.block_size}"


def boot_catalog(medium: Medium, start: int) -> Iterator[Finding]:
    """What is wrong with the boot catalog at a byte; 0: there is none."""
    if not start:
        return
    where = f"boot catalog (sector {start // disk.SECTOR})"
    try:
        head = medium.read(start, b.ENTRY_SIZE, "boot catalog")
    except Fault as error:
        yield ERROR, f"{where}: {error.detail or error}"
        return
    if head[0] != b.VALIDATION or head[30:] != b.KEY:
        yield ERROR, f"{where}: it begins with no validation entry"
        return
    if b.checksum(head):
        yield ERROR, f"{where}: its checksum is wrong"
        return
    images, _ = boot.catalog(medium, start)
    for image in images:
        if not disk.SECTOR * disk.SYSTEM_SECTORS <= image.start < medium.device.size and image.bootable:
            yield ERROR, f"{where}: image {image.number} is at sector {image.start // disk.SECTOR}"
        if image.media not in boot.MEDIA:
            yield ERROR, f"{where}: image {image.number} is of medium {image.media}"
        if not image.bootable:
            yield NOTE, f"{where}: image {image.number} is not marked bootable"
