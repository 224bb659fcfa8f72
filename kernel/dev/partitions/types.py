# SPDX-License-Identifier: BSD-2-Clause
"""Names of partition types, and the words that select them.

GPT type GUIDs are those of the UEFI specification, of the systems that define them and of the UAPI group's
Discoverable Partitions Specification; MBR types are the customary assignments; BSD file-system types are the FS_*
numbers of NetBSD's sys/disklabel.h, with what OpenBSD and FreeBSD number otherwise.
"""

from __future__ import annotations

_NETBSD = "-b10e-11dc-b99b-0019d1879648"
_FREEBSD = "-6ecf-11d6-8ff8-00022d09712b"
_APPLE = "-0000-11aa-aa11-00306543ecac"
_SOLARIS = "-1dd2-11b2-99a6-080020736631"
_DRAGONFLY = "11dc-8817-01301bb8a9f5"

FREEBSD_DISKLABEL = "516e7cb4" + _FREEBSD

GPT: dict[str, str] = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "024dee41-33e7-11d3-9d69-0008c781f39f": "MBR partition scheme",
    "9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PowerPC PReP boot",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
    "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": "Microsoft LDM metadata",
    "af9b60a0-1431-4f62-bc68-3311714a69ad": "Microsoft LDM data",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery environment",
    "e75caf8f-f680-4cee-afa3-b001e56efc2d": "Microsoft Storage Spaces",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux filesystem",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "8da63339-0007-60c0-c436-083ac8230908": "Linux reserved",
    "7ffec5c9-2d00-49b7-8941-3ea10a5586b7": "Linux plain dm-crypt",
    "ca7d7ccb-63ed-4c53-861c-1742536059cc": "Linux LUKS",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
    "3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "Linux server data",
    "4d21b016-b534-45c2-a9fb-5c16e091fd2d": "Linux variable data",
    "7ec6f557-3bc5-4aca-b293-16ef5df639d1": "Linux temporary data",
    "44479540-f297-41b2-9af7-d131d5f0458a": "Linux root (x86)",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "69dad710-2ce4-4e3c-b16c-21a1d49abed3": "Linux root (ARM)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (ARM-64)",
    "993d8d3d-f80e-4225-855a-9daf8ed7ea97": "Linux root (IA-64)",
    "60d5a7fe-8e7d-435c-b714-3dd8162144e1": "Linux root (RISC-V 32)",
    "72ec70a6-cf74-40e6-bd49-4bda08e8f224": "Linux root (RISC-V 64)",
    "8484680c-9521-48c6-9c11-b0720656f69e": "Linux /usr (x86-64)",
    "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5": "Linux root verity (x86-64)",
    "83bd6b9d-7f41-11dc-be0b-001560b84f0f": "FreeBSD boot",
    FREEBSD_DISKLABEL: "FreeBSD disklabel",
    "516e7cb5" + _FREEBSD: "FreeBSD swap",
    "516e7cb6" + _FREEBSD: "FreeBSD UFS",
    "516e7cb8" + _FREEBSD: "FreeBSD Vinum",
    "516e7cba" + _FREEBSD: "FreeBSD ZFS",
    "49f48d32" + _NETBSD: "NetBSD swap",
    "49f48d5a" + _NETBSD: "NetBSD FFS",
    "49f48d82" + _NETBSD: "NetBSD LFS",
    "49f48daa" + _NETBSD: "NetBSD RAID",
    "2db519c4-b10f-11dc-b99b-0019d1879648": "NetBSD concatenated",
    "2db519ec-b10f-11dc-b99b-0019d1879648": "NetBSD encrypted",
    "824cc7a0-36a8-11e3-890a-952519ad3f61": "OpenBSD data",
    "9d087404-1ca5-" + _DRAGONFLY: "DragonFly label32",
    "9d58fdbd-1ca5-" + _DRAGONFLY: "DragonFly swap",
    "9d94ce7c-1ca5-" + _DRAGONFLY: "DragonFly UFS",
    "3d48ce54-1d16-11dc-8696-01301bb8a9f5": "DragonFly label64",
    "61dc63ac-6e38-11dc-8513-01301bb8a9f5": "DragonFly HAMMER",
    "5cbb9ad1-862d-11dc-a94d-01301bb8a9f5": "DragonFly HAMMER2",
    "48465300" + _APPLE: "Apple HFS+",
    "7c3457ef" + _APPLE: "Apple APFS",
    "55465300" + _APPLE: "Apple UFS",
    "426f6f74" + _APPLE: "Apple boot",
    "52414944" + _APPLE: "Apple RAID",
    "6a82cb45" + _SOLARIS: "Solaris boot",
    "6a85cf4d" + _SOLARIS: "Solaris root",
    "6a87c46f" + _SOLARIS: "Solaris swap",
    "6a8b642b" + _SOLARIS: "Solaris backup",
    "6a898cc3" + _SOLARIS: "Solaris /usr & Apple ZFS",
    "6a8ef2e9" + _SOLARIS: "Solaris /var",
    "6a90ba39" + _SOLARIS: "Solaris /home",
    "6a945a3b" + _SOLARIS: "Solaris reserved",
    "fe3a2a5d-4f32-41a7-b725-accc3285a309": "ChromeOS kernel",
    "3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec": "ChromeOS root",
    "aa31e02a-400f-11db-9590-000c2911d1b8": "VMware VMFS",
    "42465331-3ba3-10f1-802a-4861696b7521": "Haiku BFS",
}

MBR: dict[int, str] = {
    0x01: "FAT12", 0x04: "FAT16 below 32 MB", 0x05: "Extended", 0x06: "FAT16", 0x07: "NTFS/exFAT/HPFS",
    0x0B: "FAT32", 0x0C: "FAT32 (LBA)", 0x0E: "FAT16 (LBA)", 0x0F: "Extended (LBA)", 0x11: "Hidden FAT12",
    0x12: "Service partition", 0x14: "Hidden FAT16 below 32 MB", 0x16: "Hidden FAT16", 0x17: "Hidden NTFS",
    0x1B: "Hidden FAT32", 0x1C: "Hidden FAT32 (LBA)", 0x1E: "Hidden FAT16 (LBA)", 0x27: "Windows recovery",
    0x39: "Plan 9", 0x41: "PowerPC PReP boot", 0x42: "Windows dynamic disk", 0x63: "GNU Hurd or System V",
    0x80: "Old Minix", 0x81: "Minix", 0x82: "Linux swap", 0x83: "Linux", 0x85: "Linux extended",
    0x88: "Linux plaintext", 0x8E: "Linux LVM", 0xA5: "FreeBSD or DragonFly", 0xA6: "OpenBSD", 0xA8: "Darwin UFS",
    0xA9: "NetBSD", 0xAB: "Darwin boot", 0xAF: "HFS/HFS+", 0xBE: "Solaris boot", 0xBF: "Solaris",
    0xDA: "Non-FS data", 0xE8: "LUKS", 0xEA: "Linux extended boot", 0xEB: "BeOS/Haiku", 0xEE: "GPT protective",
    0xEF: "EFI system", 0xFB: "VMware VMFS", 0xFD: "Linux RAID",
}  # fmt: skip

BSD = (
    "unused", "swap", "Version 6", "Version 7", "System V", "4.1BSD", "Eighth Edition", "4.2BSD", "MSDOS", "4.4LFS",
    "unknown", "HPFS", "ISO9660", "boot", "ADOS", "HFS", "FILECORE", "Linux Ext2", "NTFS", "RAID", "ccd", "jfs",
    "Apple UFS", "vinum", "UDF", "SysVBFS", "EFS", "NILFS", "cgd", "MINIX FSv3", "VMware VMKCORE", "VMware VMFS",
    "ZFS",
)  # fmt: skip
BSD_OPEN: dict[int, str] = {18: "ccd", 19: "RAID", 20: "NTFS", 21: "UDF"}
BSD_FREE: dict[int, str] = {14: "vinum", 15: "RAID", 22: "HAMMER", 23: "HAMMER2", 27: "ZFS", 30: "NANDFS"}


def _named(*words: str) -> frozenset[str]:
    """The types, of all schemes, in whose names one of the words occurs."""
    numbered = ((f"0x{number:02x}", name) for number, name in MBR.items())
    kinds = [*GPT.items(), *numbered, *zip(BSD, BSD, strict=True)]
    return frozenset(kind for kind, name in kinds if any(word in name.lower() for word in words))


_NEW: dict[str, tuple[str, int]] = {
    "efi": ("EFI system", 0xEF), "esp": ("EFI system", 0xEF), "bios": ("BIOS boot", 0),
    "linux": ("Linux filesystem", 0x83), "boot": ("Linux extended boot", 0xEA), "swap": ("Linux swap", 0x82),
    "lvm": ("Linux LVM", 0x8E), "raid": ("Linux RAID", 0xFD), "luks": ("Linux LUKS", 0xE8),
    "home": ("Linux home", 0x83), "root-x86": ("Linux root (x86)", 0x83), "root-x86-64": ("Linux root (x86-64)", 0x83),
    "root-arm": ("Linux root (ARM)", 0x83), "root-arm64": ("Linux root (ARM-64)", 0x83),
    "root-riscv64": ("Linux root (RISC-V 64)", 0x83), "fat": ("Microsoft basic data", 0x0C),
    "fat12": ("Microsoft basic data", 0x01), "fat16": ("Microsoft basic data", 0x0E),
    "fat32": ("Microsoft basic data", 0x0C), "vfat": ("Microsoft basic data", 0x0C),
    "exfat": ("Microsoft basic data", 0x07), "ntfs": ("Microsoft basic data", 0x07),
    "windows": ("Microsoft basic data", 0x07), "msr": ("Microsoft reserved", 0), "prep": ("PowerPC PReP boot", 0x41),
    "netbsd": ("NetBSD FFS", 0xA9), "freebsd": ("FreeBSD UFS", 0xA5), "openbsd": ("OpenBSD data", 0xA6),
    "dragonfly": ("DragonFly UFS", 0xA5), "solaris": ("Solaris root", 0xBF), "apfs": ("Apple APFS", 0),
    "hfs": ("Apple HFS+", 0xAF),
}  # fmt: skip
"""What new partitions are called in few letters: the name of the type in a GPT, the type in an MBR (0: it has none)."""


def type_made(word: str, scheme: str) -> str | None:
    """The type that a new partition of scheme "gpt" or "mbr" gets: by a word ("efi", "linux", "swap" ...), by its name
    as listed here ("Linux home"), or as it is (a GUID, "0x83").  None if there is none."""
    low = word.lower()
    name, number = _NEW.get(low, (word, 0))
    if scheme == "gpt":
        by_name = next((kind for kind, known in GPT.items() if known.lower() == name.lower()), None)
        return by_name or (low if len(low) == 36 and low.count("-") == 4 else None)
    if number:
        return f"0x{number:02x}"
    by_name = next((f"0x{kind:02x}" for kind, known in MBR.items() if known.lower() == low), None)
    digits = low.removeprefix("0x")
    if by_name is None and 0 < len(digits) <= 2 and all(digit in "0123456789abcdef" for digit in digits):
        return f"0x{int(digits, 16):02x}"
    return by_name


def types_meant(word: str) -> frozenset[str]:
    """The types that a word like "efi", "linux", "0x83" or "4.2BSD" stands for; empty if none is known."""
    word = word.lower()
    exact = {"efi": "efi system", "esp": "efi system", "linux-lvm": "linux lvm", "boot": "extended boot"}.get(word)
    if word == "linux":
        return frozenset(("0fc63daf-8483-4772-8e79-3d69d8477de4", "0x83"))
    if word in ("root", "rootfs"):
        return _named("linux root (", "solaris root", "chromeos root")
    if word in ("fat", "vfat", "msdos"):
        return _named("fat12", "fat16", "fat32", "msdos") | {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"}
    if word in ("ntfs", "windows"):
        return _named("ntfs") | {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"}
    if word in ("ffs", "ufs", "4.2bsd"):
        return _named("4.2bsd", "ffs", "ufs")
    if exact or word in _WORDS:
        return _named(exact or word)
    return frozenset()


_WORDS = frozenset((
    "swap", "lvm", "raid", "luks", "home", "lfs", "zfs", "hfs", "apfs", "netbsd", "openbsd", "freebsd", "dragonfly",
    "solaris", "bios", "prep", "recovery", "minix", "ext2",
))  # fmt: skip
