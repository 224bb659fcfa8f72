# SPDX-License-Identifier: BSD-2-Clause
"""The operations of a volume that is written to.  Each is whole or not at all; see `rump.kernel.vfs.transaction`."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import capabilities
from rump.drivers.fs.ext2fs.dirent import DOTS
from rump.drivers.fs.ext2fs.ops import Ext2Volume
from rump.drivers.fs.ext2fs.writing import attributes as fields
from rump.drivers.fs.ext2fs.writing.links import Links
from rump.drivers.fs.ext2fs.writing.populate import Populate
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.operation import ChangingVolume, changing, reading
from rump.kernel.vfs.volume import Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Buffer

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Entry, Handle, Row, Run

    Entries: TypeAlias = list[Entry]


class WritableVolume(ChangingVolume, Ext2Volume):
    """A mounted ext2, ext3 or ext4 that is written to."""

    def __init__(self, state: State, close: Callable[[], None], notes: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """`close` makes the medium clean at the end; `notes` is what mounting has to say in `describe`."""
        self.state = state
        self.store = state.store
        self.medium = state.medium
        self.device = state.store.device
        self.groups = state.inodes._groups
        self.inodes = state.inodes
        self.maps = state.maps
        self.directories = state.directories
        geometry = state.geometry
        self.capabilities = capabilities(
            geometry.inode_size, geometry.block_size, file_size_max=state.block_maps.new_size_max(), writable=True
        )
        self._journal = notes
        self._shift = geometry.shift
        self._links = Links(state)
        self._populate = Populate(state, self._links)
        self._close = close

    # ---- the whole volume ----------------------------------------------------------------------------------------

    root = reading(Ext2Volume.root)
    describe = reading(Ext2Volume.describe)

    @reading
    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        """As of any volume; the counts are live."""
        from rump.drivers.fs.ext2fs.space import statvfs

        alloc = self.state.alloc
        return statvfs(self, alloc.free_blocks(), alloc.free_inodes())

    def starting(self) -> None:
        self.state.torn = False

    def undo(self) -> None:
        self.state.undo()

    def unmount(self) -> None:
        store, inodes = self.store, self.state.inodes
        if not store.error:
            # A KeyboardInterrupt may have kept the kernel from saying `inactive`.
            for number in [*inodes.orphans]:
                self.inactive((number, inodes.edit(number, *inodes.special(number)).generation))
        store.lock.exclusive()
        try:
            self._close()
        finally:
            store.lock.unlock()

    def run(self, body: Callable[[], None]) -> None:
        """Make an operation of a function: what mounting has to do."""
        changing(lambda _self: body())(self)

    # ---- files ---------------------------------------------------------------------------------------------------

    attributes = reading(Ext2Volume.attributes)
    readlink = reading(Ext2Volume.readlink)
    list = reading(Ext2Volume.list)
    list_attributes = reading(Ext2Volume.list_attributes)
    list_xattr = reading(Ext2Volume.list_xattr)
    get_xattr = reading(Ext2Volume.get_xattr)

    @reading
    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        inode = self._regular(file)
        end = min(offset + length, inode.size)
        return self.state.data.map(inode, offset, end - offset) if 0 <= offset < end else ()

    def gather(self, files: tuple[Handle, ...]) -> tuple[tuple[tuple[Run, ...], tuple[bytes, ...]] | None, ...]:
        return Volume.gather(self, files)

    @reading
    def read(self, file: Handle, offset: int, length: int) -> bytes:
        return self.state.data.read(self._regular(file), offset, length)

    def content(self, inode: Inode) -> bytes:
        """As of the reader; blocks come from the running transaction."""
        return self.state.data.content(inode)

    @changing
    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        inodes = self.state.inodes
        draft = inodes.open(file)
        fields.apply(self.state, draft, changes)
        return inodes.attributes_of(draft)

    @changing
    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        return self.state.data.reserve(file, offset, length)

    @changing
    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        return self.state.data.commit_write(file, offset, length)

    @changing
    def abandon(self, file: Handle) -> None:
        if not self._populate.abandon(file[0]):
            self.state.data.abandon(file)

    @changing
    def write(self, file: Handle, offset: int, data: Buffer) -> Attributes:
        return self.state.data.write(file, offset, data)

    @changing
    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        return self.state.data.allocate(file, offset, length)

    @changing
    def punch(self, file: Handle, offset: int, length: int) -> Attributes:
        return self.state.data.punch(file, offset, length)

    # ---- directories ---------------------------------------------------------------------------------------------

    @reading
    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        number = self.state.names.find(self._directory(directory), name) if name not in DOTS else 0
        if not number:
            raise fault(e.ENOENT)
        return self.inodes.attributes(number)

    def _entries(self, directory: Handle, cookie: int, count: int) -> tuple[Entries, int]:
        """As of the reader, in an order that changes do not disturb."""
        entries, following = self.state.names.entries(self._directory(directory), cookie, count)
        return self._fit(self.inodes.load(directory), entries), following

    @changing
    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        return self._links.create(directory, name, mode, uid, gid, rdev, target)

    @changing
    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return self._links.link(file, directory, name)

    @changing
    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return self._links.unlink(directory, name)

    @changing
    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return self._links.rmdir(directory, name)

    @changing
    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        return self._links.rename(from_directory, from_name, to_directory, to_name)

    @changing
    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        return self._populate.place(directory, sizes)

    @changing
    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        return self._populate.populate(directory, rows)

    # ---- extended attributes -------------------------------------------------------------------------------------

    @changing
    def set_xattr(self, file: Handle, name: bytes, value: bytes, flags: int) -> Attributes:
        from rump.drivers.fs.ext2fs.writing.xattr import set_xattr

        draft = self.state.inodes.open(file)
        set_xattr(self.state, draft, name, bytes(value), flags)
        return self._changed(draft)

    @changing
    def remove_xattr(self, file: Handle, name: bytes) -> Attributes:
        from rump.drivers.fs.ext2fs.writing.xattr import remove_xattr

        draft = self.state.inodes.open(file)
        remove_xattr(self.state, draft, name)
        return self._changed(draft)

    def _changed(self, draft: Draft) -> Attributes:
        draft.ctime = self.state.now()
        self.state.inodes.save(draft)
        return self.state.inodes.attributes_of(draft)

    # ---- references ----------------------------------------------------------------------------------------------

    def inactive(self, file: Handle) -> None:
        if file[0] not in self.state.orphans:
            return
        try:
            self._inactive(file)
        except Fault as error:
            # Nobody can be told.  It stays in the list of orphans, for whoever mounts the volume next.
            self.medium.log(f"inode {file[0]}: cannot be deleted: {error}")

    @changing
    def _inactive(self, file: Handle) -> None:
        """Delete a file that has no names."""
        draft = self.state.inodes.open(file)
        if not draft.links:
            self.state.delete(draft)
