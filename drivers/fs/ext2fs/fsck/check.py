# SPDX-License-Identifier: BSD-2-Clause
"""The passes of a check, in order."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.fsck.counts import Connections, Counters
from rump.drivers.fs.ext2fs.fsck.directories import Directories
from rump.drivers.fs.ext2fs.fsck.inodes import Inodes, Owners
from rump.drivers.fs.ext2fs.fsck.state import State
from rump.drivers.fs.ext2fs.mount import mount
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import ERROR, NOTE, SUMMARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.ops import Ext2Volume
    from rump.kernel.vfs.volume import Finding, MountArguments

ORPHANS_MAX = 1 << 20       # of a list that is longer the rest is not followed


def fsck(arguments: MountArguments) -> Iterator[Finding]:
    """See `FileSystem.fsck`.  A journal that needs recovery is replayed in memory: what is checked is the volume as it
    will be.  Errors: as `mount`."""
    volume = mount(arguments)
    state = State(volume)
    yield from _marks(volume, volume.device is not arguments.device)
    yield from _journal(volume)
    yield from _orphans(state)
    for found in (Inodes(state).run(), Directories(state).run(), Connections(state).run()):
        yield from found
    if state.usage.shared:
        yield from Owners(state).run()
    yield from Counters(state).run()
    blocks = state.usage.count() * state.ratio
    yield SUMMARY, (
        f"{state.files} files, {len(state.directories)} of them directories; {blocks} of {state.geometry.blocks} blocks"
    )


def _marks(volume: Ext2Volume, recovered: bool) -> Iterator[Finding]:
    """What the superblock says of the volume's past."""
    raw = volume.medium.geometry.raw
    if recovered:
        yield NOTE, "the journal needs recovery; what follows is true of the volume after it"
    elif not raw.state & disk.STATE_VALID:
        yield NOTE, "it was not unmounted"
    if raw.state & disk.STATE_ERRORS:
        where = raw.first_error_func.rstrip(b"\0").decode("ascii", "replace")
        yield NOTE, f"somebody found {raw.error_count} errors on it" + (f", the first in {where}" if where else "")


def _journal(volume: Ext2Volume) -> Iterator[Finding]:
    """The log, where there is one inside."""
    geometry = volume.medium.geometry
    if not geometry.compat & disk.COMPAT_HAS_JOURNAL or not geometry.raw.journal_inum:
        return
    from rump.drivers.fs.ext2fs.journal.recovery import open_log

    try:
        open_log(volume)
    except Fault as error:
        yield ERROR, f"journal: {error.detail or error}"


def _orphans(state: State) -> Iterator[Finding]:
    """The inodes that the next mount for writing will delete, or cut."""
    inodes, raw = state.volume.inodes, state.geometry.raw
    number = raw.last_orphan
    while number:
        if number in state.orphans or len(state.orphans) > ORPHANS_MAX:
            yield ERROR, f"list of orphans: it comes back to inode {number}"
            return
        inodes.orphans[number] = state.orphans[number] = True
        yield NOTE, f"inode {number} is still to be deleted or cut"
        try:
            data, at = inodes.special(number)
        except Fault as error:
            yield ERROR, f"list of orphans: {error.detail or error}"
            return
        number = int.from_bytes(data[at + 20 : at + 24], "little")     # dtime
    if state.geometry.ro_compat & disk.RO_COMPAT_ORPHAN_PRESENT:
        yield from _orphan_file(state)


def _orphan_file(state: State) -> Iterator[Finding]:
    from rump.drivers.fs.ext2fs.orphan_file import numbers

    try:
        for number in numbers(state.volume):
            state.volume.inodes.orphans[number] = state.orphans[number] = True
            yield NOTE, f"inode {number} is still to be deleted or cut"
    except Fault as error:
        yield ERROR, error.detail or str(error)
