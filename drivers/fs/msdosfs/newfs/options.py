# SPDX-License-Identifier: BSD-2-Clause
"""What newfs is asked for: options as strings, turned into numbers.  Names and limits are those of mkfs.fat(8) 4.2."""

from __future__ import annotations

from rump.drivers.fs.fat.options import Options
from rump.kernel.errors import fault
from rump.kernel.vfs.newfs import Numbers, choice, digits, hexadecimal, known, power
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments

OPTIONS = (
    "type", "size", "bits", "sector_size", "cluster_sectors", "fats", "root_entries", "reserved_sectors", "label",
    "uuid", "media", "backup_sector", "hidden_sectors", "drive", "align", "geometry", "message", "mbr", "invariant",
    "codepage", "tz", "time", "zeroed", "dry_run",
)  # fmt: skip
TYPES = {"msdos": 0, "fat": 0, "vfat": 0, "fat12": 12, "fat16": 16, "fat32": 32}
"""Type -> bits of a FAT entry, 0: as the size has it."""
WIDTHS = {"12": 12, "16": 16, "32": 32}

INVARIANT_ID, INVARIANT_TIME = 0x1234ABCD, 1426325213
NO_NAME = b"NO NAME    "
CODE_PAGE = 850
FORBIDDEN = b'*?.,;:/\\|+=<>[]"'
SECTOR_MAX = 32768


class Wanted:
    """The options, understood.

    bits               of a FAT entry: 12, 16, 32; 0: by the size
    dry_run            nothing is written; the size may then be more than the device has
    size               bytes of the device to use
    sector_size        bytes
    cluster_sectors    sectors in a cluster, 0: by the size
    fats               copies of the FAT
    root_entries       entries that the root directory has room for (FAT12, FAT16), 0: by the size
    reserved_sectors   before the first FAT, at least; 0: 1, on FAT32 32
    backup_sector      FAT32: where a copy of the boot sector is, 0: there is none, -1: where there is room
    hidden_sectors     of the disk before the volume
    media, drive       kind of medium and the BIOS's number of the drive, -1: by the size
    geometry           (heads, sectors in a track), (0, 0): by the size
    align              structures begin at whole clusters, and the volume is made of whole tracks
    label              eleven bytes
    serial             number of the volume
    time               nanoseconds since 1970, of the label
    tz                 minutes that it is told ahead of UTC
    message            what the boot code prints; None: it has something to say
    mbr                the boot sector looks like a disk's with one partition, too
    zeroed             the device is known to read as zeros
    """

    def __init__(self, arguments: MountArguments) -> None:
        """Errors: EINVAL - an option, named; ENXIO."""
        options, services = arguments.options, arguments.services
        known(options, OPTIONS)
        device = arguments.device
        if device is None:
            raise fault(e.ENXIO, "msdosfs needs a device")
        number = Numbers(options)
        self.bits = self._bits(options)
        self.dry_run = bool(number("dry_run", 0, 0, 1))
        self.zeroed = bool(number("zeroed", 0, 0, 1))
        self.size = number("size", device.size, 0, 1 << 62 if self.dry_run else device.size)
        usual = min(max(device.sector_size, 512), 4096)
        self.sector_size = power("sector_size", number("sector_size", usual, 512, SECTOR_MAX))
        self._layout(number, options)
        self.media, self.drive = _byte("media", options), _byte("drive", options)
        if 0 <= self.media < 0xF8 and self.media != 0xF0:
            raise fault(e.EINVAL, f"option media={options['media']}: neither 0xf0 nor 0xf8 to 0xff")
        self.geometry = _geometry(options.get("geometry", ""))
        self.mbr = bool(number("mbr", 0, 0, 1))
        invariant = bool(number("invariant", 0, 0, 1))
        self.label = _label(options.get("label", ""), number("codepage", CODE_PAGE, 1, 99999))
        self.serial = _serial(options, invariant, services.random)
        self.message = _message(options)
        now = INVARIANT_TIME if invariant else max(services.now() // 10**9, 0)
        self.time = number("time", now, 0, 1 << 40) * 10**9
        self.tz = Options("msdosfs", {"tz": options.get("tz", "0")}).tz

    def _bits(self, options: dict[str, str]) -> int:
        """The width of FAT entries: by `bits`, or by the type."""
        named = choice("type", options.get("type", "fat"), TYPES)
        if "bits" not in options:
            return named
        bits = choice("bits", options["bits"], WIDTHS)
        if named and bits != named:
            raise fault(e.EINVAL, f"option bits={bits}: a {options['type']} has {named}")
        return bits

    def _layout(self, number: Numbers, options: dict[str, str]) -> None:
        """What the layout is made of."""
        self.cluster_sectors = power("cluster_sectors", number("cluster_sectors", 0, 1, 128))
        self.fats = number("fats", 2, 1, 4)
        self.root_entries = number("root_entries", 0, 16, 32768)
        self.reserved_sectors = number("reserved_sectors", 0, 1, 0xFFFF)
        self.backup_sector = number("backup_sector", -1, 0, 0xFFFF)
        self.hidden_sectors = number("hidden_sectors", 0, 0, 0xFFFFFFFF)
        self.align = bool(number("align", 1, 0, 1))


def _byte(name: str, options: dict[str, str]) -> int:
    """A byte, decimal or after ``0x`` hexadecimal; -1 if it is not given."""
    text = options.get(name)
    if text is None:
        return -1
    value = digits(text[2:], 16) if text[:2].lower() == "0x" else digits(text, 10)
    if not 0 <= value <= 255:
        raise fault(e.EINVAL, f"option {name}={text}: not a byte")
    return value


def _geometry(text: str) -> tuple[int, int]:
    """``heads/sectors``."""
    if not text:
        return 0, 0
    heads, _, sectors = text.partition("/")
    pair = digits(heads, 10), digits(sectors, 10)
    if not all(0 < value <= 0xFFFF for value in pair):
        raise fault(e.EINVAL, f"option geometry={text}: not HEADS/SECTORS")
    return pair


def _serial(options: dict[str, str], invariant: bool, random: object) -> int:
    """The volume's number, as given or random."""
    text = options.get("uuid", "random")
    if text == "random":
        assert callable(random)
        return INVARIANT_ID if invariant else int.from_bytes(random(4), "little")
    return hexadecimal("uuid", text)


def _label(text: str, page: int) -> bytes:
    """A label in a code page.  As with mkfs.fat what no short name may have is refused, but not lower case."""
    try:
        data = text.encode(f"cp{page}")
    except LookupError:
        raise fault(e.EINVAL, f"option codepage={page}: not known here") from None
    except UnicodeError:
        raise fault(e.EINVAL, f"option label={text}: not all of it is in code page {page}") from None
    if len(data) > 11:
        raise fault(e.EINVAL, f"option label={text}: longer than 11 bytes")
    if any(byte < 0x20 or byte == 0x7F or byte in FORBIDDEN for byte in data):
        raise fault(e.EINVAL, f"option label={text}: has control characters or one of {FORBIDDEN.decode()}")
    if data[:1] == b" " and data.strip():
        raise fault(e.EINVAL, f"option label={text}: begins with a space")
    return data.ljust(11) if data.strip() else NO_NAME


def _message(options: dict[str, str]) -> bytes | None:
    """What the boot code is to print: tabs expanded, lines ended as the BIOS wants it."""
    text = options.get("message")
    if text is None:
        return None
    data = text.encode("utf-8", "surrogateescape").replace(b"\0", b"").replace(b"\r", b"").expandtabs(8)
    *lines, last = data.split(b"\n")
    return b"".join([line + b"\r\n" if line else b"\n" for line in lines]) + last
