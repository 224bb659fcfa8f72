# SPDX-License-Identifier: BSD-2-Clause
"""cd9660: the file system of CDs and DVDs - ISO 9660 levels 1 to 3 and ISO 9660:1999, with Rock Ridge, Joliet,
zisofs and El Torito.

    disk, disk_susp, disk_boot   structures on the medium
    dates     the two forms of dates
    options   mount options
    mount     volume descriptors, sessions, which name space is used; probing
    medium    the device in pieces
    susp      system use fields: Rock Ridge
    names     names as the four name spaces have them
    lookup    directories
    bmap      where a file's data is
    zisofs    compressed files
    aaip      extended attributes
    boot      the boot catalog, and boot images as files
    describe  what a volume says of itself
    ops       the volume
    newfs     making new, empty volumes
    fsck      looking over all of a volume
    writing   filling one, with the mount option `author`

A volume is written once: until it is unmounted the tree that is to be is in memory, and then all of it appears at once.

A directory's fileid is the byte at which it begins on the volume (its generation is 0, and so all records that lead to
it mean the same directory).  Of all else the generation is the byte at which its directory record begins, and so is
the fileid - but files of several names (PX) have a fileid by serial number and extent in common.
"""

from __future__ import annotations

from rump.kernel.abi import UF_HIDDEN
from rump.kernel.vfs.volume import Capabilities, FileSystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Finding, MountArguments, Volume


def _mount(arguments: MountArguments) -> Volume:
    if not arguments.read_only:
        from rump.drivers.fs.cd9660.writing.mount import mount as fill

        return fill(arguments)
    from rump.drivers.fs.cd9660.mount import mount

    return mount(arguments)


def _newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    from rump.drivers.fs.cd9660.newfs.make import newfs

    return newfs(arguments)


def _fsck(arguments: MountArguments) -> Iterator[Finding]:
    from rump.drivers.fs.cd9660.fsck.check import fsck

    return fsck(arguments)


def _probe(device: BlockDevice) -> str | None:
    from rump.drivers.fs.cd9660.mount import probe

    return probe(device)


driver = FileSystem(
    name="cd9660",
    aliases=("iso9660", "iso", "isofs"),
    mount=_mount,
    probe=_probe,
    newfs=_newfs,
    fsck=_fsck,
    capabilities=Capabilities(
        name_max=255,
        file_size_max=(1 << 63) - 1,
        time_min=-2208988800 * 10**9,           # 1900-01-01
        time_max=5869583999 * 10**9,            # 2155-12-31 23:59:59
        time_step=10**9,
        symlinks=True,
        hard_links=True,
        devices=True,
        fifos=True,
        sockets=True,
        owners=True,
        permissions=True,
        xattrs=True,
        link_max=(1 << 32) - 1,
        flags=UF_HIDDEN,
        writable=True,
    ),
)
