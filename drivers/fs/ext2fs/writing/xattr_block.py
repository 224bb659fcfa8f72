# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes laid out: entries from the front, values from the back; and the block that holds those that an
inode has no room for.  The block's entries are sorted, carry hashes, and may be shared by inodes: it counts them.

The format is the kernel's documentation "ext4 Data Structures and Algorithms", Extended Attributes.
"""

from __future__ import annotations

from struct import Struct, unpack_from

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.medium import KINDS, XATTRS
from rump.drivers.fs.ext2fs.xattr import check_block, parse
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.transaction import NEW, RELEASE, STRUCTURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.drivers.fs.ext2fs.xattr import Row

END = 4                             # bytes: a zero word ends the entries
HEADER = disk_files.XattrHeader.struct.size
ENTRY = disk_files.XattrEntry.struct


_HEADER = disk_files.XattrHeader.struct
_REFERENCES = disk_files.XattrHeader.place("refcount")
_CHECKSUM, _ = disk_files.XattrHeader.place("checksum")
_WORD = Struct("<I")
_PAD = (b"", b"\0\0\0", b"\0\0", b"\0")


def needed(row: Row) -> int:
    """Bytes that an attribute takes up."""
    return ENTRY.size + (len(row[1]) + 3 & ~3) + (0 if row[2] else row[3] + 3 & ~3)


def lay_out(rows: list[Row], end: int) -> tuple[bytes, bytes]:
    """(entries, values) of attributes; the values end at `end`, counted as the entries count.  There is room."""
    entries = []
    values = []
    pack = ENTRY.pack
    for index, name, owner, size, stored, value in rows:
        at = 0
        if value:
            values.append(value + _PAD[size & 3])
            at = end = end - (size + 3 & ~3)
        length = len(name)
        entries.append(pack(length, index, at, owner, size, stored) + name + _PAD[length & 3])
    values.reverse()
    return b"".join(entries), b"".join(values)


def entry_hash(name: bytes, value: bytes) -> int:
    """The hash of an attribute: of the name's bytes, unsigned, and the value's words, the last filled with zeros."""
    total = 0
    for byte in name:
        total = (total << 5 ^ total >> 27 ^ byte) & 0xFFFFFFFF
    value += _PAD[len(value) & 3]
    for word in unpack_from(f"<{len(value) >> 2}I", value):
        total = (total << 16 ^ total >> 16 ^ word) & 0xFFFFFFFF
    return total


def load(state: State, draft: Draft) -> tuple[list[Row], int]:
    """(rows, number of inodes that share it) of a file's block.  Errors: Corrupt."""
    data = _read(state, draft)
    return list(parse(draft, data, HEADER)), _references(data)


def save(state: State, draft: Draft, rows: list[Row], shared: bool) -> None:
    """Make `rows` what a file's block holds: a new one if it has none, or shares it.  Errors: ENOSPC."""
    if not rows:
        let_go(state, draft)
        return
    phase = STRUCTURE
    if shared:
        let_go(state, draft)
    if not draft.xattr_block:
        draft.xattr_block, _ = state.alloc.take(state.alloc.goal(draft, 0), 1)
        draft.sectors += state.geometry.cluster_size >> 9
        phase = NEW
    state.store.put(draft.xattr_block, _encoded(state, draft.xattr_block, rows), phase)


def let_go(state: State, draft: Draft) -> None:
    """A file uses its block no longer; it is freed if it was the last.  Errors: Corrupt."""
    block = draft.xattr_block
    if not block:
        return
    data = _read(state, draft)
    count = _references(data)
    if count > 1:
        new = bytearray(data)
        offset, form = _REFERENCES
        form.pack_into(new, offset, count - 1)
        # Too high a count does no harm meanwhile; too low a one would.
        state.store.put(block, _summed(state, block, new), RELEASE)
    else:
        state.store.forget(block)
        state.alloc.release(block, 1)
    draft.xattr_block = 0
    draft.sectors = max(0, draft.sectors - (state.geometry.cluster_size >> 9))


def _read(state: State, draft: Draft) -> bytes:
    """The block as it is now.  Errors: Corrupt."""
    medium, geometry = state.medium, state.geometry
    block = draft.xattr_block
    if not geometry.has_data(block, 1):
        raise Corrupt(f"inode {draft.number}: attribute block {block} is outside the volume")
    return medium.piece(
        block << geometry.shift,
        geometry.block_size,
        block * KINDS + XATTRS,
        lambda: f"inode {draft.number}: attribute block",
        lambda data: check_block(medium, block, data),
    )[1]


def _references(data: bytes) -> int:
    offset, form = _REFERENCES
    count: int = form.unpack_from(data, offset)[0]
    return count


def _encoded(state: State, block: int, rows: list[Row]) -> bytes:
    """A block of attributes that one inode uses."""
    rows = sorted([_hashed(row) for row in rows], key=_order)
    size = state.geometry.block_size
    entries, values = lay_out(rows, size)
    total = 0
    for row in rows:
        total = (total << 16 ^ total >> 16 ^ row[4]) & 0xFFFFFFFF
    if not all(row[4] for row in rows):
        total = 0           # as of a block that cannot be compared with others
    header = _HEADER.pack(disk_files.XATTR_MAGIC, 1, 1, total, 0, 0, 0)
    data = bytearray(b"".join((header, entries, bytes(size - HEADER - len(entries) - len(values)), values)))
    return _summed(state, block, data)


def _hashed(row: Row) -> Row:
    """With its hash, which attributes in an inode do without."""
    index, name, owner, size, stored, value = row
    return row if stored else (index, name, owner, size, entry_hash(name, value), value)


def _order(row: Row) -> tuple[int, int, bytes]:
    return row[0], len(row[1]), row[1]


def _summed(state: State, block: int, data: bytearray) -> bytes:
    """A block with its checksum, which starts with its number."""
    if state.geometry.checksums:
        crc32c = state.services.crc32c
        _WORD.pack_into(data, _CHECKSUM, 0)
        checksum = crc32c(crc32c(state.geometry.seed, block.to_bytes(8, "little")), data)
        _WORD.pack_into(data, _CHECKSUM, checksum)
    return bytes(data)
