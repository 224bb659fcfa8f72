# SPDX-License-Identifier: BSD-2-Clause
"""Files that live in their inode (feature inline_data), written: the 60 bytes of the block map, then the value of the
attribute "system.data", which is there even if it is empty.

A file outgrows its inode when it does not fit any more; it never comes back.  All is done to drafts, which the caller
saves.  What is read here sees the draft as it is, saved or not.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.dirent import DOTS, HEADER, SHORTEST
from rump.drivers.fs.ext2fs.inline import PARENT
from rump.drivers.fs.ext2fs.writing.xattr import body, room, set_body
from rump.drivers.fs.ext2fs.writing.xattr_block import ENTRY, needed
from rump.drivers.fs.ext2fs.xattr import INLINE_NAME, SYSTEM
from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NEW
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.drivers.fs.ext2fs.xattr import Row

OWN = 60                # bytes in the place of the block map

_DIRENT = disk_files.Dirent.struct
_ROOM_TAKEN = ENTRY.size + len(INLINE_NAME)     # by the attribute without a value
_EMPTY: Row = (SYSTEM, INLINE_NAME, 0, 0, 0, b"")
_DIRECTORY = 2          # file_type


def start(state: State, draft: Draft) -> bool:
    """A new file has its contents in its inode, none yet.  False: there is no room; it has an empty block map."""
    rows = body(draft)
    if _free(draft, rows) < 0:
        _start_blocks(state, draft)
        return False
    draft.flags = draft.flags & ~disk_files.INODE_EXTENTS | disk_files.INODE_INLINE_DATA
    draft.block = bytes(OWN)
    set_body(draft, [_EMPTY, *rows])
    return True


def limit(state: State, draft: Draft) -> int:
    """The bytes that a file can have in its inode, with the attributes that are there."""
    return OWN + max(0, _free(draft, _others(draft)))


def can_hold(state: State, draft: Draft, size: int) -> bool:
    """Whether `size` bytes have room."""
    return size <= OWN or size <= limit(state, draft)


def content(draft: Draft) -> bytes:
    """All the bytes of a file.  Errors: Corrupt - its size is more than there is."""
    data = draft.block + _value(draft)
    if draft.size > len(data):
        raise Corrupt(f"inode {draft.number}: size is {draft.size}, but {len(data)} bytes are in the inode")
    return data[: draft.size]


def write(state: State, draft: Draft, offset: int, data: bytes) -> None:
    """Write into a file, which grows; a gap is zeros.  Errors: ENOSPC - `can_hold` would have said so."""
    old = content(draft)
    replace(state, draft, old[:offset].ljust(offset, b"\0") + data + old[offset + len(data) :])


def truncate(state: State, draft: Draft, size: int) -> None:
    """Set a file's size; what is added is zeros.  Errors: as `write`."""
    replace(state, draft, content(draft)[:size].ljust(size, b"\0"))


def replace(state: State, draft: Draft, data: bytes) -> None:
    """Make `data` the contents of a file.  Errors: as `write`."""
    value = data[OWN:]
    if value or _value(draft):
        rows = _others(draft)
        if len(value) > _free(draft, rows):
            raise fault(e.ENOSPC, f"inode {draft.number}: no room for {len(data)} bytes")
        set_body(draft, [(SYSTEM, INLINE_NAME, 0, len(value), 0, value), *rows])
    draft.block = data[:OWN].ljust(OWN, b"\0")
    draft.size = len(data)


def outgrow(state: State, draft: Draft) -> None:
    """Give a file of any kind a block, or none if it is empty.  Errors: ENOSPC; Corrupt - a damaged directory."""
    kind = draft.mode & abi.S_IFMT
    data = content(draft)
    if kind == abi.S_IFDIR:
        data = _directory_block(state, draft, data)
    shift, size = state.geometry.shift, draft.size
    set_body(draft, _others(draft))
    _start_blocks(state, draft)
    if not data:
        return
    data = data.ljust(1 << shift, b"\0")
    draft.size = 0
    block = state.block_maps.append(draft)[1]
    if kind == abi.S_IFREG:
        state.store.device.write(block << shift, data)
    else:
        state.store.put(block, data, NEW)
    draft.size = 1 << shift if kind == abi.S_IFDIR else size


def _start_blocks(state: State, draft: Draft) -> None:
    """An empty block map."""
    draft.flags &= ~disk_files.INODE_INLINE_DATA
    state.block_maps.initialise(draft)


# ---- the attribute ---------------------------------------------------------------------------------------------------


def _others(draft: Draft) -> list[Row]:
    """The attributes in an inode without the contents."""
    return [row for row in body(draft) if row[0] != SYSTEM or row[1] != INLINE_NAME]


def _free(draft: Draft, others: list[Row]) -> int:
    """Bytes that the attribute's value may have besides others; negative: not even its name has room."""
    left = room(draft) - _ROOM_TAKEN
    for row in others:
        left -= needed(row)
    return left & ~3


def _value(draft: Draft) -> bytes:
    """The part of the contents behind the block map."""
    for index, name, owner, _, _, value in body(draft):
        if index == SYSTEM and name == INLINE_NAME and not owner:
            return value
    return b""


# ---- directories -----------------------------------------------------------------------------------------------------


def _directory_block(state: State, draft: Draft, data: bytes) -> bytes:
    """The block that the entries of an inline directory make: "." and ".." come first, the last one takes the rest."""
    size = state.geometry.block_size
    end = size - SHORTEST if state.geometry.checksums else size
    kind = _DIRECTORY if state.geometry.incompat & disk.INCOMPAT_FILETYPE else 0
    block = bytearray()
    for number, name in zip((draft.number, int.from_bytes(data[:PARENT], "little")), DOTS, strict=True):
        block += _DIRENT.pack(number, SHORTEST, len(name), kind) + name.ljust(4, b"\0")
    block += data[PARENT:]
    _extend_last(draft, block, 2 * SHORTEST, end)
    if state.geometry.checksums:
        seed = state.medium.inode_seed(draft.number, draft.generation)
        checksum = state.services.crc32c(seed, block)
        block += disk_files.DirentTail.struct.pack(0, SHORTEST, 0, disk_files.TAIL_TYPE, checksum)
    return bytes(block)


def _extend_last(draft: Draft, block: bytearray, at: int, end: int) -> None:
    """Let the last entry, from byte `at` on, reach to `end`.  Errors: Corrupt."""
    last, stop = at, len(block)
    while at < stop:
        length = int.from_bytes(block[at + 4 : at + 6], "little")
        if stop - at < SHORTEST or length < SHORTEST or length & 3 or length > stop - at or stop > end:
            raise Corrupt(f"directory {draft.number}: entry at {at}: length {length} of {stop - at}")
        last, at = at, at + length
    block += bytes(end - stop)
    block[last + 4 : last + 6] = (end - last).to_bytes(2, "little")
    # With a name longer than its entry a damaged one would get a longer name.
    if block[last + 6] > stop - last - HEADER:
        raise Corrupt(f"directory {draft.number}: entry at {last}: name of {block[last + 6]} bytes")
