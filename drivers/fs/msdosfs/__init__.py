# SPDX-License-Identifier: BSD-2-Clause
"""msdosfs: the FAT file systems of MS-DOS and its heirs - FAT12, FAT16, FAT32, with long names.

    disk     structures on the medium
    mount    what the boot sector says, checked; options; probing
    bmap     the file allocation table: cluster chains as extents
    lookup   directories and names
    ops      the volume
    writing  what changes it; loaded only by mounts that write
    newfs    makes one
    fsck     looks over one

The format has no inode numbers.  A file's fileid is the place of its (short) directory entry on the volume, counted in
entries of 32 bytes; the root directory, which has no entry, is file 1.  The generation is always 0.  On a volume that
is written to a file keeps its fileid when it moves, as long as the kernel knows it (`rump.drivers.fs.fat.places`).
"""

from __future__ import annotations

from rump.kernel.abi import UF_ARCHIVE, UF_HIDDEN, UF_READONLY, UF_SYSTEM
from rump.kernel.vfs.volume import Capabilities, FileSystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Finding, MountArguments, Volume


def _mount(arguments: MountArguments) -> Volume:
    from rump.drivers.fs.msdosfs.mount import mount

    return mount(arguments)


def _probe(device: BlockDevice) -> str | None:
    from rump.drivers.fs.msdosfs.mount import probe

    return probe(device)


def _newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    from rump.drivers.fs.msdosfs.newfs.make import newfs

    return newfs(arguments)


def _fsck(arguments: MountArguments) -> Iterator[Finding]:
    from rump.drivers.fs.msdosfs.fsck.check import fsck

    return fsck(arguments)


driver = FileSystem(
    name="msdosfs",
    aliases=("msdos", "fat", "vfat", "fat12", "fat16", "fat32"),
    mount=_mount,
    probe=_probe,
    newfs=_newfs,
    fsck=_fsck,
    capabilities=Capabilities(
        name_max=255 * 3,                       # 255 UTF-16 units
        file_size_max=(1 << 32) - 1,
        time_min=315532800 * 10**9,             # 1980-01-01
        time_max=4354819198 * 10**9,            # 2107-12-31 23:59:58
        time_step=2 * 10**9,
        case_sensitive=False,
        writable=True,
        flags=UF_ARCHIVE | UF_HIDDEN | UF_READONLY | UF_SYSTEM,
    ),
)
