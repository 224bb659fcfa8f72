# SPDX-License-Identifier: BSD-2-Clause
"""Mounts: which volume hangs where."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.stat import Stat, Statvfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Attributes, Volume

BLOCK_UNITS = 512
_UNKNOWN = BLOCK_UNITS, BLOCK_UNITS, 0, 0, 0, 0, 0
"""Of a volume that was never asked: sizes of blocks, and no numbers."""


class Mount:
    """A mounted volume.

    number     st_dev of its files
    device     where the kernel reads its files' data, None if it has none
    lost       whether its driver died with what was written to it
    medium     the device mounted (`device` may be the volume's own view of it)
    innermost  the volume itself, whatever is put around it
    told       what it said last of its size and free space; None: it was not asked yet
    claimed    whether the medium is claimed against everybody, not only against writers
    source     the medium's path, as mount(2) was given it
    path       where it hangs, likewise
    covered    the directory under it; None for the root
    root       its own root directory, referenced while mounted
    scratch    a buffer for reading many small files, while nobody does
    vnodes     fileid -> vnode, those the kernel knows
    """

    def __init__(self, number: int, type_name: str, volume: Volume, flags: int, device: BlockDevice | None) -> None:
        self.number = number
        self.type_name = type_name
        self.volume = volume
        self.flags = flags
        self.device = device
        self.scratch: memoryview | None = None
        self.lost = False
        self.innermost: Volume | None = None
        self.told: tuple[int, ...] | None = None
        self.medium: BlockDevice | None = None
        self.claimed = not flags & abi.MNT_RDONLY
        self.source = b""
        self.path = b"/"
        self.covered: Vnode | None = None
        self.root: Vnode | None = None
        self.vnodes: dict[int, Vnode] = {}
        self.capabilities = volume.capabilities
        self.name_max = self.capabilities.name_max
        self.read_only = bool(flags & abi.MNT_RDONLY)

    def stat(self, attributes: Attributes) -> Stat:
        """struct stat of one of its files."""
        (fileid, generation, mode, links, uid, gid, rdev, size, allocated, atime, mtime, ctime, birthtime, flags) = (
            attributes
        )
        blocks = (allocated + BLOCK_UNITS - 1) // BLOCK_UNITS
        return Stat(
            self.number, mode, fileid, links, uid, gid, rdev, atime, mtime, ctime, birthtime, size, blocks, 4096, flags,
            generation,
        )  # fmt: skip

    def statvfs(self, flags: int = abi.ST_WAIT) -> Statvfs:
        """struct statvfs.  With ST_WAIT (or 0) the volume is asked; else it tells what is known from the last time.
        Errors: the volume's."""
        if flags in (0, abi.ST_WAIT):
            self.told = self.volume.statvfs()
        return self._statvfs()

    def statvfs_anyway(self, flags: int) -> Statvfs:
        """The same in a list of mounts, which one that fails must not stop: what is known is all there is of it then.

        A driver in a process of its own is waited for as long as it may take for a request, and who it lets wait
        before us for not much longer.  One in the kernel's process is asked even without ST_WAIT, once.
        """
        soon = getattr(self.innermost, "statvfs_soon", None)
        ask = soon or self.volume.statvfs
        if flags in (0, abi.ST_WAIT) or (self.told is None and soon is None):
            try:
                self.told = ask()
            except OSError:
                pass        # whose driver is dead or hangs: who names the mount is told so
        return self._statvfs()

    def _statvfs(self) -> Statvfs:
        bsize, frsize, blocks, bfree, bavail, files, ffree, name_max = self.told or (*_UNKNOWN, self.name_max)
        name = self.type_name.encode()
        return Statvfs(
            self.flags, bsize, frsize, blocks, bfree, bavail, files, ffree, name_max, self.number, name, self.path,
            self.source,
        )  # fmt: skip

    @property
    def isolated(self) -> bool:
        """Whether its driver runs in a process of its own."""
        return hasattr(self.innermost, "confines")

    def busy(self) -> bool:
        """Whether anybody uses a file of it (its root is held once by the mount itself)."""
        children: dict[Vnode | None, int] = {self.root: 1}
        for vnode in self.vnodes.values():
            children[vnode.parent] = children.get(vnode.parent, 0) + 1
        return any(
            vnode.references > children.get(vnode, 0) or vnode.covered_by is not None for vnode in self.vnodes.values()
        )
