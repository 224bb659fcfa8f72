# SPDX-License-Identifier: BSD-2-Clause
"""exFAT: what Windows and others make on cards and sticks; `newfs` makes them, `fsck` looks over them.

    disk, checksum, upcase     structures on the medium, their checksums, the table that pairs letters
    mount    what the boot sector and the root directory say, checked; options; probing
    bmap     where files' clusters are
    lookup   directories and names
    ops      the volume
    writing  all that only a mount for writing needs

The format has no inode numbers.  A file's fileid is the place of its first directory entry on the volume, counted in
entries of 32 bytes, for as long as it is not moved while in use; the root directory is file 1.  Mount options:

uid=N, gid=N    owner of all files
mask=N          permissions of files (octal), 644 if not given
dirmask=N       those of directories
tz=+HH:MM       the time zone of times that do not say theirs, and of those that are written; UTC if not given
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
    from rump.drivers.fs.exfat.mount import mount

    return mount(arguments)


def _probe(device: BlockDevice) -> str | None:
    from rump.drivers.fs.exfat.mount import probe

    return probe(device)


def _newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    from rump.drivers.fs.exfat.newfs.make import newfs

    return newfs(arguments)


def _fsck(arguments: MountArguments) -> Iterator[Finding]:
    from rump.drivers.fs.exfat.fsck.check import fsck

    return fsck(arguments)


driver = FileSystem(
    name="exfat",
    mount=_mount,
    probe=_probe,
    newfs=_newfs,
    fsck=_fsck,
    capabilities=Capabilities(
        name_max=255 * 3,                       # 255 UTF-16 units
        file_size_max=(1 << 63) - 1,            # and what the clusters hold
        time_min=315532800 * 10**9,             # 1980-01-01
        time_max=4354819199 * 10**9 + 990 * 10**6,      # 2107-12-31 23:59:59.99
        time_step=10**7,
        case_sensitive=False,
        flags=UF_ARCHIVE | UF_HIDDEN | UF_READONLY | UF_SYSTEM,
        writable=True,
    ),
)
