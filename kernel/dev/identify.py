# SPDX-License-Identifier: BSD-2-Clause
"""What a device holds when no driver knows it: for messages, and for people who look at an image.

Nothing is believed but magic numbers at known places; ext and FAT are not here, their drivers probe for them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice

HEAD = 272 * 1024           # bytes looked at from the start
TAIL = 128 * 1024           # and to the end

# (offset, magic, name), the telling ones first.  A negative offset counts from the end of the device.
MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"LUKS\xba\xbe\x00\x01", "LUKS1 encrypted volume"),
    (0, b"LUKS\xba\xbe\x00\x02", "LUKS2 encrypted volume"),
    (3, b"-FVE-FS-", "BitLocker encrypted volume"),
    (536, b"LVM2 001", "LVM2 physical volume"),         # the label is in one of the first four sectors
    (24, b"LVM2 001", "LVM2 physical volume"),
    (1048, b"LVM2 001", "LVM2 physical volume"),
    (1560, b"LVM2 001", "LVM2 physical volume"),
    (0, b"\xfc\x4e\x2b\xa9\x01\x00\x00\x00", "Linux RAID member (metadata 1.1)"),
    (4096, b"\xfc\x4e\x2b\xa9\x01\x00\x00\x00", "Linux RAID member (metadata 1.2)"),
    (0, b"QFI\xfb\x00\x00\x00\x01", "QCOW disk image"),
    (0, b"QFI\xfb\x00\x00\x00\x02", "QCOW2 disk image"),
    (0, b"QFI\xfb\x00\x00\x00\x03", "QCOW2 disk image"),
    (0, b"QED\x00", "QED disk image"),
    (0, b"KDMV", "VMDK disk image"),
    (0, b"COWD", "VMDK disk image (ESX)"),
    (0, b"# Disk DescriptorFile", "VMDK descriptor; the data is in files beside it"),
    (64, b"\x7f\x10\xda\xbe", "VDI disk image"),
    (0, b"vhdxfile", "VHDX disk image"),
    (0, b"conectix", "VHD disk image"),
    (-512, b"conectix", "VHD disk image"),
    (-512, b"koly", "Apple disk image (UDIF)"),
    (0, b"WithoutFreeSpace", "Parallels disk image"),
    (0, b"WithouFreSpacExt", "Parallels disk image"),
    (0, b"EVF\x09\x0d\x0a\xff\x00", "EnCase (EWF) disk image"),
    (0, b"\x3a\xff\x26\xed", "Android sparse image"),
    (4096, b"gDla", "Android dynamic partitions (super)"),
    (0, b"ANDROID!", "Android boot image"),
    (3, b"NTFS    ", "NTFS"),
    (3, b"EXFAT   ", "exFAT"),
    (65600, b"_BHRfS_M", "Btrfs"),
    (0, b"XFSB", "XFS"),
    (4120, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca", "bcachefs"),
    (0, b"hsqs", "SquashFS"),
    (0, b"sqsh", "SquashFS (big-endian)"),
    (1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (32768, b"JFS1", "JFS"),
    (65588, b"ReIsEr2Fs", "ReiserFS"),
    (65588, b"ReIsEr3Fs", "ReiserFS"),
    (65588, b"ReIsErFs", "ReiserFS"),
    (8244, b"ReIsErFs", "ReiserFS"),
    (65536, b"ReIsEr4", "Reiser4"),
    (1030, b"\x34\x34", "NILFS2"),
    (65536, b"\x01\x16\x19\x70", "GFS2"),
    (8192, b"OCFSV2", "OCFS2"),
    (1024, b"H+\x00\x04", "HFS+"),
    (1024, b"HX\x00\x05", "HFSX"),
    (1024, b"BD", "HFS"),
    (32, b"NXSB", "APFS"),
    (66908, b"\x19\x01\x54\x19", "UFS2 (FFS)"),         # superblock at 64 KiB, its magic 1372 bytes in
    (66908, b"\x19\x54\x01\x19", "UFS2 (FFS), big-endian"),
    (9564, b"\x54\x19\x01\x00", "UFS1 (FFS)"),          # superblock at 8 KiB
    (9564, b"\x00\x01\x19\x54", "UFS1 (FFS), big-endian"),
    (9564, b"\x19\x01\x54\x19", "UFS2 (FFS)"),
    (9564, b"\x19\x54\x01\x19", "UFS2 (FFS), big-endian"),
    (1372, b"\x54\x19\x01\x00", "UFS1 (FFS)"),          # floppies keep it at 0
    (8192, b"\x62\x01\x07\x00", "LFS"),
    (1040, b"\x7f\x13", "Minix file system"),
    (1040, b"\x8f\x13", "Minix file system"),
    (1040, b"\x68\x24", "Minix file system version 2"),
    (1040, b"\x78\x24", "Minix file system version 2"),
    (1048, b"\x5a\x4d", "Minix file system version 3"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"\x28\xcd\x3d\x45", "cramfs (big-endian)"),
    (0, b"-rom1fs-", "romfs"),
    (0, b"UBI#", "UBI image"),
    (0, b"\x31\x18\x10\x06", "UBIFS"),
    (0, b"\x85\x19\x01\xe0", "JFFS2"),                  # a first node: inode number, directory entry, clean marker
    (0, b"\x85\x19\x02\xe0", "JFFS2"),
    (0, b"\x85\x19\x03\x20", "JFFS2"),
    (0, b"\x19\x85\xe0\x01", "JFFS2 (big-endian)"),
    (0, b"\x19\x85\xe0\x02", "JFFS2 (big-endian)"),
    (0, b"\x19\x85\x20\x03", "JFFS2 (big-endian)"),
    (32769, b"CD001", "ISO 9660"),
    (32777, b"CDROM", "High Sierra (before ISO 9660)"),
    (0, b"\x1f\x8b\x08", "gzip compressed data"),
    (0, b"\xfd7zXZ\x00", "xz compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd compressed data"),
    (4, b"1AY&SY", "bzip2 compressed data"),
    (0, b"\x04\x22\x4d\x18", "lz4 compressed data"),
    (0, b"\x02\x21\x4c\x18", "lz4 compressed data (legacy)"),
    (0, b"\x89LZO\x00\x0d\x0a\x1a\x0a", "lzop compressed data"),
    (0, b"LZIP\x01", "lzip compressed data"),
    (0, b"\x1f\x9d", "compress'd data"),
    (0, b"PK\x03\x04", "zip archive"),
    (0, b"PK\x05\x06", "zip archive (empty)"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"MSWIM\x00\x00\x00", "WIM archive"),
    (0, b"xar!", "xar archive"),
    (0, b"070701", "cpio archive"),
    (0, b"070702", "cpio archive"),
    (0, b"070707", "cpio archive"),
    (0, b"!<arch>\n", "ar archive"),
    (257, b"ustar", "tar archive"),
    (0, b"\x7fELF", "ELF file"),
    (0, b"\xd0\x0d\xfe\xed", "device tree or FIT image"),
    (0, b"\x27\x05\x19\x56", "U-Boot image"),
    (512, b"PM\x00\x00", "Apple partition map"),
    (508, b"\xda\xbe", "Sun disk label"),
)

SWAP_MAGICS = (b"SWAPSPACE2", b"SWAP-SPACE", b"S1SUSPEND\x00", b"S2SUSPEND\x00")
PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)  # swap space has its magic at the end of the first page
MD_LITTLE = b"\xfc\x4e\x2b\xa9"
UBERBLOCKS = (131072, 262144, 1024)             # ZFS: a ring of them in the second half of each label: from, to, step
UBERBLOCK_MAGICS = (b"\x0c\xb1\xba\x00\x00\x00\x00\x00", b"\x00\x00\x00\x00\x00\xba\xb1\x0c")


def identify(device: BlockDevice) -> str | None:
    """What the device looks like, in a few words, or None.  Errors: EIO - the medium cannot be read."""
    head = device.read(0, min(HEAD, device.size))
    start = max(0, device.size - TAIL)
    tail = device.read(start, device.size - start)
    found = _universal_disk(head)
    if found is None:
        found = next((name for at, magic, name in MAGICS if _at(head if at >= 0 else tail, at, magic)), None)
    if found in (None, "Sun disk label", "HFS"):
        found = _swap(head) or _zfs(head) or _raid_at_end(tail, device.size) or found
    return found


def _at(data: bytes, offset: int, magic: bytes) -> bool:
    """Whether `magic` is at `offset`, from the end if negative."""
    if offset < 0:
        offset += len(data)
        if offset < 0:
            return False
    return data.startswith(magic, offset)


def _universal_disk(head: bytes) -> str | None:
    """UDF, alone or beside ISO 9660: descriptors in sectors of 2 KiB from 32 KiB on (ECMA-167 2/9, 3/9)."""
    names = {head[at + 1 : at + 6] for at in range(32768, 65536, 2048)}
    if b"NSR02" in names or b"NSR03" in names:
        return "UDF and ISO 9660" if b"CD001" in names else "UDF"
    return None


def _swap(head: bytes) -> str | None:
    """Linux swap space (or a hibernated system) of any page size."""
    if any(head.startswith(SWAP_MAGICS[:2], page - 10) for page in PAGE_SIZES):
        return "Linux swap"
    if any(head.startswith(SWAP_MAGICS[2:], page - 10) for page in PAGE_SIZES):
        return "Linux swap, holding a suspended system"
    return None


def _zfs(head: bytes) -> str | None:
    first, end, step = UBERBLOCKS
    if any(head.startswith(UBERBLOCK_MAGICS, at) for at in range(first, end, step)):
        return "ZFS pool member"
    return None


def _raid_at_end(tail: bytes, size: int) -> str | None:
    """Linux RAID members that keep their superblock at the end: 8 to 12 KiB before it (1.0), or in the last whole
    64 KiB (0.90)."""
    start = size - len(tail)
    newer = ((size - 8192) & ~4095) - start
    if newer >= 0 and tail.startswith(MD_LITTLE + b"\x01\x00\x00\x00", newer):
        return "Linux RAID member (metadata 1.0)"
    older = (size & ~65535) - 65536 - start
    if older >= 0 and tail.startswith((MD_LITTLE, MD_LITTLE[::-1]), older):
        return "Linux RAID member (metadata 0.90)"
    return None
