# SPDX-License-Identifier: BSD-2-Clause
"""The options of a new volume, named as mkisofs(8) and xorrisofs(1) name theirs; all are strings.

label, system-id, volume-set, publisher, preparer, application, copyright, abstract, bibliographic
                    texts of the volume descriptors; the last three name files in the root directory
level               1, 2 or 3: of interchange (ECMA-119, 10).  3 unless said: files of any size, in several pieces
rockridge, joliet   0 or 1: whether there are names as POSIX has them, as Windows has them; 1 unless said
joliet-long         1: Joliet names of 103 characters, not 64
allow-deep          1: directories may be more than eight levels deep, and are not moved to RR_MOVED
boot                El Torito: path of an image for PCs with a BIOS
boot-load-size      how many sectors of 512 bytes of it are loaded, 4 unless said; "full"
boot-load-segment   where to, as real mode counts; 0: 7C0
boot-emulation      none, floppy or hd
boot-info-table     1: bytes 8 to 64 of the image say where it is, as ISOLINUX and GRUB want to know
grub2-boot-info     1: bytes 2548 to 2556 say it
efi                 El Torito: path of a FAT image for UEFI
boot-catalog        path under which the boot catalog can be seen; else it cannot
hybrid              mbr, gpt or both: a partition table with the UEFI image as a partition, for other media than CDs
mbr                 path of a file that begins with code for the boot sector
pad                 sectors of zeros at the end
time                seconds since 1970 when the volume was made; now, unless said
size                bytes of the device that may be used; all, unless said
expect              FILES:DIRECTORIES:BYTES: about how many there will be, and how long names and targets of symbolic
                    links are together, so that there is room for the directories in front of the files.  Where it is
                    too little the files are moved in the end
zeroed              1: the device is known to read as zeros, so that zeros need not be written
dry_run             1: write nothing
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SECTOR: Final = 2048
EPOCH_MAX = 253402300799        # the last second of 9999

TEXTS = {
    "label": 32, "system-id": 32, "volume-set": 128, "publisher": 128, "preparer": 128, "application": 128,
    "copyright": 37, "abstract": 37, "bibliographic": 37,
}  # fmt: skip
"""Texts of the descriptors, and how many characters they may have."""
SWITCHES = {
    "rockridge": True, "joliet": True, "joliet-long": False, "allow-deep": False, "boot-info-table": False,
    "grub2-boot-info": False, "zeroed": False, "dry_run": False,
}  # fmt: skip
PATHS = ("boot", "efi", "boot-catalog", "mbr")
CHOICES = {"boot-emulation": ("none", "floppy", "hd"), "hybrid": ("none", "mbr", "gpt", "both")}
NUMBERS = {
    "level": (1, 3), "boot-load-segment": (0, 0xFFFF), "pad": (0, 1 << 20), "time": (-(1 << 62), EPOCH_MAX),
    "size": (0, 1 << 62),
}  # fmt: skip
NOT_NOTED = ("type", "dry_run")


class Wanted:
    """What is asked for.

    texts           by option, those given; "label" always
    level           of interchange
    rockridge, joliet, joliet_long, allow_deep, boot_info_table, grub2_boot_info, zeroed, dry_run
    boot, efi, boot_catalog, mbr    paths without a leading slash; b"": not wanted
    load_size       sectors of 512 bytes of the BIOS image; 0: all of it
    load_segment    where to
    emulation       "none", "floppy", "hd"
    gpt, mbr_table  which partition tables
    pad             sectors
    time            seconds since 1970; None: now
    expected        files of all types, directories, bytes of names
    sectors         how many of the device may be used
    noted           the options themselves, but for those that count once only
    """

    def __init__(self, options: dict[str, str], device_size: int) -> None:
        """Errors: EINVAL - an unknown option, or a value that does not do (named); ENOSPC - `size` is too large."""
        self._options = options
        self.noted = {name: value for name, value in options.items() if name not in NOT_NOTED}
        self._check_names()
        self.texts = {name: self._text(name, limit) for name, limit in TEXTS.items() if options.get(name)}
        self.texts.setdefault("label", "CDROM")
        self.level = self._number("level", 3)
        self.rockridge = self._switch("rockridge")
        self.joliet = self._switch("joliet")
        self.joliet_long = self._switch("joliet-long")
        self.allow_deep = self._switch("allow-deep")
        self.boot_info_table = self._switch("boot-info-table")
        self.grub2_boot_info = self._switch("grub2-boot-info")
        self.zeroed = self._switch("zeroed")
        self.dry_run = self._switch("dry_run")
        self.boot, self.efi, self.boot_catalog, self.mbr = (self._path(name) for name in PATHS)
        self.load_size = self._load_size()
        self.load_segment = self._number("boot-load-segment", 0)
        self.emulation = self._choice("boot-emulation")
        hybrid = self._choice("hybrid")
        self.gpt, self.mbr_table = hybrid in ("gpt", "both"), hybrid in ("mbr", "both")
        self.pad = self._number("pad", 0)
        self.time = self._number("time", 0) if "time" in options else None
        self.expected = self._expected()
        self.sectors = self._sectors(device_size)
        self._check_boot()

    def _check_names(self) -> None:
        known = {*TEXTS, *SWITCHES, *PATHS, *CHOICES, *NUMBERS, "boot-load-size", "expect", "type"}
        for name in self._options:
            if name not in known:
                raise fault(e.EINVAL, f"cd9660: unknown option {name}")

    def _bad(self, name: str, why: str = "") -> OSError:
        return fault(e.EINVAL, f"cd9660: option {name}={self._options.get(name, '')}{': ' * bool(why)}{why}")

    def _text(self, name: str, limit: int) -> str:
        text = self._options[name]
        if len(text) > limit:
            raise self._bad(name, f"more than {limit} characters")
        if any(letter < " " for letter in text):
            raise self._bad(name, "control characters")
        return text

    def _switch(self, name: str) -> bool:
        text = self._options.get(name)
        if text is None:
            return SWITCHES[name]
        if text not in ("", "0", "1"):
            raise self._bad(name, "not 0 or 1")
        return text != "0"

    def _choice(self, name: str) -> str:
        text = self._options.get(name, "none")
        if text not in CHOICES[name]:
            raise self._bad(name, "not one of " + ", ".join(CHOICES[name]))
        return text

    def _number(self, name: str, default: int) -> int:
        text = self._options.get(name)
        if text is None:
            return default
        low, high = NUMBERS[name]
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and low <= int(text) <= high):
            raise self._bad(name, f"not a number from {low} to {high}")
        return int(text)

    def _path(self, name: str) -> bytes:
        path = self._options.get(name, "").encode("utf-8", "surrogateescape").strip(b"/")
        if any(part in (b"", b".", b"..") for part in path.split(b"/")) and path:
            raise self._bad(name, "not the path of a file")
        return path

    def _load_size(self) -> int:
        text = self._options.get("boot-load-size", "4")
        if text == "full":
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 0xFFFF):
            raise self._bad("boot-load-size", "not a number from 1 to 65535, nor full")
        return int(text)

    def _expected(self) -> tuple[int, int, int]:
        parts = self._options.get("expect", "0:0:0").split(":")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
            raise self._bad("expect", "not three numbers")
        return int(parts[0]), int(parts[1]), int(parts[2])

    def _sectors(self, device_size: int) -> int:
        """Errors: ENOSPC."""
        size = self._number("size", device_size)
        if size > device_size and not self.dry_run:
            raise fault(e.ENOSPC, f"cd9660: option size={size}: the device has {device_size} bytes")
        return min(size // SECTOR, 0xFFFFFFFF)

    def _check_boot(self) -> None:
        """What needs something else."""
        needs = (
            ("boot-info-table", self.boot_info_table, self.boot, "boot"),
            ("grub2-boot-info", self.grub2_boot_info, self.boot, "boot"),
            ("boot-emulation", self.emulation != "none", self.boot, "boot"),
            ("boot-catalog", self.boot_catalog, self.boot or self.efi, "boot or efi"),
            ("hybrid", self.gpt or self.mbr_table, self.efi or self.mbr, "efi or mbr"),
        )
        for name, given, other, needed in needs:
            if given and not other:
                raise self._bad(name, f"needs {needed}")

    @property
    def features(self) -> list[str]:
        """What the volume has beside ISO 9660 itself, in words."""
        return [
            name
            for name, wanted in (
                ("Rock Ridge", self.rockridge), ("Joliet", self.joliet), ("El Torito", self.boot or self.efi),
                ("MBR", self.mbr_table), ("GPT", self.gpt),
            )
            if wanted
        ]  # fmt: skip

    @property
    def label(self) -> str:
        """The volume's name."""
        return self.texts["label"]
