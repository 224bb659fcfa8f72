# SPDX-License-Identifier: BSD-2-Clause
"""Hash trees of directories while they grow: the way to a leaf, leaves and nodes split, levels added, trees begun.

A leaf that is full gives half of its names to a new one.  The half that moves is the one that the new name is in: a new
block takes any name in any order, while without a journal what stays must stay where it is.  There (`State.ordered`)
the new leaf and the way to it are on the device (phases NEW, STRUCTURE, NAMES) before the old leaf loses a name
(RELEASE); a crash in between leaves names in two places, which a checker sees and mends, and never in none.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.dirent import SHORTEST, record_length
from rump.drivers.fs.ext2fs.dx_hash import TEA, UNSIGNED, many_hashes, name_hashes
from rump.drivers.fs.ext2fs.htree import BLOCK_MASK, DOTDOT_AT, INFO_AT, INFO_LENGTH
from rump.drivers.fs.ext2fs.writing.dirent import NODE, ROOT
from rump.drivers.fs.ext2fs.writing.entries import SECTOR, space
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NAMES, NEW, RELEASE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.dirent import DirectoryBlocks
    from rump.drivers.fs.ext2fs.writing.entries import Format, Row
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

    Keyed: TypeAlias = tuple[int, int, Row]         # hash, where in the old block (-1: new), row

ITEM = 8                    # bytes of hash and block
LEVELS_AT = INFO_AT + 6     # bytes into a root

_DIRENT = disk_files.Dirent.struct
_INFO = disk_files.TreeInfo.struct
_ROOT = Struct("<4xH10xH6xIBBB")    # lengths of "." and ".."; of TreeInfo zero, hash_version, info_length, levels
_LIMITS = Struct("<HH")     # room for items, items - in place of the first one's hash
_ITEM = Struct("<II")       # least hash, block of the directory
_WORD = Struct("<I")
_word = _WORD.unpack_from


class Frame:
    """A root or node on the way to a leaf.

    number, place   which block of the directory, of the volume
    data            its contents
    at              where its items begin; also how it is summed (ROOT or NODE)
    index           of the item that leads on
    count, room     how many items there are, and can be
    """

    __slots__ = ("at", "count", "data", "index", "number", "place", "room")

    def __init__(self, directory: int, number: int, place: int, data: bytes, at: int) -> None:
        """Errors: Corrupt - its counts cannot be."""
        self.number = number
        self.place = place
        self.data = data
        self.at = at
        self.index = 0
        self.room, self.count = _LIMITS.unpack_from(data, at)
        if not 0 < self.count <= self.room or at + self.room * ITEM > len(data):
            raise Corrupt(f"directory {directory}: block {number}: hash tree node: {self.count} of {self.room} items")

    def seek(self, value: int) -> None:
        """Go to the item that leads to a hash."""
        data, at = self.data, self.at
        low, high = 0, self.count
        while high - low > 1:
            middle = low + high >> 1
            if _word(data, at + middle * ITEM)[0] <= value:
                low = middle
            else:
                high = middle
        self.index = low

    def block(self) -> int:
        """The block that the item leads to."""
        return int(_word(self.data, self.at + self.index * ITEM + 4)[0]) & BLOCK_MASK

    def key(self, index: int) -> int:
        """The least hash below an item that is not the first."""
        return int(_word(self.data, self.at + index * ITEM)[0])


class Path:
    """From a root to a leaf.

    frames    root and nodes
    leaf      block of the directory
    version   of the hash
    value     of what led here
    """

    __slots__ = ("frames", "leaf", "value", "version")

    def __init__(self, root: Frame, version: int) -> None:
        self.frames = [root]
        self.version = version
        self.value = 0
        self.leaf = 0

    def least(self) -> int:
        """The least hash in the leaf; its lowest bit says that names of that hash are in the leaf before, too."""
        for frame in reversed(self.frames):
            if frame.index:
                return frame.key(frame.index)
        return 0

    def following(self) -> int:
        """The least hash in the next leaf; its lowest bit says that names of the hash before go on there.
        -1: it is the last leaf."""
        for frame in reversed(self.frames):
            if frame.index + 1 < frame.count:
                return frame.key(frame.index + 1)
        return -1


class HashTrees:
    """The hash trees of a volume's directories."""

    def __init__(self, state: State, blocks: DirectoryBlocks, form: Format) -> None:
        self._state = state
        self._blocks = blocks
        self._form = form
        geometry = state.geometry
        self._size = geometry.block_size
        self._seed = geometry.raw.hash_seed
        self._unsigned = UNSIGNED if geometry.raw.flags & disk.FLAG_UNSIGNED_HASH else 0
        self._levels_max = 2 if geometry.large_directories else 1
        self._tail = ITEM if geometry.checksums else 0
        self._last: tuple[bytes, int, tuple[int, int]] = (b"", -1, (0, 0))    # the name hashed last: it comes again
        version = geometry.raw.def_hash_version
        self.version = version + self._unsigned if version <= TEA else -1     # of new trees; -1: unknown

    def hashes(self, name: bytes, version: int) -> tuple[int, int]:
        """A name's hash and minor hash; `version` is known."""
        last = self._last
        if last[0] == name and last[1] == version:
            return last[2]
        both = name_hashes(name, version, self._seed) or (0, 0)
        self._last = name, version, both
        return both

    # ---- the way to a leaf ---------------------------------------------------------------------------------------

    def descend(self, inode: Inode, name: bytes) -> Path:
        """The way to the first leaf that can have a name.  Errors: Corrupt."""
        path, levels = self._root(inode)
        path.value = self.hashes(name, path.version)[0]
        return self._down(inode, path, levels)

    def seek(self, inode: Inode, value: int) -> Path:
        """The way to the first leaf that can have names of a hash.  Errors: Corrupt."""
        path, levels = self._root(inode)
        path.value = value
        return self._down(inode, path, levels)

    def _root(self, inode: Inode) -> tuple[Path, int]:
        """The beginning of a way, and how many levels of nodes there are."""
        place, data = self._blocks.fetch(inode, 0)
        dot, dotdot, zero, version, length, levels = _ROOT.unpack_from(data)
        if (
            dot != DOTDOT_AT or dotdot != self._size - DOTDOT_AT or zero or length != INFO_LENGTH
            or levels > self._levels_max or version > TEA
        ):  # fmt: skip
            raise Corrupt(f"directory {inode.number}: block 0: hash tree root is damaged")
        return Path(Frame(inode.number, 0, place, data, ROOT), version + self._unsigned), levels

    def _down(self, inode: Inode, path: Path, levels: int) -> Path:
        """Go from the root to a leaf."""
        frame = path.frames[0]
        frame.seek(path.value)
        for _ in range(levels):
            frame = self._node(inode, frame.block())
            frame.seek(path.value)
            path.frames.append(frame)
        self._arrive(inode, path)
        return path

    def _arrive(self, inode: Inode, path: Path) -> None:
        frame = path.frames[-1]
        path.leaf = frame.block()
        if not path.leaf:
            raise Corrupt(f"directory {inode.number}: block {frame.number}: hash tree leads to the root")

    def _node(self, inode: Inode, number: int) -> Frame:
        place, data = self._blocks.fetch(inode, number)
        void, covers, _, _ = _DIRENT.unpack_from(data)
        if not number or void or record_length(covers, self._size) != self._size:
            raise Corrupt(f"directory {inode.number}: block {number} is no hash tree node")
        return Frame(inode.number, number, place, data, NODE)

    def advance(self, inode: Inode, path: Path) -> int:
        """Go to the next leaf; its least hash as `Path.following`, -1 if there is none.  Errors: Corrupt."""
        key = path.following()
        if key < 0:
            return -1
        frames = path.frames
        levels = len(frames)
        while frames[-1].index + 1 >= frames[-1].count:
            frames.pop()
        frames[-1].index += 1
        while len(frames) < levels:
            frames.append(self._node(inode, frames[-1].block()))
        self._arrive(inode, path)
        return key

    # ---- a leaf is full ------------------------------------------------------------------------------------------

    def split(self, draft: Draft, path: Path, place: int, data: bytes, row: Row) -> None:
        """Enter a name that its leaf, at `place` with contents `data`, has no room for.

        Without a journal the transaction has not changed the leaf yet, unless it is new.
        Errors: ENOSPC - no block, or the tree has its full size; Corrupt.
        """
        late = self._late(place)
        names = self._sorted(path.version, self._form.rows((draft.number, path.leaf), data), row)
        cut, upper, packed, kept = self._cut(draft, names, late)
        number, fresh = self._blocks.append(draft)
        frame, stays = path.frames[-1], path.leaf
        if not upper:
            at = frame.at + frame.index * ITEM + 4
            frame.data = frame.data[:at] + _WORD.pack(number) + frame.data[at + 4 :]
        self._add(draft, path, 0, _key(names, cut), number if upper else stays)
        self._blocks.put(draft, fresh, packed, phase=NEW)
        if late:
            kept = self._form.clear(data, {at for _, at, _ in (names[cut:] if upper else names[:cut])})
        self._blocks.put(draft, place, kept, phase=RELEASE if late else NAMES)

    def _late(self, place: int) -> bool:
        """Whether what a block gives up must be elsewhere first."""
        return self._state.ordered and not self._blocks.is_new(place)

    def _sorted(self, version: int, rows: list[tuple[int, Row]], row: Row) -> list[Keyed]:
        """All names with the new one, by hash."""
        rows = [*rows, (-1, row)]
        hashes = many_hashes([old[1] for _, old in rows], version, self._seed)
        names = [(value, at, old) for (value, _), (at, old) in zip(hashes, rows, strict=True)]
        names.sort(key=lambda item: item[0])
        return names

    def _cut(self, draft: Draft, names: list[Keyed], late: bool) -> tuple[int, bool, bytes, bytes]:
        """(how many names the lower half has, whether the new one is in the upper, the block of the half with it, that
        of the other - nothing if that stays where it is)."""
        total, below, new = sum([space(item[2][1]) for item in names]), 0, 0
        balance = []
        for index, item in enumerate(names):
            if item[1] < 0:
                new = index
            if index:
                balance.append((abs(2 * below - total), index))
            below += space(item[2][1])
        for _, cut in sorted(balance):
            halves = [self._form.pack([item[2] for item in half]) for half in (names[:cut], names[cut:])]
            moved, other = halves[new >= cut], halves[new < cut]
            if moved is not None and (late or other is not None):
                return cut, new >= cut, moved, other or b""
        raise fault(e.ENOSPC, f"directory {draft.number}: two leaves have no room for {len(names)} names")

    # ---- nodes ---------------------------------------------------------------------------------------------------

    def _add(self, draft: Draft, path: Path, up: int, key: int, block: int) -> None:
        """A new item behind the one that leads on, in the node `up` levels above the lowest."""
        frame = path.frames[-1 - up]
        if frame.count >= frame.room:
            frame = self._divide(draft, path, up)
        data = frame.data
        at, stop = frame.at + (frame.index + 1) * ITEM, frame.at + frame.count * ITEM
        frame.count += 1
        new = bytearray(data[:at] + _ITEM.pack(key, block) + data[at:stop] + data[stop + ITEM :])
        _LIMITS.pack_into(new, frame.at, frame.room, frame.count)
        frame.data = bytes(new)
        self._put(draft, frame)

    def _put(self, draft: Draft, frame: Frame, phase: int = NAMES) -> None:
        self._blocks.put(draft, frame.place, frame.data, frame.at, phase)

    def _divide(self, draft: Draft, path: Path, up: int) -> Frame:
        """Make room in a full node, or root; the node that the item then is in."""
        frames = path.frames
        frame = frames[-1 - up]
        if frame.at == ROOT:
            return self._deepen(draft, path)
        half = frame.count // 2
        key = frame.key(half)
        upper = self._new_node(draft, frame, half)
        shorter = bytearray(frame.data)
        _LIMITS.pack_into(shorter, frame.at, frame.room, half)
        frame.data, frame.count = bytes(shorter), half
        self._put(draft, frame)
        self._add(draft, path, up + 1, key, upper.number)
        if frame.index < half:
            return frame
        upper.index = frame.index - half
        return upper

    def _new_node(self, draft: Draft, frame: Frame, first: int) -> Frame:
        """A new node with the items of another from `first` on."""
        number, place = self._blocks.append(draft)
        items = frame.data[frame.at + first * ITEM : frame.at + frame.count * ITEM]
        new = bytearray(self._size)
        _DIRENT.pack_into(new, 0, 0, self._size if self._size < 65536 else 65535, 0, 0)
        new[NODE : NODE + len(items)] = items
        _LIMITS.pack_into(new, NODE, self.node_room(NODE), frame.count - first)
        node = Frame(draft.number, number, place, bytes(new), NODE)
        self._put(draft, node, NEW)
        return node

    def node_room(self, at: int) -> int:
        """How many items a new root or node has room for, which begin at `at`."""
        return (self._size - at - self._tail) // ITEM

    def _deepen(self, draft: Draft, path: Path) -> Frame:
        """Another level: a node has all that the root had."""
        root = path.frames[0]
        if root.data[LEVELS_AT] >= self._levels_max:
            raise fault(e.ENOSPC, f"directory {draft.number}: its hash tree is full")
        node = self._new_node(draft, root, 0)
        node.index, root.index, root.count = root.index, 0, 1
        new = bytearray(root.data)
        new[LEVELS_AT] += 1
        _LIMITS.pack_into(new, ROOT, root.room, 1)
        _WORD.pack_into(new, ROOT + 4, node.number)
        root.data = bytes(new)
        self._put(draft, root)
        path.frames.insert(1, node)
        return node

    # ---- a new tree ----------------------------------------------------------------------------------------------

    def begin(self, draft: Draft, place: int, data: bytes, row: Row) -> None:
        """Enter a name that has no room in a directory's only block, at `place`: the block becomes the root.

        Errors: ENOSPC; Corrupt - "." and ".." are not where they should be.
        """
        rows = self._form.rows((draft.number, 0), data)
        if [item[1][1] for item in rows[:2]] != [b".", b".."] or rows[1][0] != DOTDOT_AT:
            raise Corrupt(f"directory {draft.number}: block 0 does not begin with '.' and '..'")
        names = self._sorted(self.version, rows[2:], row)
        if len(names) < 2:
            raise Corrupt(f"directory {draft.number}: block 0: no room, though it is empty")
        cut, upper, packed, other = self._cut(draft, names, False)
        lower_number, lower = self._blocks.append(draft)
        upper_number, higher = self._blocks.append(draft)
        mine, others = (higher, lower) if upper else (lower, higher)
        self._blocks.put(draft, others, other, phase=NEW)
        self._blocks.put(draft, mine, packed, phase=NEW)
        root = self._new_root(data, ((0, lower_number), (_key(names, cut), upper_number)))
        # What the block was counts until it is a root: only its first sector changes.
        self._blocks.put(draft, place, root[:SECTOR] + data[SECTOR:] if self._late(place) else root, ROOT)
        draft.flags |= disk_files.INODE_INDEX

    def _new_root(self, data: bytes, items: tuple[tuple[int, int], ...]) -> bytes:
        """A root in place of the first block `data`."""
        new = bytearray(self._size)
        new[: DOTDOT_AT + SHORTEST] = data[: DOTDOT_AT + SHORTEST]
        new[DOTDOT_AT + 4 : DOTDOT_AT + 6] = (self._size - DOTDOT_AT).to_bytes(2, "little")
        _INFO.pack_into(new, INFO_AT, 0, self.version % UNSIGNED, INFO_LENGTH, 0, 0)
        for index, (key, number) in enumerate(items):
            _ITEM.pack_into(new, ROOT + index * ITEM, key, number)
        _LIMITS.pack_into(new, ROOT, self.node_room(ROOT), len(items))
        return bytes(new)


def _key(names: list[Keyed], cut: int) -> int:
    """The least hash of the upper half; with the lowest bit if the lower half has names of it too."""
    return names[cut][0] | (names[cut - 1][0] == names[cut][0])
