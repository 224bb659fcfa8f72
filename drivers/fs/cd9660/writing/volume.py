# SPDX-License-Identifier: BSD-2-Clause
"""The operations of a volume that is being filled."""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.drivers.fs.cd9660.writing.contents import Contents, runs
from rump.drivers.fs.cd9660.writing.space import Sectors
from rump.drivers.fs.cd9660.writing.tree import Tree
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import Capabilities, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.newfs.options import Wanted
    from rump.drivers.fs.cd9660.writing.tree import Node
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, Row, Run, Services

NANO = 10**9
YEAR_1, YEAR_10000 = -62135596800, 253402300800         # seconds since 1970 when they begin
YEAR_1900, YEAR_2156 = -2208988800, 5869584000
FILES_MAX = 0xFFFFFFFE
LEVELS_MAX = 8              # of directories, without help (ECMA-119, 6.8.2.1)
FIXED_MODE = 0o555          # where no permissions are kept
TIMES = {v.ATIME: "atime", v.MTIME: "mtime", v.CTIME: "ctime", v.BIRTHTIME: "birthtime"}


def capabilities(wanted: Wanted) -> Capabilities:
    """What a volume made with these options holds."""
    posix = wanted.rockridge
    return Capabilities(
        symlinks=posix,
        hard_links=posix,
        devices=posix,
        fifos=posix,
        sockets=posix,
        owners=posix,
        permissions=posix,
        xattrs=posix,
        name_max=255,
        file_size_max=(1 << 43) - 1 if wanted.level == 3 else (1 << 32) - 1,
        link_max=(1 << 32) - 1 if posix else 1,
        time_min=(YEAR_1 if posix else YEAR_1900) * NANO,
        time_max=(YEAR_10000 if posix else YEAR_2156) * NANO - NANO,
        time_step=NANO,
        writable=True,
    )


class AuthorVolume(Volume):
    """A tree in memory, whose files' contents are on the medium.  Fileids count up and are never used twice."""

    def __init__(self, device: BlockDevice, services: Services, wanted: Wanted, first: int) -> None:
        """Contents go to the sectors from `first` on."""
        self.device = device
        self.wanted = wanted
        self.capabilities = capabilities(wanted)
        self.first = first
        self.sectors = Sectors(first, wanted.sectors, wanted.zeroed)
        self.contents = Contents(device, self.sectors, whole=wanted.level < 3)
        self.now = services.now
        self.tree = Tree(self.sectors, self._second())
        self._posix = wanted.rockridge
        self._problem: OSError | None = None
        if not self._posix:
            self.tree.root.mode = abi.S_IFDIR | FIXED_MODE

    def _second(self) -> int:
        """Now, in whole seconds."""
        now = self.now()
        return now - now % NANO

    # ---- the whole volume --------------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        return self.tree.root.attributes()

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        room = self.sectors.room()
        left = FILES_MAX - len(self.tree)
        return SECTOR, SECTOR, self.sectors.end, room, room, FILES_MAX, left, self.capabilities.name_max

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        return description(self.wanted)

    def sync(self) -> None:
        if self._problem is None:
            try:
                self.device.sync()
            except OSError as error:
                self._problem = error
        if self._problem is not None:
            raise self._problem

    def unmount(self) -> None:
        """What has been filled in is seen from now on; a volume that was not changed is not written to.

        Errors: ENOENT, EINVAL - a boot image is not there, or is none; ENOSPC; EIO.  The medium shows an empty volume.
        """
        if self._problem is not None:
            raise self._problem
        if not self.tree.changed:
            return
        from rump.drivers.fs.cd9660.writing.publish import publish

        publish(self)

    # ---- files -------------------------------------------------------------------------------------------------------

    def _regular(self, file: Handle) -> Node:
        node = self.tree.node(file)
        if node.mode & abi.S_IFMT != abi.S_IFREG:
            raise fault(e.EINVAL, f"file {node.number}: not a regular file")
        return node

    def attributes(self, file: Handle) -> Attributes:
        return self.tree.node(file).attributes()

    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        node = self.tree.node(file)
        for field, value in changes:
            self._check_change(field, value)
        self.tree.changed = True
        now = node.ctime = self._second()
        for field, value in changes:
            if field == v.SIZE:
                self.contents.resize(self._regular(file), value)
                node.mtime = now
        for field, value in changes:
            self._change(node, field, value)
        return node.attributes()

    def _check_change(self, field: int, value: int) -> None:
        """Errors: EOPNOTSUPP, EINVAL, EFBIG."""
        has = self.capabilities
        if field in TIMES:
            if not has.time_min <= value < has.time_max + NANO:
                raise fault(e.EINVAL, f"time {value}")
            if not self._posix and field == v.BIRTHTIME:
                raise fault(e.EOPNOTSUPP)
        elif field == v.SIZE:
            if value > has.file_size_max:
                raise fault(e.EFBIG)
        elif not self._posix or (field == v.FLAGS and value) or field not in (v.MODE, v.UID, v.GID, v.FLAGS):
            raise fault(e.EOPNOTSUPP)

    @staticmethod
    def _change(node: Node, field: int, value: int) -> None:
        if field in TIMES:
            setattr(node, TIMES[field], value - value % NANO)
        elif field == v.MODE:
            node.mode = node.mode & abi.S_IFMT | value
        elif field == v.UID:
            node.uid = value
        elif field == v.GID:
            node.gid = value

    def readlink(self, file: Handle) -> bytes:
        return self.tree.node(file).target

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        node = self._regular(file)
        return runs(node.extents, offset, min(length, node.size - offset))

    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        node = self._regular(file)
        if offset + length > self.capabilities.file_size_max:
            raise fault(e.EFBIG)
        return self.contents.reserve(node, offset, length)

    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        node = self._regular(file)
        self.contents.commit(node, offset, length)
        return self._modified(node)

    def _modified(self, node: Node) -> Attributes:
        node.mtime = node.ctime = self._second()
        self.tree.changed = True
        return node.attributes()

    def abandon(self, file: Handle) -> None:
        self.contents.abandon(self.tree.node(file))

    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        node = self._regular(file)
        if offset + length > node.size:
            self._check_change(v.SIZE, offset + length)
            self.contents.resize(node, offset + length)
            return self._modified(node)
        return node.attributes()

    def inactive(self, file: Handle) -> None:
        node = self.tree.node(file)
        if node.nlink == 0:
            self.contents.abandon(node)
            self.contents.release(node)
            self.tree.drop(node)

    # ---- directories -------------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        return self.tree.entry(self.tree.directory(directory)[1], name).attributes()

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        rows, end = self.tree.page(directory, cookie, count)
        return tuple([(name, at, node.number, (node.mode & abi.S_IFMT) >> 12) for name, (at, node) in rows]), end

    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        rows, end = self.tree.page(directory, cookie, count)
        return tuple([(name, at, node.attributes()) for name, (at, node) in rows]), end

    def _check_kind(self, parent: Node, mode: int, levels: int = 1) -> None:
        """Whether a file of a type may be in a directory; `levels` it has, of a directory.

        Errors: EOPNOTSUPP - not without Rock Ridge; EINVAL - too deep without it.
        """
        kind = mode & abi.S_IFMT
        if self._posix:
            return
        if kind not in (abi.S_IFREG, abi.S_IFDIR):
            raise fault(e.EOPNOTSUPP, "only regular files and directories without Rock Ridge")
        deep = kind == abi.S_IFDIR and self.tree.depth(parent) + levels > LEVELS_MAX
        if deep and not self.wanted.allow_deep:
            raise fault(e.EINVAL, f"more than {LEVELS_MAX} levels of directories without Rock Ridge or allow-deep")

    def _new(
        self, parent: Node, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes, now: int
    ) -> Node:
        """Make a file with a name."""
        self._check_kind(parent, mode)
        if not self._posix:
            mode, uid, gid = mode & abi.S_IFMT | FIXED_MODE, 0, 0
        node = self.tree.make(mode, uid, gid, rdev, target, now)
        try:
            self.tree.enter(parent, name, node, now)
        except BaseException:
            self.tree.drop(node)
            raise
        return node

    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        parent = self.tree.directory(directory)[0]
        node = self._new(parent, name, mode, uid, gid, rdev, target, self._second())
        return node.attributes(), parent.attributes()

    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        node, parent = self.tree.node(file), self.tree.directory(directory)[0]
        if not self._posix:
            raise fault(e.EOPNOTSUPP, "several names of a file need Rock Ridge")
        self.tree.enter(parent, name, node, self._second())
        return node.attributes(), parent.attributes()

    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        parent, entries = self.tree.directory(directory)
        self.tree.entry(entries, name)
        node = self.tree.leave(parent, name, self._second())
        return node.attributes(), parent.attributes()

    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        parent, entries = self.tree.directory(directory)
        if self.tree.entry(entries, name).entries:
            raise fault(e.ENOTEMPTY)
        node = self.tree.leave(parent, name, self._second())
        node.nlink = 0
        return node.attributes(), parent.attributes()

    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        source, names = self.tree.directory(from_directory)
        target, others = self.tree.directory(to_directory)
        node, now = self.tree.entry(names, from_name), self._second()
        if node.entries is not None and not self._posix:
            self._check_kind(target, node.mode, self.tree.height(node))
        lost = others[to_name][1] if to_name in others else None
        if lost is not None:
            if lost.entries:
                raise fault(e.ENOTEMPTY)
            self.tree.leave(target, to_name, now)
        try:
            self.tree.enter(target, to_name, node, now)
        except BaseException:
            if lost is not None:
                self.tree.enter(target, to_name, lost, now)
            raise
        self.tree.leave(source, from_name, now)
        if lost is not None and lost.entries is not None:
            lost.nlink = 0
        return node.attributes(), source.attributes(), target.attributes(), lost.attributes() if lost else None

    # ---- extended attributes -----------------------------------------------------------------------------------------

    def _extended(self, file: Handle) -> Node:
        """A file that may have them.  Errors: EOPNOTSUPP - none may."""
        if not self._posix:
            raise fault(e.EOPNOTSUPP, "extended attributes need Rock Ridge")
        return self.tree.node(file)

    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        return tuple(self._extended(file).xattrs)

    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        value = self._extended(file).xattrs.get(name)
        if value is None:
            raise fault(e.ENOATTR)
        return value

    def set_xattr(self, file: Handle, name: bytes, value: bytes, flags: int) -> Attributes:
        node = self._extended(file)
        if flags & abi.XATTR_CREATE and name in node.xattrs:
            raise fault(e.EEXIST)
        if flags & abi.XATTR_REPLACE and name not in node.xattrs:
            raise fault(e.ENOATTR)
        self.tree.set_xattrs(node, {**node.xattrs, name: value})
        node.ctime = self._second()
        return node.attributes()

    def remove_xattr(self, file: Handle, name: bytes) -> Attributes:
        node = self._extended(file)
        if name not in node.xattrs:
            raise fault(e.ENOATTR)
        self.tree.set_xattrs(node, {each: value for each, value in node.xattrs.items() if each != name})
        node.ctime = self._second()
        return node.attributes()

    # ---- many new files at once --------------------------------------------------------------------------------------

    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...]:
        return self.contents.place(self.tree.directory(directory)[0], sizes)

    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        parent = self.tree.directory(directory)[0]
        try:
            now = self._second()
            results = tuple([self._row(parent, row, now) for row in rows])
        finally:
            self.contents.abandon(parent)
        return results, parent.attributes()

    def _row(self, parent: Node, row: Row, now: int) -> int:
        """Make a file: 0, or what is the matter with it."""
        name, mode, uid, gid, rdev, target, flags, atime, mtime, birthtime, contents, xattrs = row
        extents = self.contents.take_placed(parent) if mode & abi.S_IFMT == abi.S_IFREG else ()
        has = self.capabilities
        end = has.time_max + NANO
        try:
            if not (has.time_min <= atime < end and has.time_min <= mtime < end and has.time_min <= birthtime < end):
                raise fault(e.EINVAL, "times")
            if flags or (xattrs and not self._posix) or (contents and not extents):
                raise fault(e.EOPNOTSUPP)
            node = self._new(parent, name, mode, uid, gid, rdev, target, now)
            if xattrs:
                self._describe(parent, name, node, dict(xattrs))
        except OSError as error:
            for extent in extents:
                self.sectors.give(*extent)
            return error.errno or e.EIO
        node.atime, node.mtime = atime - atime % NANO, mtime - mtime % NANO
        if birthtime and self._posix:
            node.birthtime = birthtime - birthtime % NANO
        if extents:
            node.extents = extents
            node.size = contents if isinstance(contents, int) else len(contents)
        return 0

    def _describe(self, parent: Node, name: bytes, node: Node, xattrs: dict[bytes, bytes]) -> None:
        """Give a new file its extended attributes; without them there is none."""
        try:
            self.tree.set_xattrs(node, xattrs)
        except BaseException:
            self.tree.leave(parent, name, node.ctime)
            self.tree.drop(node)
            raise


def description(wanted: Wanted) -> tuple[tuple[bytes, bytes], ...]:
    """What a volume made with these options says of itself."""
    return (
        (b"type", b"ISO 9660"),
        (b"label", wanted.label.encode("utf-8", "surrogateescape")),
        (b"uuid", b""),
        (b"features", ", ".join(wanted.features).encode()),
        (b"block size", b"%d" % SECTOR),
        (b"level", b"%d" % wanted.level),
    )
