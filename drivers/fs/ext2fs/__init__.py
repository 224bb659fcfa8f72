# SPDX-License-Identifier: BSD-2-Clause
"""ext2, ext3 and ext4: everything that old and today's mke2fs make, in any mix; `newfs` makes them, `fsck`
looks them over.

For reading, a journal that needs recovery is replayed over the image, not into it.  Mount options:

noload      do not replay the journal (norecovery is the same); for reading only
sb=N        use the superblock N KiB into the device, a copy; for reading only
nommpwait   do not wait to see whether another machine writes to the volume (feature mmp): none can reach the device
discard     tell the device which blocks hold nothing any more
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.vfs.volume import Capabilities, FileSystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Finding, MountArguments, Volume


def capabilities(
    inode_size: int = 256, block_size: int = 4096, *, file_size_max: int = 0, writable: bool = False
) -> Capabilities:
    """What a volume can hold; times are of seconds, and end in 2038, where inodes have 128 bytes.
    `file_size_max` is in bytes; 0: what extents can map."""
    wide = inode_size > 128
    return Capabilities(
        symlinks=True,
        hard_links=True,
        devices=True,
        fifos=True,
        sockets=True,
        owners=True,
        permissions=True,
        xattrs=True,
        sparse=True,
        name_max=255,
        file_size_max=file_size_max or ((1 << 32) - 1) * block_size,
        link_max=65000,
        time_min=-(1 << 31) * 10**9,
        time_max=((3 << 32 if wide else 0) + (1 << 31)) * 10**9 - (1 if wide else 10**9),
        time_step=1 if wide else 10**9,
        flags=abi.UF_NODUMP | abi.SF_IMMUTABLE | abi.SF_APPEND,
        writable=writable,
    )


# What makes an ext3 and an ext4 of an ext2: a journal; any feature ext3 does not know.
_JOURNAL = 0x4              # compatible: has_journal
_EXT3_INCOMPAT = 0x16       # filetype, needs_recovery, meta_bg
_EXT3_RO_COMPAT = 0x7       # sparse_super, large_file, btree_dir
_JOURNAL_DEVICE = 0x8       # incompatible: an external journal


def _probe(device: BlockDevice) -> str | None:
    """What the superblock says: "ext2", "ext3", "ext4", or None."""
    if device.size < 2048:
        return None
    data = device.read(1024, 1024)

    def word(offset: int, size: int = 4) -> int:
        return int.from_bytes(data[offset : offset + size], "little")

    compat, incompat, ro_compat = word(0x5C), word(0x60), word(0x64)
    if word(0x38, 2) != 0xEF53 or word(0x18) > 6 or not word(0x20) or incompat & _JOURNAL_DEVICE:
        return None
    if incompat & ~_EXT3_INCOMPAT or ro_compat & ~_EXT3_RO_COMPAT:
        return "ext4"
    return "ext3" if compat & _JOURNAL else "ext2"


def _mount(arguments: MountArguments) -> Volume:
    from rump.drivers.fs.ext2fs.mount import mount

    return mount(arguments)


def _newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    from rump.drivers.fs.ext2fs.newfs.make import newfs

    return newfs(arguments)


def _fsck(arguments: MountArguments) -> Iterator[Finding]:
    from rump.drivers.fs.ext2fs.fsck.check import fsck

    return fsck(arguments)


driver = FileSystem(
    name="ext2fs",
    aliases=("ext2", "ext3", "ext4"),
    mount=_mount,
    probe=_probe,
    newfs=_newfs,
    fsck=_fsck,
    capabilities=capabilities(writable=True),
)
