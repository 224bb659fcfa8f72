# SPDX-License-Identifier: BSD-2-Clause
"""What all parts of a volume that is written to share, and the fields of its superblock that change."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.writing import superblock_sum
from rump.kernel.vfs.transaction import RELEASE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.ext2fs.bmap import Maps
    from rump.drivers.fs.ext2fs.dirent import Directories
    from rump.drivers.fs.ext2fs.superblock import Geometry
    from rump.drivers.fs.ext2fs.writing.alloc import Allocator
    from rump.drivers.fs.ext2fs.writing.data import FileData
    from rump.drivers.fs.ext2fs.writing.directory import Names
    from rump.drivers.fs.ext2fs.writing.inode import Draft, WritableInodes
    from rump.drivers.fs.ext2fs.writing.maps import BlockMaps
    from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
    from rump.drivers.fs.ext2fs.writing.orphans import Orphans
    from rump.kernel.vfs.transaction import Store
    from rump.kernel.vfs.volume import Services


class State:
    """A volume being written to.  The parts know one another through it; it is filled in while mounting.

    medium, geometry, services, store   see their classes
    super         the superblock's fields
    inodes        inode tables
    maps          block maps, read;  changes: `block_maps`
    directories   directories, read;  changes: `names`
    alloc         blocks and inodes given out and taken back
    block_maps    where files' blocks are
    data          contents of regular files
    names         entries of directories
    orphans       inodes without names that are still in use
    ordered       there is no journal: what must not be seen half done needs an order of writing
    delete        frees an inode without names, and all it has
    torn          the operation has made something last that only a checker could mend, were it to end here
    discard       tell the device which blocks hold nothing any more
    """

    medium: WritableMedium
    geometry: Geometry
    services: Services
    store: Store
    super: SuperblockFields
    inodes: WritableInodes
    maps: Maps
    directories: Directories
    alloc: Allocator
    block_maps: BlockMaps
    data: FileData
    names: Names
    orphans: Orphans
    ordered: bool
    delete: Callable[[Draft], None]
    torn: bool = False
    discard: bool = False

    def flush(self) -> None:
        """Commit in the middle of an operation: what it has done so far is consistent, and stands."""
        self.store.restart()
        self.store.commit()

    def undo(self) -> None:
        """The operation has failed: everything is as it was before, or nothing changes any more."""
        self.store.rollback()
        if self.torn:
            self.store.error = self.store.error or e.EIO

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self.services.now()


class SuperblockFields:
    """The superblock of a volume, field by field: as on the device, or as changed by the running transaction."""

    def __init__(self, store: Store, services: Services, geometry: Geometry) -> None:
        self._store = store
        self._crc32c = services.crc32c
        self._geometry = geometry
        self._block, self._at = divmod(disk.SUPERBLOCK_OFFSET, geometry.block_size)
        self._values: dict[str, int] = {}
        self._changed: dict[str, bool] = {}

    def __getitem__(self, name: str) -> int:
        """A field that is a number, by its name in `disk.Superblock`."""
        value = self._values.get(name)
        return getattr(self._geometry.raw, name) if value is None else value

    def __setitem__(self, name: str, value: int) -> None:
        self._store.set(self._values, name, value)
        self._store.set(self._changed, name, True)

    def weight(self) -> int:
        """Blocks that `prepare` will change."""
        return 1 if self._changed else 0

    def encoded(self, data: bytes, values: dict[str, int]) -> bytes:
        """The block `data` that the superblock is in, with these fields changed in it; the checksum stays."""
        new = bytearray(data)
        for name, value in values.items():
            offset, form = disk.Superblock.place(name)
            form.pack_into(new, self._at + offset, value)
        if self._geometry.checksums:
            superblock_sum.keep(new, self._at, self._crc32c)
        return bytes(new)

    def prepare(self) -> None:
        """Put the changed fields into their block."""
        if self._changed:
            values = {name: self._values[name] for name in sorted(self._changed)}
            self._store.put(self._block, self.encoded(self._store.read(self._block), values), RELEASE)

    def committed(self) -> None:
        """The block is up to date."""
        self._changed.clear()

    def write_now(self, **values: int) -> None:
        """Change fields on the device at once, past the transaction (flags that say whether it is clean).

        What the transaction has changed of the superblock is not written.  No barrier.
        """
        store = self._store
        for block in (store.pending, store.blocks):
            if self._block in block:
                block[self._block] = self.encoded(block[self._block], values)
        shift = self._geometry.shift
        data = store.device.read(self._block << shift, 1 << shift)
        store.device.write(self._block << shift, self.encoded(data, values))
        self._values.update(values)
