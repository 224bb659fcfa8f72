# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes: in the inode behind its fields, in a block that inodes may share, in inodes of their own.

Values come as Linux shows them on a mounted file: access control lists are turned from the disk's form (version 1,
short entries for those without a number) into the one of the system call (version 2; linux/posix_acl_xattr.h).
"""

from __future__ import annotations

from struct import Struct, iter_unpack

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.medium import KINDS, NO_FAULTS, XATTRS
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Faults, Medium
    from rump.drivers.fs.ext2fs.ops import Ext2Volume

    # (name index, name behind the prefix, value's inode or 0, value's size, hash, value if value's inode is 0)
    Row: TypeAlias = tuple[int, bytes, int, int, int, bytes]

# name_index -> prefix; what is not here (lustre, encryption, verity) is the file system's own and not shown.
PREFIXES = {
    1: b"user.", 2: b"system.posix_acl_access", 3: b"system.posix_acl_default", 4: b"trusted.", 6: b"security.",
    7: b"system.", 8: b"system.richacl", 10: b"gnu.",
}  # fmt: skip
WHOLE_NAMES = (2, 3, 8)     # those that are a name already
ACLS = (2, 3)
SYSTEM = 7
INLINE_NAME = b"data"       # with SYSTEM: an inline file's contents
VALUE_MAX = 1 << 24         # bytes of a value in an inode of its own

_ENTRY = disk_files.XattrEntry.struct
_CHECKSUM = slice(0x10, 0x14)
_ACL_SHORT = Struct("<HH")      # tag, permissions
_ACL_FULL = Struct("<HHI")      # and a user's or group's number
_ACL_NUMBERED = (0x02, 0x08)    # tags with a number: named users and groups
_ACL_TAGS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20)
_NOBODY = 0xFFFFFFFF


def names(volume: Ext2Volume, inode: Inode) -> tuple[bytes, ...]:
    """The names a file has, those in the inode first."""
    return tuple(name for row in rows(volume.medium, inode) if (name := full_name(row)))


def value(volume: Ext2Volume, inode: Inode, name: bytes) -> bytes:
    """A value.  Errors: ENOATTR; Corrupt."""
    for row in rows(volume.medium, inode):
        if full_name(row) == name:
            found = _large_value(volume, inode, row) if row[2] else row[5]
            return acl(inode, found) if row[0] in ACLS else found
    raise fault(e.ENOATTR)


def inline_value(medium: Medium, inode: Inode) -> bytes:
    """The part of an inline file that lies behind the block map."""
    for index, name, owner, _, _, found in _in_inode(medium, inode):
        if index == SYSTEM and name == INLINE_NAME and not owner:
            return found
    return b""


def full_name(row: Row) -> bytes:
    """The name in full, empty if it is not to be shown."""
    index, rest = row[:2]
    prefix = PREFIXES.get(index, b"")
    if index in WHOLE_NAMES:
        return b"" if rest else prefix
    if not rest or b"\0" in rest or (index == SYSTEM and rest == INLINE_NAME):
        return b""
    return prefix + rest if prefix else b""


def rows(medium: Medium, inode: Inode) -> Iterator[Row]:
    """All attributes of a file."""
    yield from _in_inode(medium, inode)
    if inode.xattr_block:
        yield from _in_block(medium, inode)


def _in_inode(medium: Medium, inode: Inode) -> Iterator[Row]:
    size = medium.geometry.inode_size
    if size <= 128:
        return iter(())
    raw = inode.data[inode.at : inode.at + size]
    start = 128 + int.from_bytes(raw[128:130], "little")
    if start + 4 > size or start & 3 or int.from_bytes(raw[start : start + 4], "little") != disk_files.XATTR_MAGIC:
        return iter(())
    return parse(inode, raw[start + 4 :], 0)


def _in_block(medium: Medium, inode: Inode) -> Iterator[Row]:
    geometry = medium.geometry
    block = inode.xattr_block
    if not geometry.has_data(block, 1):
        raise Corrupt(f"inode {inode.number}: attribute block {block} is outside the volume")
    _, data, _ = medium.piece(
        block << geometry.shift,
        geometry.block_size,
        block * KINDS + XATTRS,
        lambda: f"inode {inode.number}: attribute block",
        lambda data: check_block(medium, block, data),
    )
    for row in parse(inode, data, disk_files.XattrHeader.struct.size):
        index, name, owner, _, stored, found = row
        if stored and not owner and stored not in _hashes(name, found):
            medium.log(f"inode {inode.number}: hash of attribute {index} {name!r} in block {block} is wrong")
        yield row


def check_block(medium: Medium, block: int, data: bytes) -> Faults:
    """A block of attributes as it comes in."""
    header = disk_files.XattrHeader(data)
    if header.magic != disk_files.XATTR_MAGIC or header.blocks != 1:
        raise Corrupt(f"attribute block {block}: magic {header.magic:#x}, {header.blocks} blocks")
    if medium.geometry.checksums:
        blank = bytearray(data)
        blank[_CHECKSUM] = b"\0\0\0\0"
        seed = medium.services.crc32c(medium.geometry.seed, block.to_bytes(8, "little"))
        if medium.services.crc32c(seed, blank) != header.checksum:
            raise Corrupt(f"attribute block {block}: checksum is wrong")
    return NO_FAULTS


def parse(inode: Inode, data: bytes, at: int) -> Iterator[Row]:
    """The attributes from byte `at` of `data` on, where values are counted from its byte 0."""
    while at + 4 <= len(data) and data[at : at + 4] != b"\0\0\0\0":
        stop = at + _ENTRY.size
        if stop > len(data):
            raise Corrupt(f"inode {inode.number}: attribute at {at} has no room")
        name_length, index, offset, owner, size, stored = _ENTRY.unpack_from(data, at)
        name = data[stop : stop + name_length]
        if len(name) != name_length or (not owner and offset + size > len(data)):
            raise Corrupt(f"inode {inode.number}: attribute {name!r}: {size} bytes at {offset}")
        yield index, name, owner, size, stored, b"" if owner else data[offset : offset + size]
        at = stop + (name_length + 3 & ~3)


def _hashes(name: bytes, found: bytes) -> tuple[int, int]:
    """The two hashes that an attribute may carry: with the name's bytes unsigned, and signed (as was once common)."""
    results = []
    for signed in (0, 256):
        total = 0
        for byte in name:
            total = (total << 5 ^ total >> 27 ^ (byte - signed if byte > 127 else byte)) & 0xFFFFFFFF
        for (word,) in iter_unpack("<I", found + bytes(-len(found) % 4)):
            total = (total << 16 ^ total >> 16 ^ word) & 0xFFFFFFFF
        results.append(total)
    return results[0], results[1]


def _large_value(volume: Ext2Volume, inode: Inode, row: Row) -> bytes:
    """A value that has an inode of its own, whose atime is the value's checksum.  Those of Lustre have none; their
    mtime and generation name the file.  Errors: Corrupt."""
    _, name, number, size, stored, _ = row
    what = f"inode {inode.number}: attribute {name!r} in inode {number}"
    holder = volume.inodes.make(number, *volume.inodes.special(number))
    if not holder.flags & disk_files.INODE_EA_INODE or holder.size != size or size > VALUE_MAX:
        raise Corrupt(f"{what}: size {size}, there {holder.size}, flags {holder.flags:#x}")
    found = volume.content(holder)
    medium = volume.medium
    checksum = medium.services.crc32c(medium.geometry.seed, found)
    times = disk_files.OldInode(holder.data, holder.at)
    sound = times.atime & 0xFFFFFFFF == checksum and stored in _hashes(name, checksum.to_bytes(4, "little"))
    lustre = times.mtime & 0xFFFFFFFF == inode.number and holder.generation == inode.generation
    if not sound and not lustre:
        raise Corrupt(f"{what}: checksum is wrong")
    return found


def acl(inode: Inode, found: bytes) -> bytes:
    """An access control list from its form on the disk to Linux's version 2."""
    if len(found) < 4 or found[:4] != b"\1\0\0\0":
        raise Corrupt(f"inode {inode.number}: access control list of version {found[:4].hex()}")
    result = b"\2\0\0\0"
    at = 4
    while at < len(found):
        full = at + 4 <= len(found) and _ACL_SHORT.unpack_from(found, at)[0] in _ACL_NUMBERED
        size = 8 if full else 4
        if at + size > len(found):
            raise Corrupt(f"inode {inode.number}: access control list is cut short")
        tag, permissions, *number = (_ACL_FULL if full else _ACL_SHORT).unpack_from(found, at)
        if tag not in _ACL_TAGS:
            raise Corrupt(f"inode {inode.number}: access control list: tag {tag:#x}")
        result += _ACL_FULL.pack(tag, permissions, number[0] if number else _NOBODY)
        at += size
    return result
