# SPDX-License-Identifier: BSD-2-Clause
"""What newfs is asked for: options as strings, turned into numbers, with the defaults of mkfs.exfat(8) 1.2."""

from __future__ import annotations

from rump.drivers.fs.exfat.disk import CLUSTER_BYTES_MAX, LABEL_MAX
from rump.kernel.errors import fault
from rump.kernel.vfs.newfs import Numbers, hexadecimal, known, power
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments

OPTIONS = (
    "type", "size", "sector_size", "cluster_size", "boundary", "pack_bitmap", "label", "uuid", "guid", "full_format",
    "zeroed", "dry_run",
)  # fmt: skip
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
CLUSTERS = ((256 * MIB, 4 * KIB), (32 * GIB, 32 * KIB))
"""Up to so many bytes, bytes in a cluster."""
LARGE_CLUSTER = 128 * KIB
BOUNDARY = MIB


class Wanted:
    """The options, understood.

    dry_run        nothing is written; the size may then be more than the device has
    size           bytes of the device to use
    sector_size, cluster_size   bytes
    boundary       what FAT and clusters begin at a multiple of, bytes; 0: as suits the size
    pack_bitmap    the bitmap lies right behind the FAT, before that boundary
    label          at most eleven UTF-16 units
    serial         number of the volume
    guid           sixteen bytes, b"": none
    full_format    zeros are written everywhere
    zeroed         the device is known to read as zeros
    """

    def __init__(self, arguments: MountArguments) -> None:
        """Errors: EINVAL - an option, named; ENXIO."""
        options, services = arguments.options, arguments.services
        known(options, OPTIONS)
        device = arguments.device
        if device is None:
            raise fault(e.ENXIO, "exfat needs a device")
        number = Numbers(options)
        self.dry_run = bool(number("dry_run", 0, 0, 1))
        self.zeroed = bool(number("zeroed", 0, 0, 1))
        self.size = number("size", device.size, 0, 1 << 62 if self.dry_run else device.size)
        usual = min(max(device.sector_size, 512), 4096)
        self.sector_size = power("sector_size", number("sector_size", usual, 512, 4096))
        cluster = next((cluster for most, cluster in CLUSTERS if self.size <= most), LARGE_CLUSTER)
        least = self.sector_size
        self.cluster_size = power("cluster_size", number("cluster_size", cluster, least, CLUSTER_BYTES_MAX))
        self.boundary = power("boundary", number("boundary", 0, least, 1 << 40))
        self.pack_bitmap = bool(number("pack_bitmap", 0, 0, 1))
        self.full_format = bool(number("full_format", 0, 0, 1))
        self.label = _label(options.get("label", ""))
        text = options.get("uuid", "random")
        self.serial = int.from_bytes(services.random(4), "little") if text == "random" else hexadecimal("uuid", text)
        self.guid = _guid(options["guid"]) if "guid" in options else b""


def _label(text: str) -> bytes:
    """A label in UTF-16."""
    data = text.encode("utf-16-le", "surrogatepass")
    if len(data) > LABEL_MAX * 2:
        raise fault(e.EINVAL, f"option label={text}: longer than {LABEL_MAX} UTF-16 units")
    if "\0" in text:
        raise fault(e.EINVAL, "option label: has a NUL")
    return data


def _guid(text: str) -> bytes:
    """A GUID as it lies on the medium: its first three fields are little-endian numbers."""
    digits = text.replace("-", "")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        data = b""
    if len(data) != 16 or len(digits) != 32 or not any(data):
        raise fault(e.EINVAL, f"option guid={text}: not a GUID")
    return data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:]
