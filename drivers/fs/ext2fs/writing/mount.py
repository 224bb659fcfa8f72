# SPDX-License-Identifier: BSD-2-Clause
"""Mounting for writing: whether it can be, recovery, and putting the parts together.

Features that make a volume read-only are those under which changes need bookkeeping that is not done here: quota and
project (usage by owner), bigalloc (space in clusters), shared_blocks (blocks with several owners), snapshots, replica;
the feature called read-only; and unknown ones.  So does a journal on another device.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, superblock
from rump.drivers.fs.ext2fs.journal.commit import JournalKeeper
from rump.drivers.fs.ext2fs.journal.recovery import Recovery, open_log
from rump.drivers.fs.ext2fs.medium import Medium
from rump.drivers.fs.ext2fs.ops import Ext2Volume
from rump.drivers.fs.ext2fs.writing import superblock_sum
from rump.drivers.fs.ext2fs.writing.marks import Marks
from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
from rump.drivers.fs.ext2fs.writing.state import State, SuperblockFields
from rump.kernel.errors import fault
from rump.kernel.vfs.ordered import OrderedKeeper
from rump.kernel.vfs.transaction import Keeper, Store
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.ext2fs.journal.log import Log
    from rump.drivers.fs.ext2fs.journal.recovery import Notes
    from rump.drivers.fs.ext2fs.superblock import Geometry
    from rump.drivers.fs.ext2fs.writing.mmp import Mmp
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

# verity is of single files: those are not written to.
RO_COMPAT_WRITABLE = (
    disk.RO_COMPAT_SPARSE_SUPER | disk.RO_COMPAT_LARGE_FILE | disk.RO_COMPAT_BTREE_DIR | disk.RO_COMPAT_HUGE_FILE
    | disk.RO_COMPAT_GDT_CSUM | disk.RO_COMPAT_DIR_NLINK | disk.RO_COMPAT_EXTRA_ISIZE | disk.RO_COMPAT_METADATA_CSUM
    | disk.RO_COMPAT_VERITY | disk.RO_COMPAT_ORPHAN_PRESENT
)  # fmt: skip


def mount_for_writing(arguments: MountArguments, geometry: Geometry) -> Ext2Volume:
    """A volume to be written to; `geometry` is what its superblock says.

    Errors: EROFS - it cannot be written to, why is said; EBUSY - somebody else does; Corrupt.
    """
    from rump.drivers.fs.ext2fs.writing.volume import WritableVolume

    session = Session(arguments, geometry)
    try:
        assemble(session.state)
        volume = WritableVolume(session.state, session.close)
        session.finish_orphans(volume.run)
        volume._journal = session.notes
    except BaseException:
        session.abandon()
        raise
    return volume


def assemble(state: State) -> None:
    """Make the parts that change what is on the volume, and have them take part in commits."""
    from rump.drivers.fs.ext2fs.bmap import Maps
    from rump.drivers.fs.ext2fs.dirent import Directories
    from rump.drivers.fs.ext2fs.groups import Groups
    from rump.drivers.fs.ext2fs.writing.alloc import Allocator
    from rump.drivers.fs.ext2fs.writing.data import FileData
    from rump.drivers.fs.ext2fs.writing.directory import Names
    from rump.drivers.fs.ext2fs.writing.inode import WritableInodes
    from rump.drivers.fs.ext2fs.writing.maps import BlockMaps
    from rump.drivers.fs.ext2fs.writing.orphans import Orphans

    medium = state.medium
    state.inodes = WritableInodes(medium, Groups(medium))
    state.maps = Maps(medium)
    state.directories = Directories(medium, state.maps)
    state.alloc = Allocator(state)
    state.block_maps = BlockMaps(state)
    state.data = FileData(state)
    state.names = Names(state)
    state.orphans = Orphans(state)
    state.store.waiting = state.alloc.waiting
    for part in (state.inodes, state.alloc, state.super):
        state.store.prepare.append(part.prepare)
        state.store.committed.append(part.committed)
        state.store.weigh.append(part.weight)


def refuse(device: BlockDevice, geometry: Geometry, options: dict[str, str]) -> None:
    """Say why a volume cannot be written to, if it cannot.  Errors: EROFS."""
    raw = geometry.raw
    reason = ""
    unfit = geometry.ro_compat & ~RO_COMPAT_WRITABLE
    size = geometry.blocks << geometry.shift
    if unfit:
        from rump.drivers.fs.ext2fs import features

        reason = f"features {' '.join(features.names(0, 0, unfit))} not supported for writing"
    elif geometry.compat & disk.COMPAT_HAS_JOURNAL and not raw.journal_inum:
        from rump.drivers.fs.ext2fs.describe import uuid

        reason = f"its journal {uuid(raw.journal_uuid)} is on another device"
    elif geometry.incompat & disk.INCOMPAT_RECOVER and not geometry.compat & disk.COMPAT_HAS_JOURNAL:
        reason = "needs_recovery is set, but it has no journal"
    elif geometry.incompat & disk.INCOMPAT_RECOVER and ("noload" in options or "norecovery" in options):
        reason = "the journal needs recovery, which an option forbids"
    elif geometry.offset != disk.SUPERBLOCK_OFFSET:
        reason = "by a copy of the superblock it can only be read"
    elif size > device.size:
        reason = f"the volume has {size} bytes, the device only {device.size}: it was cut short"
    elif raw.creator_os == disk.CREATOR_HURD:
        reason = "it was made for the Hurd, which keeps other things in its inodes"
    elif device.read_only:
        reason = "the device is read-only"
    if reason:
        raise fault(e.EROFS, f"{device.name}: {reason}")


class Session:
    """A mount that may write, without the parts that do: recovery done, a store with its keeper.

    state   what all parts share: so far medium, geometry, services, store, super, ordered
    notes   what mounting has to say of itself
    """

    def __init__(self, arguments: MountArguments, geometry: Geometry) -> None:
        """Errors: as `mount_for_writing`."""
        device = arguments.device
        assert device is not None
        self._arguments = arguments
        self._device = device
        self.notes: Notes = ()
        refuse(device, geometry, arguments.options)
        self._needed = bool(geometry.incompat & disk.INCOMPAT_RECOVER)
        self._mmp: Mmp | None = None
        if geometry.incompat & disk.INCOMPAT_MMP:
            from rump.drivers.fs.ext2fs.writing.mmp import Mmp

            self._mmp = Mmp(device, geometry, arguments.services)
            self._mmp.claim("nommpwait" not in arguments.options)
        try:
            self._open(geometry)
        except BaseException:
            self.abandon()
            raise

    def _open(self, geometry: Geometry) -> None:
        log = recovery = None
        if geometry.compat & disk.COMPAT_HAS_JOURNAL:
            log, recovery = self._read_log(geometry)
            if recovery is not None and self._needed:
                recovery.write(self._device, self._edit(geometry))
                self.notes = recovery.notes("replayed")
                geometry = superblock.read(self._device, self._arguments.services, geometry.offset)
                refuse(self._device, geometry, self._arguments.options)
        self._build(geometry, log, recovery)
        self._warn(geometry)

    def _edit(self, geometry: Geometry) -> Callable[[int, bytes], bytes]:
        """What becomes of a block on its way from the log: a superblock takes the checksum of the one in place, see
        `superblock_sum`."""
        own, at = divmod(geometry.offset, geometry.block_size)
        crc32c = self._arguments.services.crc32c
        field = slice(at + superblock.CHECKSUM_AT, at + superblock.CHECKSUM_AT + 4)

        def edit(block: int, data: bytes) -> bytes:
            if block != own or not geometry.checksums:
                return data
            if crc32c(0xFFFFFFFF, data[at : field.start]) != int.from_bytes(data[field], "little"):
                return data
            new = bytearray(data)
            new[field] = geometry.raw.checksum.to_bytes(4, "little")
            superblock_sum.keep(new, at, crc32c)
            return bytes(new)

        return edit

    def _read_log(self, geometry: Geometry) -> tuple[Log, Recovery | None]:
        """The journal, and what is in it if there is anything.  Errors: EROFS - fast commits; Corrupt."""
        arguments = self._arguments
        log = open_log(Ext2Volume(Medium(self._device, geometry, arguments.services, arguments.cache_bytes)))
        if not log.start:
            if self._needed:
                self.notes = ((b"recovery", b"the journal is empty"),)
            return log, None
        recovery = Recovery(log)
        recovery.scan()
        if self._needed:
            if log.fast_commits(recovery.end):
                raise fault(e.EROFS, f"{self._device.name}: the journal ends in fast commits, which are not supported")
            recovery.replay()
        return log, recovery

    def _build(self, geometry: Geometry, log: Log | None, recovery: Recovery | None) -> None:
        arguments, services = self._arguments, self._arguments.services
        self.state = state = State()
        state.geometry, state.services = geometry, services
        state.medium = medium = WritableMedium(self._device, geometry, services, arguments.cache_bytes)
        state.ordered = log is None
        state.discard = "discard" in arguments.options
        self._marks = marks = Marks(state, self._mmp)
        journal: JournalKeeper | None = None
        keeper: Keeper
        if log is None:
            keeper = OrderedKeeper(self._device, geometry.shift, marks.before_commit)
        else:
            # The number behind the last that may be in the log: parts of that transaction may be, too.
            last = log.sequence if recovery is None else recovery.end
            keeper = journal = JournalKeeper(log, self._device, services, last + 1, marks.before_commit)
        state.store = medium.store = Store(self._device, geometry.shift, services, keeper, medium.drop)
        state.super = SuperblockFields(state.store, services, geometry)
        if journal is not None:
            marks.damaged = bool(journal.errno)
            if self._needed:
                self._settle(journal, recovery is not None)

    def _settle(self, journal: JournalKeeper, replayed: bool) -> None:
        """What was in the log is in place: from now on the log is empty.  A mount that never commits says so, too."""
        self._marks.recovering()
        if replayed:
            if journal.errno:
                self._device.sync(barrier=True)
                journal.errno = 0
            journal.empty()

    def _warn(self, geometry: Geometry) -> None:
        """Say what a user should know, before it gets worse."""
        medium = self.state.medium
        if self._marks.damaged or geometry.raw.state & disk.STATE_ERRORS:
            medium.log("somebody found errors on the volume; it should be checked")
        elif self.state.ordered and not geometry.raw.state & disk.STATE_VALID:
            medium.log("the volume was not unmounted; it should be checked")

    def finish_orphans(self, run: Callable[[Callable[[], None]], None]) -> None:
        """Delete what the last mount could not."""
        deleted, cut = self.state.orphans.finish(run)
        if deleted or cut:
            self.notes += ((b"orphans", f"{deleted} files deleted, {cut} truncated".encode()),)

    def close(self) -> None:
        """Everything in its place, and the medium clean.  Requires: the store's lock, exclusively.

        Errors: what befell a write, now or earlier; the medium is not clean then.
        """
        try:
            self.state.store.checkpoint()
            self._marks.clean()
        except BaseException:
            self.abandon()
            raise
        if self._mmp is not None:
            self._mmp.leave()

    def abandon(self) -> None:
        """It did not work: others may have the volume."""
        if self._mmp is not None:
            try:
                self._mmp.leave()
            except OSError:
                pass    # the first error is the one to tell
