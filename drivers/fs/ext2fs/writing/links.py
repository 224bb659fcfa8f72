# SPDX-License-Identifier: BSD-2-Clause
"""Files come and go: new inodes, names for them, names taken away, and inodes nobody wants any more."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.ops import FAST_LINK, LINK_MAX, is_fast
from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NEW
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle

FILE_LINKS_MAX = 65000
DIRECTORY_LINKS_MAX = 64998     # of a directory; with dir_nlink there may be more, and the count is 1
INHERITED = (
    disk_files.INODE_SYNC | disk_files.INODE_NODUMP | disk_files.INODE_NOATIME | disk_files.INODE_JOURNAL_DATA
    | disk_files.INODE_NOTAIL | disk_files.INODE_DIRSYNC
)  # fmt: skip
"""Flags that a new file has from its directory, as Linux passes them on."""
NANO = 1_000_000_000

KINDS = {
    abi.S_IFREG: abi.DT_REG, abi.S_IFDIR: abi.DT_DIR, abi.S_IFLNK: abi.DT_LNK, abi.S_IFIFO: abi.DT_FIFO,
    abi.S_IFCHR: abi.DT_CHR, abi.S_IFBLK: abi.DT_BLK, abi.S_IFSOCK: abi.DT_SOCK,
}  # fmt: skip


def device_words(rdev: int) -> bytes:
    """A device node's block map: the old form (8 + 8 bits) where it does, else the new (12 + 20)."""
    major, minor = abi.major(rdev), abi.minor(rdev)
    if major < 256 and minor < 256:
        return pack("<II", major << 8 | minor, 0).ljust(60, b"\0")
    if major >= 1 << 12 or minor >= 1 << 20:
        raise fault(e.EINVAL, f"device number {major}, {minor}")
    return pack("<II", 0, minor & 0xFF | major << 8 | (minor & 0xFFF00) << 12).ljust(60, b"\0")


class Links:
    """The operations on names and inodes of a volume; each runs inside a transaction's operation."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._inodes = state.inodes
        self._names = state.names
        self._inline = bool(state.geometry.incompat & disk.INCOMPAT_INLINE_DATA)
        self._dir_nlink = bool(state.geometry.ro_compat & disk.RO_COMPAT_DIR_NLINK)
        state.delete = self.delete

    # ---- new files -----------------------------------------------------------------------------------------------

    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        """See `Volume.create`."""
        parent = self.parent(directory)
        self._names.make_room(parent, name)
        draft = self.make(parent, mode, uid, gid, rdev, target)
        self._names.insert(parent, name, draft.number, KINDS[mode & abi.S_IFMT])
        if mode & abi.S_IFMT == abi.S_IFDIR:
            self.count_child(parent, 1)
        self.touch(parent)
        self._inodes.save(draft)
        return self._inodes.attributes_of(draft), self._inodes.attributes_of(parent)

    def parent(self, directory: Handle) -> Draft:
        """A directory, to be changed.  Errors: ENOTDIR; ENOENT - it was removed."""
        draft = self._inodes.open(directory)
        if draft.mode & abi.S_IFMT != abi.S_IFDIR:
            raise fault(e.ENOTDIR, f"inode {draft.number}")
        if not draft.links:
            raise fault(e.ENOENT, f"directory {draft.number} was removed")
        return draft

    def touch(self, directory: Draft) -> None:
        """A directory's entries have changed."""
        directory.mtime = directory.ctime = self._state.now()
        directory.version += 1
        self._inodes.save(directory)

    def make(
        self, parent: Draft, mode: int, uid: int, gid: int, rdev: int, target: bytes, *, blocks: bool = False
    ) -> Draft:
        """A new inode without a name yet; the caller saves it.  `blocks`: its contents come in blocks in any case.

        Errors: ENOSPC, EMLINK, EINVAL, EOPNOTSUPP.
        """
        kind = mode & abi.S_IFMT
        if kind not in KINDS:
            raise fault(e.EOPNOTSUPP, f"mode {mode:o}")
        if kind == abi.S_IFDIR and parent.links >= DIRECTORY_LINKS_MAX and not self._dir_nlink:
            raise fault(e.EMLINK)
        draft = self._new(parent, kind == abi.S_IFDIR)
        draft.mode = mode
        draft.uid, draft.gid = uid, gid
        draft.links = 2 if kind == abi.S_IFDIR else 1
        draft.flags = parent.flags & INHERITED
        if parent.flags & disk_files.INODE_PROJINHERIT:
            draft.projid = parent.projid
            draft.flags |= disk_files.INODE_PROJINHERIT if kind == abi.S_IFDIR else 0
        if kind in (abi.S_IFCHR, abi.S_IFBLK):
            draft.block = device_words(rdev)
        elif kind == abi.S_IFLNK:
            self._point(draft, target)
        elif kind in (abi.S_IFREG, abi.S_IFDIR):
            self._begin(draft, parent.number if kind == abi.S_IFDIR else 0, self._inline and not blocks)
        return draft

    def _new(self, parent: Draft, is_directory: bool) -> Draft:
        """A blank inode, told from those that had its number before by its generation."""
        number = self._state.alloc.new_inode(parent, is_directory)
        draft = self._inodes.blank(number)
        draft.generation = self._inodes.next_generation(number)
        now = self._state.now()
        draft.atime = draft.mtime = draft.ctime = now
        draft.birthtime = now if draft.extra >= 24 else 0
        return draft

    def _begin(self, draft: Draft, parent: int, inline_data: bool) -> None:
        """The empty contents of a regular file or, with a parent, of a directory."""
        if inline_data:
            from rump.drivers.fs.ext2fs.writing import inline

            inline.start(self._state, draft)
        else:
            self._state.block_maps.initialise(draft)
        if parent:
            self._names.initialise(draft, parent)

    def _point(self, draft: Draft, target: bytes) -> None:
        """The target of a symbolic link: in the inode if it is short, else in a block."""
        if not 0 < len(target) < min(LINK_MAX, self._state.geometry.block_size):
            raise fault(e.ENAMETOOLONG, f"target of {len(target)} bytes")
        draft.flags &= ~disk_files.INODE_JOURNAL_DATA
        if len(target) < FAST_LINK:
            draft.block = target.ljust(60, b"\0")
            draft.size = len(target)
            return
        self._state.block_maps.initialise(draft)
        _, block = self._state.block_maps.append(draft)
        self._state.store.put(block, target.ljust(self._state.geometry.block_size, b"\0"), NEW)
        draft.size = len(target)

    # ---- names ---------------------------------------------------------------------------------------------------

    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """See `Volume.link`."""
        parent, draft = self.parent(directory), self._inodes.open(file)
        if draft.links >= FILE_LINKS_MAX:
            raise fault(e.EMLINK)
        if not draft.links:
            raise fault(e.ENOENT, f"inode {draft.number} has no name left")
        self._names.insert(parent, name, draft.number, KINDS[draft.mode & abi.S_IFMT])
        draft.links += 1
        draft.ctime = self._state.now()
        self._inodes.save(draft)
        self.touch(parent)
        return self._inodes.attributes_of(draft), self._inodes.attributes_of(parent)

    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """See `Volume.unlink`."""
        parent = self.parent(directory)
        draft = self._child(self._names.remove(parent, name))
        if draft.mode & abi.S_IFMT == abi.S_IFDIR:
            raise fault(e.EPERM, f"inode {draft.number} is a directory")
        self.touch(parent)
        self._lose_name(draft)
        return self._inodes.attributes_of(draft), self._inodes.attributes_of(parent)

    def _child(self, number: int) -> Draft:
        """The inode that an entry names.  Errors: Corrupt."""
        if number < self._state.geometry.first_ino:
            raise Corrupt(f"inode {number} is reserved")
        return self._inodes.edit(number, *self._inodes.special(number))

    def _lose_name(self, draft: Draft) -> None:
        """One name less."""
        if not draft.links:
            raise Corrupt(f"inode {draft.number}: no links, but a name")
        draft.links -= 1
        draft.ctime = self._state.now()
        if not draft.links:
            self._state.orphans.add(draft)
        self._inodes.save(draft)

    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """See `Volume.rmdir`."""
        parent = self.parent(directory)
        number = self._names.find(parent, name)
        if not number:
            raise fault(e.ENOENT)
        draft = self._child(number)
        self._check_empty(draft)
        self._names.remove(parent, name)
        self.count_child(parent, -1)
        self.touch(parent)
        self._lose_directory(draft)
        return self._inodes.attributes_of(draft), self._inodes.attributes_of(parent)

    def _check_empty(self, draft: Draft) -> None:
        if draft.mode & abi.S_IFMT != abi.S_IFDIR:
            raise fault(e.ENOTDIR, f"inode {draft.number}")
        if not self._names.is_empty(draft):
            raise fault(e.ENOTEMPTY)

    def _lose_directory(self, draft: Draft) -> None:
        """A directory that is empty has lost its name, and with it its own "."."""
        draft.links = 0
        draft.ctime = self._state.now()
        self._state.orphans.add(draft)
        self._inodes.save(draft)

    def count_child(self, parent: Draft, change: int) -> None:
        """A directory has one directory more, or less, in it; 1 stands for "too many to count", and stays."""
        if parent.links == 1:
            return
        parent.links += change
        if parent.links > DIRECTORY_LINKS_MAX:
            if not self._dir_nlink:
                raise fault(e.EMLINK)
            parent.links = 1
        parent.links = max(parent.links, 2) if change < 0 else parent.links

    # ---- rename --------------------------------------------------------------------------------------------------

    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        """See `Volume.rename`.  The new name is there before the old one goes."""
        source = self.parent(from_directory)
        target = source if to_directory == from_directory else self.parent(to_directory)
        number = self._names.find(source, from_name)
        if not number:
            raise fault(e.ENOENT)
        draft = self._child(number)
        is_directory = draft.mode & abi.S_IFMT == abi.S_IFDIR
        lost = self._enter(draft, target, to_name)
        if is_directory and source is not target:
            self.count_child(target, 1)
        self.touch(target)
        if self._state.ordered:
            source, target, draft = self._have_both(source, target, draft)
        self._names.remove(source, from_name)
        if is_directory and source is not target:
            self._names.set_parent(draft, target.number)
            self.count_child(source, -1)
        self.touch(source)
        draft.ctime = self._state.now()
        self._inodes.save(draft)
        read = self._inodes.attributes
        return read(number), read(source.number), read(target.number), read(lost) if lost else None

    def _have_both(self, source: Draft, target: Draft, draft: Draft) -> tuple[Draft, Draft, Draft]:
        """Without a journal a file has both names, and says so, before it loses the old one."""
        plain = draft.mode & abi.S_IFMT != abi.S_IFDIR
        if plain:
            draft.links += 1
            self._inodes.save(draft)
        self._state.torn = not plain
        self._state.flush()
        same = source is target
        source = self._again(source)
        target = source if same else self._again(target)
        draft = self._again(draft)
        draft.links -= plain
        return source, target, draft

    def _again(self, draft: Draft) -> Draft:
        return self._inodes.edit(draft.number, *self._inodes.special(draft.number))

    def _enter(self, draft: Draft, directory: Draft, name: bytes) -> int:
        """Give a file a name that may be another's, who loses it; the other's number, or 0."""
        kind = KINDS[draft.mode & abi.S_IFMT]
        other = self._names.find(directory, name)
        if not other:
            self._names.insert(directory, name, draft.number, kind)
            return 0
        victim = self._child(other)
        if victim.mode & abi.S_IFMT == abi.S_IFDIR:
            self._check_empty(victim)
            self._names.replace(directory, name, draft.number, kind)
            self.count_child(directory, -1)
            self._lose_directory(victim)
        else:
            self._names.replace(directory, name, draft.number, kind)
            self._lose_name(victim)
        return other

    # ---- the end of a file ---------------------------------------------------------------------------------------

    def delete(self, draft: Draft) -> None:
        """Free an inode without names, and all it has.  Long files go in several steps; it is an orphan meanwhile."""
        from rump.drivers.fs.ext2fs.writing.xattr import drop_all

        state = self._state
        if draft.flags & disk_files.INODE_INLINE_DATA or not self._has_blocks(draft):
            draft.size = 0
        else:
            state.data.delete_contents(draft)
        drop_all(state, draft)
        state.orphans.remove(draft)
        state.alloc.free_inode(draft.number, draft.mode & abi.S_IFMT == abi.S_IFDIR)
        self._inodes.free(draft, state.now() // NANO)

    def _has_blocks(self, draft: Draft) -> bool:
        """Whether an inode's map is one."""
        kind = draft.mode & abi.S_IFMT
        return kind in (abi.S_IFREG, abi.S_IFDIR) or (kind == abi.S_IFLNK and not is_fast(self._state.geometry, draft))
