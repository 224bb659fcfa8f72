# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes change: in the inode where there is room, else in a block, else in an inode of their own.

Where an attribute goes is decided as Linux does.  All that is said here of a file is said of its draft, which the
caller saves, with the times it wants; what is read here sees the draft as it is, saved or not.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.writing import xattr_block
from rump.drivers.fs.ext2fs.writing.xattr_block import END, ENTRY, HEADER, lay_out, needed
from rump.drivers.fs.ext2fs.xattr import ACLS, INLINE_NAME, PREFIXES, SYSTEM, WHOLE_NAMES, acl, full_name, parse
from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rump.drivers.fs.ext2fs.writing.acl import Rule
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.drivers.fs.ext2fs.xattr import Row

NAME_MAX = 255          # bytes behind the prefix
VALUE_MAX = 65536       # bytes; what Linux lets through
ACL_ACCESS, ACL_DEFAULT = ACLS

_MAGIC = disk_files.XATTR_MAGIC.to_bytes(4, "little")
_INDEXES = {prefix[:-1]: index for index, prefix in PREFIXES.items() if index not in WHOLE_NAMES}
_WHOLE = {PREFIXES[index]: index for index in WHOLE_NAMES}


# ---- operations ------------------------------------------------------------------------------------------------------


def set_xattr(state: State, draft: Draft, name: bytes, value: bytes, flags: int = 0) -> None:
    """Set an attribute; an access control list sets the mode too, and is not kept if the mode says it all.

    Errors: EEXIST, ENOATTR - against XATTR_CREATE, XATTR_REPLACE; EOPNOTSUPP - not this name, or not of this file;
    EINVAL - name or access control list; ERANGE, E2BIG - too long; EACCES - a default list of what is no directory;
    ENOSPC; Corrupt.
    """
    index, rest = split(name)
    held = Held(state, draft)
    there = held.find(index, rest)
    if there and flags & abi.XATTR_CREATE:
        raise fault(e.EEXIST)
    if not there and flags & abi.XATTR_REPLACE:
        raise fault(e.ENOATTR)
    held.set(index, rest, value)
    held.save()


def set_many(state: State, draft: Draft, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Set attributes, (name, value), all at once.  Errors: as `set_xattr`."""
    wanted = dict(pairs)
    if _set_first(draft, wanted):
        if wanted:
            _mark(state)
        return
    held = Held(state, draft)
    for name, value in wanted.items():
        held.set(*split(name), value)
    held.save()


def remove_xattr(state: State, draft: Draft, name: bytes) -> None:
    """Remove an attribute.  Errors: ENOATTR; EOPNOTSUPP and others - of the name; ENOSPC - its block is shared."""
    index, rest = split(name)
    held = Held(state, draft)
    if not held.remove(index, rest):
        raise fault(e.ENOATTR)
    held.save()


def drop_all(state: State, draft: Draft) -> None:
    """The inode is being deleted.  What cannot be read for damage is left to the checker; people are told.

    Errors: Corrupt - the damage is in what is to be freed.
    """
    if draft.tail[:4] == _MAGIC:
        rows, _ = _legible(state, lambda: (body(draft), 1))
        _drop_values(state, draft, rows, False)
        draft.tail = bytes(len(draft.tail))
    if draft.xattr_block:
        rows, sharers = _legible(state, lambda: xattr_block.load(state, draft))
        _drop_values(state, draft, rows, sharers > 1)
        if sharers >= 0:
            xattr_block.let_go(state, draft)
        draft.xattr_block = 0


def follow_mode(state: State, draft: Draft) -> None:
    """The permission bits of a file have been set (chmod): so does its access control list, if it has one."""
    if bare(draft):
        return
    held = Held(state, draft)
    row = held.find(ACL_ACCESS, b"")
    if row:
        from rump.drivers.fs.ext2fs.writing.acl import parse as rules_of
        from rump.drivers.fs.ext2fs.writing.acl import to_disk, with_mode

        held.put(ACL_ACCESS, b"", to_disk(with_mode(rules_of(acl(draft, held.value(row))), draft.mode)))
        held.save()


def names(state: State, draft: Draft) -> tuple[bytes, ...]:
    """The names that a file has, as of the reader."""
    held = Held(state, draft)
    return tuple([name for row in held.body + held.block if (name := full_name(row))])


def value(state: State, draft: Draft, name: bytes) -> bytes:
    """A value, as of the reader.  Errors: ENOATTR; Corrupt."""
    held = Held(state, draft)
    for row in held.body + held.block:
        if full_name(row) == name:
            return acl(draft, held.value(row)) if row[0] in ACLS else held.value(row)
    raise fault(e.ENOATTR)


def split(name: bytes) -> tuple[int, bytes]:
    """(name index, name behind the prefix) of a name in full.

    Errors: EOPNOTSUPP - no such prefix, or the file system's own; EINVAL - nothing behind it, or a NUL; ERANGE.
    """
    prefix, dot, rest = name.partition(b".")
    index = _INDEXES.get(prefix) if dot else None
    if index is None or index == SYSTEM:
        whole = _WHOLE.get(name)
        if whole:
            return whole, b""
        if index is None or rest == INLINE_NAME:
            raise fault(e.EOPNOTSUPP, f"attribute {name!r}")
    if not rest or b"\0" in rest:
        raise fault(e.EINVAL, f"attribute {name!r}")
    if len(rest) > NAME_MAX:
        raise fault(e.ERANGE, f"attribute name of {len(name)} bytes")
    return index, rest


# ---- the area in the inode -------------------------------------------------------------------------------------------


def bare(draft: Draft) -> bool:
    """Whether a file has no attributes for sure."""
    return not draft.xattr_block and draft.tail[:4] != _MAGIC


def room(draft: Draft) -> int:
    """Bytes that attributes can take up in an inode."""
    return max(0, len(draft.tail) - len(_MAGIC) - END) if draft.extra >= 4 else 0


def body(draft: Draft) -> list[Row]:
    """The attributes in an inode.  Errors: Corrupt."""
    return list(parse(draft, draft.tail[4:], 0)) if draft.tail[:4] == _MAGIC else []


def set_body(draft: Draft, rows: list[Row]) -> None:
    """Make `rows`, for which there is room, the attributes in an inode."""
    size = len(draft.tail)
    if rows:
        entries, values = lay_out(rows, size - len(_MAGIC))
        gap = size - len(_MAGIC) - len(entries) - len(values)
        draft.tail = b"".join((_MAGIC, entries, bytes(gap), values))
    else:
        draft.tail = bytes(size)


def _set_first(draft: Draft, wanted: dict[bytes, bytes]) -> bool:
    """The usual case of `set_many`: small attributes, and nothing there yet.  False: it is not that."""
    if draft.xattr_block or draft.tail[:4] == _MAGIC:
        return False
    rows: list[Row] = []
    left = room(draft)
    for name, value in wanted.items():
        index, rest = split(name)
        if index in ACLS:
            return False
        row = (index, rest, 0, len(value), 0, value)
        rows.append(row)
        left -= needed(row)
        if left < 0:
            return False
    if rows:
        set_body(draft, rows)
    return True


# ---- both areas ------------------------------------------------------------------------------------------------------


class Held:
    """The attributes of a file while they change.

    body, block   those in the inode, those in the block
    """

    def __init__(self, state: State, draft: Draft) -> None:
        """Errors: Corrupt."""
        self._state = state
        self._draft = draft
        self.body = body(draft)
        self.block: list[Row] = []
        sharers = 0
        if draft.xattr_block:
            self.block, sharers = xattr_block.load(state, draft)
        self._shared = sharers > 1
        self._before = self.block
        self._body_changed = False
        self._sectors = 0                           # how many more are counted, for values in inodes
        self._references: dict[int, int] = {}       # inode of a value -> how many more refer to it

    def find(self, index: int, name: bytes) -> Row | None:
        """The attribute of that name."""
        for row in self.body + self.block:
            if row[0] == index and row[1] == name:
                return row
        return None

    def value(self, row: Row) -> bytes:
        """Its value, as it is on the disk.  Errors: Corrupt."""
        if not row[2]:
            return row[5]
        from rump.drivers.fs.ext2fs.writing.ea_inode import content

        return content(self._state, self._draft, row[2], row[3])

    def set(self, index: int, name: bytes, value: bytes) -> None:
        """Set an attribute to a value of the system call's form.  Errors: as `set_xattr`."""
        if len(value) > VALUE_MAX:
            raise fault(e.E2BIG, f"attribute of {len(value)} bytes")
        if index in ACLS:
            self._set_acl(index, value)
        else:
            self.put(index, name, value)

    def _set_acl(self, index: int, value: bytes) -> None:
        from rump.drivers.fs.ext2fs.writing.acl import check, mode_of, to_disk
        from rump.drivers.fs.ext2fs.writing.acl import parse as rules_of

        draft = self._draft
        rules: list[Rule] = rules_of(value)
        kind = draft.mode & abi.S_IFMT
        if kind == abi.S_IFLNK:
            raise fault(e.EOPNOTSUPP, f"inode {draft.number} is a symbolic link")
        if rules and index == ACL_DEFAULT and kind != abi.S_IFDIR:
            raise fault(e.EACCES, f"inode {draft.number} is no directory")
        check(rules)
        if rules and index == ACL_ACCESS:
            bits, all_said = mode_of(rules)
            draft.mode = draft.mode & ~0o777 | bits
            if all_said:
                rules = []
        if rules:
            self.put(index, b"", to_disk(rules))
        else:
            self.remove(index, b"")

    def remove(self, index: int, name: bytes) -> bool:
        """Take an attribute out, wherever it is; whether it was there."""
        in_body = [row for row in self.body if row[0] != index or row[1] != name]
        in_block = [row for row in self.block if row[0] != index or row[1] != name]
        gone = len(self.body) + len(self.block) - len(in_body) - len(in_block)
        if gone:
            for row in self.body + self.block:
                if row[2] and row[0] == index and row[1] == name:
                    self._give_up(row)
            self._body_changed |= len(in_body) != len(self.body)
            self.body = in_body
            if len(in_block) != len(self.block):
                self.block = in_block
        return gone > 0

    def _give_up(self, row: Row) -> None:
        """A value in an inode of its own is not this file's any more."""
        from rump.drivers.fs.ext2fs.writing.ea_inode import charge

        self._sectors -= charge(self._state, self._draft, row[2], row[3])
        self._count(row[2], -1)

    def _count(self, owner: int, change: int) -> None:
        self._references[owner] = self._references.get(owner, 0) + change

    def put(self, index: int, name: bytes, value: bytes) -> None:
        """Set an attribute to a value of the disk's form.  Errors: ENOSPC."""
        there = self.find(index, name)
        if there and not there[2] and there[5] == value:
            return
        self.remove(index, name)
        row = (index, name, 0, len(value), 0, value)
        if self._draft.flags & disk_files.INODE_INLINE_DATA and self._fits(row) != 1:
            self._outgrow_link()
        if self._state.geometry.incompat & disk.INCOMPAT_EA_INODE:
            self._put_anywhere(row)
        elif not self._place(row):
            raise fault(e.ENOSPC, f"inode {self._draft.number}: no room for an attribute of {len(value)} bytes")

    def _outgrow_link(self) -> None:
        """Of a symbolic link that lives in its inode e2fsck (1.47) overlooks what else it has, and frees that."""
        draft = self._draft
        if draft.mode & abi.S_IFMT == abi.S_IFLNK:
            from rump.drivers.fs.ext2fs.writing.inline import outgrow

            outgrow(self._state, draft)
            self.body = [row for row in self.body if row[0] != SYSTEM or row[1] != INLINE_NAME]
            self._body_changed = True

    def _put_anywhere(self, row: Row) -> None:
        """Put an attribute where it fits, or its value into an inode of its own; at once if it would fill a block."""
        block_size = self._state.geometry.block_size
        large = (row[3] + 3 & ~3) > block_size - (ENTRY.size + 4) - HEADER - END
        if not large and self._place(row):
            return
        index, name, _, size, _, value = row
        proxy = (index, name, 1, size, 0, b"")
        if not value or not self._fits(proxy):
            raise fault(e.ENOSPC, f"inode {self._draft.number}: no room for another attribute")
        from rump.drivers.fs.ext2fs.writing.ea_inode import create, sectors

        number, checksum = create(self._state, self._draft, value)
        self._sectors += sectors(self._state, size)
        stored = xattr_block.entry_hash(name, checksum.to_bytes(4, "little"))
        self._place((index, name, number, size, stored, b""))

    def _fits(self, row: Row) -> int:
        """1: in the inode, 2: in the block, 0: nowhere."""
        size = needed(row)
        # The blocks of a value count as a symbolic link's; without an attribute block beside them e2fsck (1.47) takes a
        # target in the inode for a block map.
        of_link = row[2] and self._draft.mode & abi.S_IFMT == abi.S_IFLNK
        if not of_link and size + sum([needed(other) for other in self.body]) <= room(self._draft):
            return 1
        room_there = self._state.geometry.block_size - HEADER - END
        return 2 if size + sum([needed(other) for other in self.block]) <= room_there else 0

    def _place(self, row: Row) -> bool:
        """Put an attribute where it fits, in the inode first."""
        where = self._fits(row)
        if where == 1:
            index, name, owner, size, stored, value = row
            self.body = [*self.body, (index, name, owner, size, stored if owner else 0, value)]
            self._body_changed = True
        elif where == 2:
            self.block = [*self.block, row]
        return where > 0

    def save(self) -> None:
        """Make it so, but for saving the draft.  Errors: ENOSPC; Corrupt."""
        state, draft = self._state, self._draft
        if self._body_changed:
            set_body(draft, self.body)
        if self.block is not self._before:
            if self._shared:        # the others keep what was there: a copy refers to it once more
                for row in self._before:
                    if row[2]:
                        self._count(row[2], 1)
            xattr_block.save(state, draft, self.block, self._shared)
        draft.sectors = max(0, draft.sectors + self._sectors)
        if self._references:
            from rump.drivers.fs.ext2fs.writing.ea_inode import refer

            for owner, change in self._references.items():
                if change:
                    refer(state, draft, owner, change)
        if self._body_changed or self.block is not self._before:
            _mark(state)


def _mark(state: State) -> None:
    """The volume has attributes, and its superblock says so."""
    compat = state.super["feature_compat"]
    if not compat & disk.COMPAT_EXT_ATTR:
        state.super["feature_compat"] = compat | disk.COMPAT_EXT_ATTR


def _legible(state: State, read: Callable[[], tuple[list[Row], int]]) -> tuple[list[Row], int]:
    """(rows, sharers) as they are read; none and -1 where damage prevents it."""
    try:
        return read()
    except Corrupt as error:
        state.medium.log(f"{error.detail}; left as it is")
        return [], -1


def _drop_values(state: State, draft: Draft, rows: list[Row], shared: bool) -> None:
    """Attributes go: so do their references to inodes, unless others share them."""
    large = [row for row in rows if row[2]]
    if large:
        from rump.drivers.fs.ext2fs.writing.ea_inode import charge, refer

        for row in large:
            try:
                sectors = charge(state, draft, row[2], row[3])
            except Corrupt as error:
                state.medium.log(f"{error.detail}; left as it is")
                continue
            draft.sectors = max(0, draft.sectors - sectors)
            if not shared:
                refer(state, draft, row[2], -1)
