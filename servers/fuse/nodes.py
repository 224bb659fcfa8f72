# SPDX-License-Identifier: BSD-2-Clause
"""The nodes that Linux holds on to: a number for each file it has looked up, until it says that it has forgotten it.

A node stands for a file, not for a name: files are told apart by (st_dev, st_ino, st_gen).  On FAT and its like that is
a place, which changes when a file is moved; a number that is met under a new name is looked at again there.

What is here may come from an image that was made to do harm: a directory is in one place, and never below itself.
"""

from __future__ import annotations

from rump.kernel.abi import S_IFDIR, S_IFMT
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse.protocol import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.kernel.stat import Stat
    from rump.servers.fuse.descriptors import Opened

    Key: TypeAlias = tuple[int, int, int]
    Place: TypeAlias = tuple["Node", bytes]


class Node:
    """A file that Linux knows.

    number     what Linux calls it
    lookups    how often it was told of it
    names      (directory, name) of each name of the file that is known
    key        what it is known by; what the number of another may be once it has gone
    children   names in it that nodes have: while there are any it stays, for their paths
    opened     what is open of it
    ghost      its attributes when a name of it was removed: Linux may hold it with no name and nothing open here - as a
               working directory, as a fifo
    """

    __slots__ = ("children", "ghost", "key", "lookups", "names", "number", "opened")

    def __init__(self, number: int, key: Key) -> None:
        self.number = number
        self.key = key
        self.lookups = 0
        self.names: dict[Place, None] = {}
        self.children = 0
        self.opened: list[Opened] = []
        self.ghost: Stat | None = None


class Nodes:
    """All nodes of a mount.

    root      the attributes of its root
    moving    numbers are places, and change when files are moved
    shared    others move files, too
    look      the attributes of what a path leads to
    """

    def __init__(self, root: Stat, *, moving: bool, shared: bool, look: Callable[[bytes], Stat | None]) -> None:
        self.root = Node(ROOT, _key(root))
        self.root.lookups = 1
        self._moving = moving
        self._shared = shared
        self._certain = not moving and not shared       # a number always means the same file
        self._look = look
        self._numbers: dict[int, Node] = {ROOT: self.root}
        self._keys: dict[Key, Node] = {self.root.key: self.root}
        self._places: dict[Place, Node] = {}            # of files whose numbers change
        self._last = ROOT

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, number: int) -> Node:
        """The node of a number.  Errors: ESTALE."""
        try:
            return self._numbers[number]
        except KeyError:
            raise fault(e.ESTALE, f"node {number}") from None

    def everything(self) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
        """What Linux knows: each node, and the names of it that are known, (number of the directory, name)."""
        for number, node in self._numbers.items():
            yield number, [(directory.number, name) for directory, name in node.names]

    def path(self, node: Node) -> bytes | None:
        """A path of the file, None if it has none (any more)."""
        parts: list[bytes] = []
        while node is not self.root:
            place = next(iter(node.names), None)        # a directory has no other
            if place is None or len(parts) > len(self._numbers):
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

    def found(self, directory: Node, name: bytes, stat: Stat) -> Node:
        """The node of a file that Linux is told of, by the name under which it was found.

        Errors: EIO - a directory that is somewhere else, too; ELOOP - it lies below itself.
        """
        node = self.known(directory, name, stat)
        if node is None:
            node = Node(self._last + 1, _key(stat))
        self._put(node, (directory, name), stat)
        if node.lookups == 0 and node.number > self._last:
            self._last += 1
            self._keys[node.key] = self._numbers[node.number] = node
        node.lookups += 1
        return node

    def known(self, directory: Node, name: bytes, stat: Stat) -> Node | None:
        """The same, if there is one."""
        key, place = _key(stat), (directory, name)
        node = self._keys.get(key)
        if node is not None and (place in node.names or self._certain or self._is(node, stat)):
            return node
        node = self._places.get(place)
        if node is not None:
            self._rekey(node, key)
        return node

    def removed(self, node: Node | None, directory: Node, name: bytes, stat: Stat) -> None:
        """A name was removed from a file, whose attributes were these until then."""
        if node is None:
            return
        if stat.st_nlink <= 1 or stat.st_mode & S_IFMT == S_IFDIR:
            node.ghost = stat._replace(st_nlink=0)
            self._nameless(node)
            self._unkey(node)
        else:
            node.ghost = stat._replace(st_nlink=stat.st_nlink - 1)
            self._take(node, (directory, name))
        self._settle(node)

    def moved(self, node: Node | None, old: Place, new: Place, stat: Stat) -> None:
        """A name was changed; the attributes of the file are now these."""
        if node is None:
            return
        if self._moving:
            self._nameless(node)
            self._rekey(node, _key(stat))
        else:
            self._take(node, old)
        self._put(node, new, stat)

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

    def _is(self, node: Node, stat: Stat) -> bool:
        """Whether a node still is what its number says, and if not, by which it is known from now on."""
        path = self.path(node)
        found = None if path is None else self._look(path)
        if found is not None and _key(found) == _key(stat):
            return True
        if found is not None and self._moving:
            self._rekey(node, _key(found))
            return False
        self._nameless(node)
        return bool(node.opened)                # what is open keeps its number

    def _rekey(self, node: Node, key: Key) -> None:
        self._unkey(node)
        node.key = key
        self._keys[key] = node

    def _unkey(self, node: Node) -> None:
        if self._keys.get(node.key) is node:
            del self._keys[node.key]

    def _put(self, node: Node, place: Place, stat: Stat) -> None:
        """Give a node a name.  Errors: EIO - a directory that has one elsewhere, which nobody can have moved; ELOOP."""
        if place in node.names:
            return
        if stat.st_mode & S_IFMT == S_IFDIR:
            if node is self.root or (not self._shared and any(above is not place[0] for above, _ in node.names)):
                raise fault(e.EIO, f"directory {stat.st_ino} has two parents")
            if node.children:
                self._not_within(node, place[0])
            self._nameless(node)
        node.names[place] = None
        place[0].children += 1
        if self._moving:
            self._places[place] = node

    def _not_within(self, node: Node, directory: Node) -> None:
        """Errors: ELOOP - a directory lies below a node, or is it."""
        above: Node | None = directory
        for _ in range(len(self._numbers)):
            if above is None:
                return
            if above is node:
                break
            above = next(iter(above.names), (None,))[0]
        raise fault(e.ELOOP, "a directory that lies below itself")

    def _nameless(self, node: Node) -> None:
        for place in [*node.names]:
            self._take(node, place)

    def _take(self, node: Node, place: Place) -> None:
        """Take a name away from a node."""
        if place in node.names:
            del node.names[place]
            if self._places.get(place) is node:
                del self._places[place]
            self._orphaned(place[0])

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
            self._unkey(node)
            for place in node.names:
                if self._places.get(place) is node:
                    del self._places[place]
                place[0].children -= 1
                waiting.append(place[0])
            node.names.clear()


def _key(stat: Stat) -> Key:
    return stat.st_dev, stat.st_ino, stat.st_gen
