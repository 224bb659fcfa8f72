# SPDX-License-Identifier: BSD-2-Clause
"""Pass 2: the entries of every directory, and what they lead to."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.dirent import DOTS, record_length
from rump.drivers.fs.ext2fs.fsck.inodes import DIRECTORY
from rump.drivers.fs.ext2fs.fsck.state import KIND, NAMED, OWN
from rump.kernel.errors import Fault
from rump.kernel.vfs.operation import UNFORESEEN
from rump.kernel.vfs.volume import ERROR, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.fsck.state import State
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.kernel.vfs.volume import Entry, Finding

EVERY = 1024        # directories between two words of progress

_DIRENT = disk_files.Dirent.struct


class Directories:
    """The pass."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._volume = state.volume
        self._typed = bool(state.geometry.incompat & disk.INCOMPAT_FILETYPE)

    def run(self) -> Iterator[Finding]:
        """What is found."""
        total = len(self._state.directories)
        for done, number in enumerate(self._state.directories):
            if done % EVERY == 0:
                yield PROGRESS, f"directories: {done} of {total}"
            try:
                yield from self._one(number)
            except (Fault, *UNFORESEEN) as error:
                yield ERROR, _named(number, getattr(error, "detail", "") or str(error))

    def _one(self, number: int) -> Iterator[Finding]:
        inodes = self._volume.inodes
        inode = inodes.make(number, *inodes.special(number))
        names: set[bytes] = set()
        where: dict[bytes, int] = {}
        tree = inode.flags & disk_files.INODE_INDEX and not inode.flags & disk_files.INODE_INLINE_DATA
        for block, texts, entries in self._blocks(inode):
            for text in texts:
                yield ERROR, f"directory {number}: {text}"
            for entry in entries:
                name = entry[0]
                if name in names:
                    yield ERROR, f"directory {number}: {_shown(name)} is there twice"
                names.add(name)
                if tree:
                    where[name] = block
                for text in self._entry(number, entry):
                    yield ERROR, f"directory {number}: {_shown(name)}: {text}"
        if tree:
            from rump.drivers.fs.ext2fs.fsck.trees import check

            for text in check(self._volume, inode, where):
                yield ERROR, f"directory {number}: {text}"

    # ---- blocks ------------------------------------------------------------------------------------------------------

    def _blocks(self, inode: Inode) -> Iterator[tuple[int, list[str], list[Entry]]]:
        """(block, what is wrong, entries) of a directory."""
        if inode.flags & disk_files.INODE_INLINE_DATA:
            yield self._inline(inode)
            return
        directories, size = self._volume.directories, self._state.geometry.block_size
        for first, data, bad in directories.pieces(inode, 0):
            for index in range(len(data) // size):
                texts: list[str] = []
                entries: list[Entry] = []
                start = index * size
                if index in bad:
                    texts.append(f"block {first + index}: {bad[index]}")
                try:
                    directories.parse(inode.number, data, start, start + size, (first + index) * size, -1, entries)
                except Fault as error:
                    texts.append(_short(error, inode.number))
                if first + index == 0:
                    texts += self._dots(inode, data[:size])
                else:
                    texts += _stray_dots(data[start : start + size], size)
                yield first + index, texts, entries

    def _inline(self, inode: Inode) -> tuple[int, list[str], list[Entry]]:
        from rump.drivers.fs.ext2fs.inline import space

        data = space(self._state.medium, inode)
        self._state.above[inode.number] = int.from_bytes(data[:4], "little")
        texts: list[str] = []
        entries: list[Entry] = []
        try:
            for some in self._volume.directories.entries(inode, 0):
                entries += some
        except Fault as error:
            texts.append(_short(error, inode.number))
        return 0, texts, entries

    def _dots(self, inode: Inode, data: bytes) -> list[str]:
        """The first two entries of the first block."""
        problems = []
        number, length, name_length, kind = _DIRENT.unpack_from(data)
        if data[8 : 8 + name_length] != b"." or number != inode.number or length < 12 or length & 3:
            problems.append('the first entry is not "." of itself')
            return problems
        at = record_length(length, len(data))
        if at + 12 > len(data):
            return [*problems, 'there is no ".."']
        parent, _, name_length, other = _DIRENT.unpack_from(data, at)
        if data[at + 8 : at + 8 + name_length] != b"..":
            return [*problems, 'the second entry is not ".."']
        self._state.above[inode.number] = parent
        if self._typed and (kind & 15, other & 15) != (2, 2):
            problems.append('"." or ".." are not marked as directories')
        return problems

    # ---- entries -----------------------------------------------------------------------------------------------------

    def _entry(self, directory: int, entry: Entry) -> list[str]:
        """What is wrong with an entry; what it leads to is counted."""
        name, _, number, marked = entry
        state = self._state
        if not name or b"/" in name or b"\0" in name:
            return ["it is no name"]
        byte = state.kind(number)
        if not byte:
            return [f"inode {number} is not in use"]
        if byte & OWN or number < state.geometry.first_ino:
            return [f"inode {number} is the volume's own" if number != disk.ROOT_INO else "it leads to the root"]
        kind = byte & KIND
        problems = []
        if self._typed and marked != kind:
            problems.append(f"it is marked as type {marked}, inode {number} has {kind}")
        if kind == DIRECTORY:
            if number in state.parents:
                problems.append(f"directory {number} is also in directory {state.parents[number]}")
            else:
                state.parents[number] = directory
        elif number in state.links:
            state.counted[number] = state.counted.get(number, 0) + 1
        elif byte & NAMED:
            state.counted[number] = state.counted.get(number, 1) + 1
        state.set_kind(number, byte | NAMED)
        return problems


def _stray_dots(data: bytes, size: int) -> list[str]:
    """Entries "." and ".." anywhere but where they belong."""
    at = 0
    while at <= size - 12:
        number, length, name_length, _ = _DIRENT.unpack_from(data, at)
        if number and name_length in (1, 2) and data[at + 8 : at + 8 + name_length] in DOTS:
            return ['there is a "." or ".." behind the first block']
        length = record_length(length, size)
        if length < 12:
            break
        at += length
    return []


def _shown(name: bytes) -> str:
    return repr(name)[1:]


def _named(number: int, text: str) -> str:
    return text if text.startswith(("directory ", "inode ")) else f"directory {number}: {text}"


def _short(error: Fault, number: int) -> str:
    return (error.detail or str(error)).removeprefix(f"directory {number}: ")
