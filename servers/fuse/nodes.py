# SPDX-License-Identifier: BSD-2-Clause
"""The nodes that Linux holds on to: a number for each file it has looked up, until it says that it has forgotten it.

A node stands for a file, not for a name.  Where a file can have several names, what files are told apart by is
(st_ino, st_gen); where it has but one (FAT, whose numbers are places that change), by directory and name.
"""

from __future__ import annotations

from rump.kernel.abi import S_IFDIR, S_IFMT
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse.protocol import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.kernel.stat import Stat
    from rump.servers.fuse.descriptors import Opened

    Key: TypeAlias = tuple[int, int | bytes]


class Node:
    """A file that Linux knows.

    number     what Linux calls it
    lookups    how often it was told of it
    names      (directory, name) of each name of the file that is known
    children   names in it that nodes have: while there are any it stays, for their paths
    opened     what is open of it
    ghost      its attributes when its last name was removed: Linux may hold it with nothing open here - as a working
               directory, as a fifo
    """

    __slots__ = ("children", "ghost", "key", "lookups", "names", "number", "opened")

    def __init__(self, number: int, key: Key) -> None:
        self.number = number
        self.key = key
        self.lookups = 0
        self.names: dict[tuple[Node, bytes], None] = {}
        self.children = 0
        self.opened: list[Opened] = []
        self.ghost: Stat | None = None


class Nodes:
    """All nodes of a mount.

    single      files have one name each
    fold        names that differ in case only are the same
    """

    def __init__(self, *, single: bool, fold: bool) -> None:
        self.root = Node(ROOT, (0, b""))
        self.root.lookups = 1
        self._single = single
        self._fold = fold
        self._numbers: dict[int, Node] = {ROOT: self.root}
        self._keys: dict[Key, Node] = {}
        self._last = ROOT

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Node:
        """The node of a number.  Errors: ESTALE."""
        try:
            return self._numbers[number]
        except KeyError:
            raise fault(e.ESTALE, f"node {number}") from None

    def path(self, node: Node) -> bytes | None:
        """A path of the file, None if it has none (any more)."""
        parts: list[bytes] = []
        while node is not self.root:
            place = next(iter(node.names), None)        # a directory has no other
            if place is None:
                return None
            node, name = place
            parts.append(name)
        parts.reverse()
        return b"/" + b"/".join(parts)

    def child(self, directory: Node, name: bytes) -> bytes:
        """The path of a name in a directory.  Errors: ENOENT - the directory was removed."""
        path = self.path(directory)
        if path is None:
            raise fault(e.ENOENT)
        return path + name if path == b"/" else path + b"/" + name

    def found(self, directory: Node, name: bytes, fileid: int, generation: int) -> Node:
        """The node of a file that Linux is told of, by the name under which it was found."""
        key = self._key(directory, name, fileid, generation)
        node = self._keys.get(key)
        if node is None:
            self._last += 1
            node = self._keys[key] = self._numbers[self._last] = Node(self._last, key)
        place = (directory, name)
        if place not in node.names:
            if self._single:
                self._nameless(node)
            node.names[place] = None
            directory.children += 1
        node.lookups += 1
        return node

    def known(self, directory: Node, name: bytes, fileid: int, generation: int) -> Node | None:
        """The same, if there is one."""
        return self._keys.get(self._key(directory, name, fileid, generation))

    def removed(self, node: Node | None, directory: Node, name: bytes, stat: Stat) -> None:
        """A name was removed from a file, whose attributes were these until then."""
        if node is None:
            return
        if stat.st_nlink <= 1 or stat.st_mode & S_IFMT == S_IFDIR:
            node.ghost = stat._replace(st_nlink=0)
            self._nameless(node)
            if self._keys.get(node.key) is node:
                del self._keys[node.key]
        elif (directory, name) in node.names:
            del node.names[directory, name]
            self._orphaned(directory)
        self._settle(node)

    def moved(self, node: Node | None, old: tuple[Node, bytes], new: tuple[Node, bytes]) -> None:
        """A name was changed."""
        if node is None:
            return
        if self._single:
            self._nameless(node)
            if self._keys.get(node.key) is node:
                del self._keys[node.key]
            node.key = self._key(*new, 0, 0)
            self._keys[node.key] = node
        elif old in node.names:
            del node.names[old]
            self._orphaned(old[0])
        if new not in node.names:
            node.names[new] = None
            new[0].children += 1

    def forget(self, number: int, count: int) -> None:
        """Linux takes back `count` of the times it was told of a node."""
        node = self._numbers.get(number)
        if node is not None and node is not self.root:
            node.lookups -= count
            self._settle(node)

    def closed(self, node: Node, opened: Opened) -> None:
        """What was open of a node is not any more."""
        node.opened.remove(opened)
        self._settle(node)

    def _key(self, directory: Node, name: bytes, fileid: int, generation: int) -> Key:
        if not self._single:
            return fileid, generation
        if self._fold:
            name = name.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")
        return directory.number, name

    def _nameless(self, node: Node) -> None:
        names = [*node.names]
        node.names.clear()
        for directory, _ in names:
            self._orphaned(directory)

    def _orphaned(self, directory: Node) -> None:
        directory.children -= 1
        self._settle(directory)

    def _settle(self, node: Node) -> None:
        """A node that nobody needs goes, and may be the last that those above it were needed for."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node.lookups > 0 or node.children or node.opened or node is self.root:
                continue
            if self._numbers.pop(node.number, None) is None:
                continue
            if self._keys.get(node.key) is node:
                del self._keys[node.key]
            for directory, _ in node.names:
                directory.children -= 1
                waiting.append(directory)
            node.names.clear()
