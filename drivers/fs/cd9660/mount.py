# SPDX-License-Identifier: BSD-2-Clause
"""Volume descriptors, sessions, and which of a volume's trees is used; probing."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk, names, susp
from rump.drivers.fs.cd9660.disk_boot import BOOT_SYSTEM
from rump.drivers.fs.cd9660.disk_susp import ROCK_RIDGE_IDS
from rump.drivers.fs.cd9660.medium import Medium
from rump.drivers.fs.cd9660.options import NAME_SPACES, Options
from rump.kernel.errors import Corrupt, Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.cd9660.ops import Cd9660Volume
    from rump.drivers.fs.cd9660.susp import SystemUse
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

BLOCK_SIZES = (512, 1024, 2048)
AT_ONCE = 8                 # descriptors read together
DESCRIPTORS_MAX = 64
SESSIONS_MAX = 100
GAPS = (0, 150, 6900, 11400)    # sectors between sessions: none, a pause, what CDs have after later and first sessions
EMULATED = 32               # sectors: some overwrite the first descriptors with the last, and keep the first ones here


class Descriptors:
    """The volume descriptors of a session.

    start          the sector at which the session begins
    primary        the primary descriptor
    joliet         the supplementary descriptor of Joliet, or None
    joliet_level   1 to 3
    enhanced       the enhanced descriptor (ISO 9660:1999), or None
    catalog        byte of the boot catalog; 0: there is none
    partitions     names of volume partitions
    """

    def __init__(self, device: BlockDevice, start: int) -> None:
        """Errors: EFTYPE - there are none; Corrupt - the primary descriptor makes no sense."""
        self.start = start
        self.joliet: disk.VolumeDescriptor | None = None
        self.enhanced: disk.VolumeDescriptor | None = None
        self.joliet_level = self.catalog = 0
        self.partitions: list[bytes] = []
        primary: disk.VolumeDescriptor | None = None
        for sector in _descriptors(device, start + disk.SYSTEM_SECTORS):
            if sector[0] == disk.PRIMARY and primary is None:
                primary = disk.VolumeDescriptor(sector)
            else:
                self._take(sector)
        if primary is None:
            raise fault(e.EFTYPE, f"{device.name}: no ISO 9660 volume: no primary descriptor behind sector {start}")
        self.primary = primary
        if primary.block_size not in BLOCK_SIZES:
            raise Corrupt(f"sector {start + disk.SYSTEM_SECTORS}: logical block size: {primary.block_size}")

    def _take(self, sector: bytes) -> None:
        """A descriptor beside the primary one."""
        if sector[0] == disk.SUPPLEMENTARY:
            found = disk.VolumeDescriptor(sector)
            escape = found.escapes[:3]
            if found.version == 2 and self.enhanced is None:
                self.enhanced = found
            elif escape in disk.JOLIET_ESCAPES and self.joliet is None:
                self.joliet, self.joliet_level = found, disk.JOLIET_ESCAPES.index(escape) + 1
        elif sector[0] == disk.BOOT_RECORD and not self.catalog:
            record = disk.BootRecord(sector)
            if record.boot_system.rstrip(b"\0 ") == BOOT_SYSTEM:
                self.catalog = record.catalog * disk.SECTOR
        elif sector[0] == disk.PARTITION:
            self.partitions.append(disk.PartitionDescriptor(sector).partition.rstrip(b" \0"))


def _descriptors(device: BlockDevice, first: int) -> list[bytes]:
    """The sectors with volume descriptors, from sector `first` to the terminator (without it)."""
    found: list[bytes] = []
    for number in range(first, first + DESCRIPTORS_MAX, AT_ONCE):
        at = number * disk.SECTOR
        data = device.read(at, max(0, min(AT_ONCE * disk.SECTOR, device.size - at)))
        for offset in range(0, len(data) - disk.SECTOR + 1, disk.SECTOR):
            sector = data[offset : offset + disk.SECTOR]
            if sector[1:6] != disk.STANDARD_ID or sector[0] == disk.TERMINATOR:
                return found
            found.append(sector)
        if len(data) < AT_ONCE * disk.SECTOR:
            break
    return found


# ---- sessions ----------------------------------------------------------------------------------------------------


def sessions(device: BlockDevice) -> list[int]:
    """The sectors at which the sessions of a device begin, as far as one leads to the next."""
    found = _chain(device, 0)
    if len(found) == 1 and _blocks(device, EMULATED):
        found = _chain(device, EMULATED)
    return found


def _chain(device: BlockDevice, start: int) -> list[int]:
    """The sessions from one on."""
    found = [start]
    while len(found) < SESSIONS_MAX:
        blocks = _blocks(device, start)
        ends = {blocks + gap for gap in GAPS} | {start + blocks + gap for gap in GAPS}
        starts = sorted({-(-end // unit) * unit for end in ends for unit in (1, 16, 32)})
        follow = next((each for each in starts if each > start and _blocks(device, each)), 0)
        if not follow:
            break
        found.append(follow)
        start = follow
    return found


def _blocks(device: BlockDevice, start: int) -> int:
    """How many sectors the session that begins at a sector says it has; 0 if none begins there."""
    at = (start + disk.SYSTEM_SECTORS) * disk.SECTOR
    if at + disk.SECTOR > device.size:
        return 0
    descriptor = disk.VolumeDescriptor(device.read(at, disk.SECTOR))
    if descriptor.type != disk.PRIMARY or descriptor.identifier != disk.STANDARD_ID:
        return 0
    return descriptor.space_size * descriptor.block_size // disk.SECTOR


def session(device: BlockDevice, options: Options) -> int:
    """The sector at which the session to be used begins.  Errors: EINVAL - there are not as many."""
    if options.sector >= 0:
        return options.sector
    if not options.session:
        return _chain(device, 0)[-1]
    found = sessions(device)
    if options.session > len(found):
        raise fault(e.EINVAL, f"cd9660: session {options.session} of {len(found)}")
    return found[options.session - 1]


# ---- name spaces -------------------------------------------------------------------------------------------------


class NameSpace:
    """One of the trees of a volume, with names as people see them.

    kind         "rockridge", "joliet", "enhanced", "plain"
    descriptor   the volume descriptor it is from
    root         byte at which its root directory begins
    use          how system use fields are read (Rock Ridge), or None
    protocols    names of the protocols of these
    decode_name  a record's name as people see it
    """

    def __init__(
        self,
        kind: str,
        descriptor: disk.VolumeDescriptor,
        decode_name: Callable[[bytes], bytes],
        use: SystemUse | None = None,
        protocols: tuple[bytes, ...] = (),
    ) -> None:
        self.kind = kind
        self.descriptor = descriptor
        self.root = (descriptor.root_extent + descriptor.root_xar_length) * descriptor.block_size
        self.decode_name = decode_name
        self.use = use
        self.protocols = protocols


def name_spaces(medium: Medium, descriptors: Descriptors, options: Options) -> dict[str, NameSpace]:
    """The name spaces there are, the best first."""
    primary = descriptors.primary
    if options.lower_case:
        plain = names.generation if options.generations else names.plain
    else:
        plain = names.generation_capital if options.generations else names.plain_capital
    found: dict[str, NameSpace] = {}
    if options.rock_ridge:
        rock_ridge = _rock_ridge(medium, primary, plain)
        if rock_ridge is not None:
            found["rockridge"] = rock_ridge
    if descriptors.joliet is not None and options.joliet and descriptors.joliet.block_size == primary.block_size:
        found["joliet"] = NameSpace("joliet", descriptors.joliet, names.joliet)
    if descriptors.enhanced is not None and descriptors.enhanced.block_size == primary.block_size:
        found["enhanced"] = NameSpace("enhanced", descriptors.enhanced, names.enhanced)
    found["plain"] = NameSpace("plain", primary, plain)
    return found


def _rock_ridge(
    medium: Medium, primary: disk.VolumeDescriptor, plain: Callable[[bytes], bytes]
) -> NameSpace | None:
    """The primary tree with Rock Ridge, if it has that: its ER says so, or there is none but a PX (1.09)."""
    try:
        field = susp.root_field(medium, (primary.root_extent + primary.root_xar_length) * primary.block_size)
        if field is None:
            return None
        said, attributes = susp.protocols(*field)
    except Fault:
        return None
    if not any(name in ROCK_RIDGE_IDS for name in said) and (said or not attributes):
        return None
    return NameSpace("rockridge", primary, plain, field[0], said)


# ---- mounting ----------------------------------------------------------------------------------------------------


def probe(device: BlockDevice) -> str | None:
    """ "ISO 9660" or None."""
    try:
        Descriptors(device, 0)
    except Fault:
        return None
    return "ISO 9660"


def mount(arguments: MountArguments) -> Cd9660Volume:
    """See `FileSystem.mount`."""
    from rump.drivers.fs.cd9660.ops import Cd9660Volume

    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "cd9660 needs a device")
    options = Options(arguments.options)
    if not arguments.read_only:
        raise fault(e.EROFS, "cd9660 can be mounted for reading only")
    descriptors = Descriptors(device, session(device, options))
    primary = descriptors.primary
    size = primary.space_size * primary.block_size
    if size > device.size:
        arguments.services.log(f"cd9660: {device.name}: the volume has {size} bytes, the device only {device.size}")
    medium = Medium(device, primary.block_size, arguments.cache_bytes // 2)
    spaces = name_spaces(medium, descriptors, options)
    kind = options.names or next(iter(spaces))
    if kind not in spaces:
        there = ", ".join(name for name in NAME_SPACES if name in spaces)
        raise fault(e.EINVAL, f"cd9660: names={kind}: there are only: {there}")
    return Cd9660Volume(arguments, medium, descriptors, tuple(spaces), spaces[kind], options)
