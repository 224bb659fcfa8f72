# SPDX-License-Identifier: BSD-2-Clause
"""The interface between the kernel and a file-system driver: the volume, the unit that moves.

A volume is a mounted driver with its buffer cache and its journal.  It lives in the kernel, in another process or
behind a wire; nothing here tells which.  Hence the rules:

- Every argument and result is made of ints, bytes, None and tuples of them, plain enough for `marshal`
  (`kernel.vfs.marshal` sends each one through it, and the suite runs that way).  Errors are `Fault`.
- A file is addressed by its opaque handle, ``(fileid, generation)``.  Whoever holds an old handle gets ESTALE.
- Names are bytes without ``/`` and NUL, never ``.`` or ``..`` - those are the kernel's.  The kernel remembers the
  parent of every directory it knows.
- The kernel has checked permissions, types of the files given, read-only mounts and name lengths before it calls;
  the volume checks what only it can know.
- Calls come one at a time while the virtual CPU is held, and a volume that waits for its device may be entered by
  another lwp meanwhile: what must not change then needs the vnode lock, which the kernel holds (shared to read,
  exclusive to change).

Above the volume the kernel keeps vnodes, name and attribute caches, file descriptors, locks and permission checks.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, TypeAlias

    from typing_extensions import Buffer

    from rump.kernel.callout import Callout
    from rump.kernel.cpu import SleepLock
    from rump.kernel.dev.block import BlockDevice

    Handle: TypeAlias = tuple[int, int]
    Attributes: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int]
    Run: TypeAlias = tuple[int, int, int, int]
    Entry: TypeAlias = tuple[bytes, int, int, int]
    EntryPlus: TypeAlias = tuple[bytes, int, Attributes | None]
    Finding: TypeAlias = tuple[int, str]
    Row: TypeAlias = tuple[
        bytes, int, int, int, int, bytes, int, int, int, int, bytes | int, tuple[tuple[bytes, bytes], ...]
    ]

# Attributes: a plain tuple, in this order.
FILEID = 0              # the file's number; with GENERATION its handle
GENERATION = 1          # told apart from earlier files of the same number
MODE = 2                # type and permissions: S_IFMT | 07777
NLINK = 3               # names the file has
UID = 4
GID = 5
RDEV = 6                # makedev() of a device node, else 0
SIZE = 7                # bytes
ALLOCATED = 8           # bytes of the medium it takes up (a multiple of 512 where it takes blocks)
ATIME = 9               # the four times: signed nanoseconds since 1970-01-01 00:00 UTC
MTIME = 10
CTIME = 11
BIRTHTIME = 12          # 0 where the format keeps none
FLAGS = 13              # UF_* | SF_* (chflags)

# Runs, as `map` returns them: (kind, file offset, length, device offset), all in bytes.
DATA = 0                # `length` bytes at the device offset
HOLE = 1                # zeros that take no space
UNWRITTEN = 2           # zeros with space set aside for them
INLINE = 3              # no blocks of its own: call `read` (and `write`)
ENCODED = 4             # compressed or otherwise not byte for byte: call `read`

# Rows, of files to be made (`populate`): a plain tuple, in this order.
ROW_NAME: Final = 0
ROW_MODE: Final = 1            # type and permissions, as they are to be: no umask
ROW_UID: Final = 2
ROW_GID: Final = 3
ROW_RDEV: Final = 4            # makedev() of a device node, else 0
ROW_TARGET: Final = 5          # of a symbolic link, else b""
ROW_FLAGS: Final = 6           # UF_* | SF_*
ROW_ATIME: Final = 7           # nanoseconds since 1970
ROW_MTIME: Final = 8
ROW_BIRTHTIME: Final = 9       # 0: now
ROW_CONTENTS: Final = 10       # of a regular file: its bytes, or how many were written where `place` said; else b""
ROW_XATTRS: Final = 11         # ((name, value), ...)

# What a check finds (`FileSystem.fsck`): (grade, text).
PROGRESS = 0            # what it is doing; now and then, so that it can be interrupted
NOTE = 1                # not wrong, but worth knowing: not unmounted, files to be deleted at the next mount
ERROR = 2               # wrong; the text names the structure, the number and the field
SUMMARY = 3             # the last one: what there is

END = -1
"""The cookie behind the last entry of a directory."""


class Capabilities:
    """What a file system can hold.  Declared by each driver; the suite tests every one both ways.

    symlinks, hard_links, devices, fifos, sockets   kinds of files it has
    owners          uid and gid are kept
    permissions     the mode bits are kept (else the mount decides)
    xattrs          extended attributes
    sparse          holes are kept
    case_sensitive  two names may differ in case only
    name_max        longest name in bytes
    file_size_max   bytes
    link_max        names of one file
    time_min, time_max, time_step   range and granularity of mtime, in nanoseconds
    flags           the chflags bits that are kept
    writable        the driver can write
    """

    __slots__ = (
        "case_sensitive", "devices", "fifos", "file_size_max", "flags", "hard_links", "link_max", "name_max", "owners",
        "permissions", "sockets", "sparse", "symlinks", "time_max", "time_min", "time_step", "writable", "xattrs",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name_max: int,
        file_size_max: int,
        time_min: int,
        time_max: int,
        time_step: int = 1,
        symlinks: bool = False,
        hard_links: bool = False,
        devices: bool = False,
        fifos: bool = False,
        sockets: bool = False,
        owners: bool = False,
        permissions: bool = False,
        xattrs: bool = False,
        sparse: bool = False,
        case_sensitive: bool = True,
        link_max: int = 1,
        flags: int = 0,
        writable: bool = False,
    ) -> None:
        self.name_max = name_max
        self.file_size_max = file_size_max
        self.time_min = time_min
        self.time_max = time_max
        self.time_step = time_step
        self.symlinks = symlinks
        self.hard_links = hard_links
        self.devices = devices
        self.fifos = fifos
        self.sockets = sockets
        self.owners = owners
        self.permissions = permissions
        self.xattrs = xattrs
        self.sparse = sparse
        self.case_sensitive = case_sensitive
        self.link_max = link_max
        self.flags = flags
        self.writable = writable


class Volume:
    """A mounted file system.  Drivers derive from this; what they leave out answers EOPNOTSUPP.

    Handles are of files that exist unless the text says otherwise; a handle that does not name one gets ESTALE.
    Any operation may also fail with EIO: the medium, or a corrupt structure (`Corrupt`, naming block and field).
    """

    capabilities: Capabilities

    # ---- the whole volume ----------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        """The attributes of the root directory; its handle is in them."""
        raise fault(e.EOPNOTSUPP)

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        """(block size, fragment size, blocks, free blocks, free to non-root users, files, free files, name_max);
        blocks are counted in fragments.  Reads no more than it must: counters, not bitmaps."""
        raise fault(e.EOPNOTSUPP)

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        """What the volume says of itself, for people: (key, value) in a fixed order - b"label", b"uuid", b"features",
        b"block size", b"created" ... - as text in UTF-8 (labels as they are)."""
        return ()

    def sync(self) -> None:
        """Everything changed so far, and all file data written to the device, is on stable storage when this returns.

        Errors: EIO and others - something is not, and will not be; every later call says so again.
        """

    def unmount(self) -> None:
        """The last call.  No file is in use; the volume leaves the medium clean."""

    # ---- files ---------------------------------------------------------------------------------------------------

    def attributes(self, file: Handle) -> Attributes:
        """A file's attributes."""
        raise fault(e.EOPNOTSUPP)

    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        """Change fields (MODE without its type, UID, GID, SIZE, the times, FLAGS) to values; the new attributes.

        SIZE is of regular files: what is cut off is gone, what is added reads as zeros; it changes mtime and ctime
        unless they are given.  All else changes ctime only, unless given.
        Errors: EOPNOTSUPP - the format does not keep a field; EFBIG, ENOSPC; EINVAL - a time out of range.
        """
        raise fault(e.EOPNOTSUPP)

    def readlink(self, file: Handle) -> bytes:
        """A symbolic link's target; not empty."""
        raise fault(e.EOPNOTSUPP)

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """Where a regular file's bytes from `offset` are: adjoining runs in order, covering a prefix of the range cut
        at the file's size - at least its first byte; all of it unless there are very many.  () at or behind the end.
        Neighbours that could be one run are one.  Valid while the vnode's lock is held."""
        raise fault(e.EOPNOTSUPP)

    def read(self, file: Handle, offset: int, length: int) -> bytes:
        """The bytes of a regular file where `map` said INLINE or ENCODED; short only at the file's size."""
        raise fault(e.EOPNOTSUPP)

    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """Where a regular file's bytes from `offset` are to be written: adjoining runs in order, covering the range, or
        a prefix of it if there is no room for more or there are very many - at least its first byte.

        DATA: the kernel writes them to the device.  Runs may begin before the range and end behind it: what is outside
        of it the kernel writes as zeros (the rest of a block nobody has written, the end of what was the last one).
        Space that is new is not reachable yet; `commit_write` makes it so, or `abandon` gives it back.
        INLINE or ENCODED: the kernel calls `write` instead; only such a run is alone, and nothing is reserved then.
        Requires: nothing is reserved for the file.  Errors: EFBIG, ENOSPC, EDQUOT.
        """
        return ((INLINE, offset, length, 0),)

    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        """The first `length` bytes of what was reserved from `offset` on have been written: they belong to the file,
        which has grown if they reach beyond its end.  What else was reserved is given back.  The new attributes."""
        raise fault(e.EOPNOTSUPP)

    def abandon(self, file: Handle) -> None:
        """Nothing comes of what was reserved for a file, or placed for a directory; nothing may have been."""

    def write(self, file: Handle, offset: int, data: Buffer) -> Attributes:
        """Write all of `data`, growing the file; a gap reads as zeros.  The new attributes.

        For files without blocks of their own.  Errors: EFBIG, ENOSPC - nothing was written.
        """
        raise fault(e.EOPNOTSUPP)

    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        """Space is set aside for all of a range, which reads as before, and beyond the end as zeros; the file grows to
        its end (posix_fallocate).  The new attributes.  Errors: EFBIG, ENOSPC, EDQUOT - nothing was set aside."""
        raise fault(e.EOPNOTSUPP)

    def punch(self, file: Handle, offset: int, length: int) -> Attributes:
        """A range, cut at the file's size, reads as zeros; blocks that lie in it whole are free (fdiscard).
        The new attributes."""
        raise fault(e.EOPNOTSUPP)

    def gather(self, files: tuple[Handle, ...]) -> tuple[tuple[tuple[Run, ...], tuple[bytes, ...]] | None, ...]:
        """What copying small regular files takes, for many at once: the runs of the whole file (`map`) and the names of
        its extended attributes (`list_xattr`).  None where either cannot be had; asked alone the file says why."""
        return tuple([self._gathered(file) for file in files])

    def _gathered(self, file: Handle) -> tuple[tuple[Run, ...], tuple[bytes, ...]] | None:
        try:
            size = self.attributes(file)[SIZE]
            names = self.list_xattr(file) if self.capabilities.xattrs else ()
            return (self.map(file, 0, size) if size else ()), names
        except OSError:
            return None

    # ---- directories ---------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        """The attributes of the file of that name.  Errors: ENOENT."""
        raise fault(e.EOPNOTSUPP)

    def name_key(self, name: bytes) -> bytes:
        """Equal for names that mean the same file (case); what the name cache goes by.  Pure."""
        return name

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        """At most `count` entries from `cookie` (0: the first) as (name, cookie behind it, fileid, DT_* type), and the
        cookie to go on with, END behind the last.  Without "." and "..".

        A cookie stays valid when other entries come and go: what was there all along is listed exactly once.
        """
        raise fault(e.EOPNOTSUPP)

    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        """As `list`, with attributes in place of fileid and type: (name, cookie behind it, attributes).
        None stands for those that cannot be read; `lookup` says why."""
        raise fault(e.EOPNOTSUPP)

    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        """Make a file of any type (`mode` with S_IFMT; `rdev` of a device node, `target` of a symbolic link):
        its attributes, and the directory's.

        Errors: EEXIST, ENOSPC, EMLINK; EOPNOTSUPP - not this type; EINVAL - not this name.
        """
        raise fault(e.EOPNOTSUPP)

    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """Give a file another name: its attributes, and the directory's.  Errors: EEXIST, EMLINK, ENOSPC."""
        raise fault(e.EOPNOTSUPP)

    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """Take a name away from a file that is no directory: its attributes, and the directory's.

        A file without names lives on until `inactive`.
        """
        raise fault(e.EOPNOTSUPP)

    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """Remove an empty directory: its last attributes, and its parent's.  Errors: ENOTEMPTY."""
        raise fault(e.EOPNOTSUPP)

    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        """Move a name, replacing what was there: attributes of the file, of both directories, and of the file that
        lost its name (None if there was none).  The kernel has seen to it that types fit, that a directory does not
        move below itself and that the two names are not of one file.

        Errors: ENOTEMPTY - a directory would be replaced that is not empty; EMLINK, ENOSPC.
        """
        raise fault(e.EOPNOTSUPP)

    # ---- many new files at once ------------------------------------------------------------------------------------

    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        """Where the bytes of new regular files of these sizes are to be written, that `populate` will make in a
        directory: the runs of each file, from 0 to its size, as `reserve` has them.  None: the volume does not make
        files this way; the kernel makes them one by one, by `create`, `write` and the others.

        Runs of DATA cover the whole file; what the last has behind the size the kernel writes as zeros.  () for a file
        that takes no blocks: it is empty, or short enough to be kept elsewhere.  Files should lie near the directory
        and behind one another, in the order given: the kernel writes what adjoins in one go.

        The space is held in memory only, not reachable and not in any transaction, until `populate` or `abandon` of the
        directory.  The kernel holds the directory's lock, exclusively, from here to there.
        Requires: nothing is placed for the directory.  Errors: ENOSPC, EDQUOT - not all of them fit; EFBIG; nothing is
        held then.
        """
        return None

    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        """Make files of any type in a directory, each with its name and all its attributes: 0 or an errno for each, in
        order; and the directory's attributes.

        ROW_CONTENTS is a number for those regular files to which `place` gave runs: that many bytes, the size told to
        it, have been written there.  They come in the order in which they were placed, all of them.  All other regular
        files have their bytes in the row (b"" if empty).

        A row is done whole or not at all; one that fails leaves the others alone: EEXIST (an earlier row's name, too),
        EINVAL - a name or a time that the format does not have, EOPNOTSUPP - a type or an attribute, ENOSPC, EMLINK.
        The volume may commit between rows, never within one.  Space that was placed and not used is given back.
        ctime is now; a new directory is empty.  The directory's mtime and ctime change if any file was made.
        Requires: what `create` requires of each row; `place` was called with the sizes of the regular files, in order,
        even if there is none.
        Errors: what befell all of them; any may have been made then.  What was placed is given back all the same.
        """
        raise fault(e.EOPNOTSUPP)

    # ---- extended attributes: names in full, as Linux spells them (b"user.x", b"security.capability") ---------------

    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        """The names a file has, in the order kept."""
        raise fault(e.EOPNOTSUPP)

    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        """A value.  Errors: ENOATTR."""
        raise fault(e.EOPNOTSUPP)

    def set_xattr(self, file: Handle, name: bytes, value: bytes, flags: int) -> Attributes:
        """Set a value (XATTR_CREATE: EEXIST if it is there, XATTR_REPLACE: ENOATTR if not); the new attributes."""
        raise fault(e.EOPNOTSUPP)

    def remove_xattr(self, file: Handle, name: bytes) -> Attributes:
        """Remove a value; the new attributes.  Errors: ENOATTR."""
        raise fault(e.EOPNOTSUPP)

    # ---- references ----------------------------------------------------------------------------------------------

    def inactive(self, file: Handle) -> None:
        """Nobody uses the file any more; if it has no names either, it and its space go.  It may be used again."""

    def forget(self, file: Handle) -> None:
        """The kernel has dropped all it knew of the file; a format without inode numbers may reuse its fileid."""


def _no_inflate(_data: Buffer, _limit: int) -> bytes:
    raise fault(e.ENOSYS, "nobody lent a decompressor")


def _no_sleep(_nanoseconds: int) -> None:
    raise fault(e.ENOSYS, "nobody lent a clock to sleep by")


class Services:
    """What the kernel lends a driver, so that it needs nothing else.

    now          the time, nanoseconds since 1970
    random       that many random bytes
    log          a line for the console
    crc32c, crc32c_many, inflate   as the hypercalls of that name
    lock         a new lock to be held across calls that may block
    schedule     have a function called once, so many nanoseconds from now, when nobody is in the kernel
    sleep        wait for so many nanoseconds; others may run meanwhile
    """

    __slots__ = ("crc32c", "crc32c_many", "inflate", "lock", "log", "now", "random", "schedule", "sleep")

    def __init__(
        self,
        now: Callable[[], int],
        random: Callable[[int], bytes],
        log: Callable[[str], None],
        crc32c: Callable[[int, Buffer], int],
        crc32c_many: Callable[..., list[int]],
        lock: Callable[[], SleepLock],
        schedule: Callable[[int, Callable[[], object]], Callout],
        sleep: Callable[[int], None] = _no_sleep,
        inflate: Callable[[Buffer, int], bytes] = _no_inflate,
    ) -> None:
        self.now = now
        self.random = random
        self.log = log
        self.crc32c = crc32c
        self.crc32c_many = crc32c_many
        self.lock = lock
        self.schedule = schedule
        self.sleep = sleep
        self.inflate = inflate


class MountArguments:
    """What a driver's `mount` is given.

    device       the block device; None for file systems that need none
    read_only    nothing on the device may change, not even for recovery
    options      the mount options of the driver's own, name -> value ("" without one)
    services     see `Services`
    cache_bytes  how much the buffer cache may hold
    """

    __slots__ = ("cache_bytes", "device", "options", "read_only", "services")

    def __init__(
        self,
        device: BlockDevice | None,
        services: Services,
        *,
        read_only: bool = True,
        options: dict[str, str] | None = None,
        cache_bytes: int = 16 << 20,
    ) -> None:
        self.device = device
        self.services = services
        self.read_only = read_only
        self.options = options or {}
        self.cache_bytes = cache_bytes


class FileSystem:
    """A driver's table: the one thing a driver package exports, as ``driver``.

    name          of the file system type: "ext2fs"
    aliases       other names it answers to: "ext4"
    requires      components it needs
    probe         does the device hold this file system?  Reads at most 128 KiB, never raises for what it finds; a short
                  text ("ext4", "FAT32") or None
    mount         `MountArguments` -> `Volume`.  Errors: EFTYPE - not this file system; EINVAL - an unknown option, an
                  unsupported feature (named); EROFS - cannot be mounted for writing
    newfs         makes a new file system on the device of `MountArguments` and says what it made, as `Volume.describe`
                  does; None: the driver cannot.  Deterministic but for `services`.  What was on the device is lost.
                  Errors: EINVAL - an unknown option, or a value that does not do (named); ENOSPC - too small a device
    fsck          looks over all of the file system on the device of `MountArguments`, changing nothing: an iterator of
                  (grade, text), see `PROGRESS` and its kin; None: the driver cannot.  Memory is bounded by the numbers
                  of blocks and files, time by what the device holds.  Errors: as `mount`
    needs_device  whether a block device is wanted
    capabilities  what the format can hold at its best; a volume's own may be less
    """

    __slots__ = ("aliases", "capabilities", "fsck", "mount", "name", "needs_device", "newfs", "probe", "requires")

    def __init__(
        self,
        name: str,
        *,
        mount: Callable[[MountArguments], Volume],
        capabilities: Capabilities,
        probe: Callable[[BlockDevice], str | None] | None = None,
        newfs: Callable[[MountArguments], tuple[tuple[bytes, bytes], ...]] | None = None,
        fsck: Callable[[MountArguments], Iterator[Finding]] | None = None,
        aliases: tuple[str, ...] = (),
        requires: tuple[str, ...] = (),
        needs_device: bool = True,
    ) -> None:
        self.name = name
        self.mount = mount
        self.capabilities = capabilities
        self.probe = probe
        self.newfs = newfs
        self.fsck = fsck
        self.aliases = aliases
        self.requires = requires
        self.needs_device = needs_device
