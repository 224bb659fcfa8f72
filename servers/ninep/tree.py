# SPDX-License-Identifier: BSD-2-Clause
"""The names that clients hold on to.  A fid means a file, not a name: when a name changes for one client, it changes
for what all the others hold."""

from __future__ import annotations

from threading import RLock

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e


class Node:
    """A name in a directory, as long as a fid or a name below needs it."""

    __slots__ = ("children", "gone", "name", "parent", "references")

    def __init__(self, parent: Node | None, name: bytes) -> None:
        self.parent = parent
        self.name = name
        self.children: dict[bytes, Node] = {}
        self.references = 0
        self.gone = False

    def path(self) -> bytes:
        """Where it is, from the root.  Errors: ESTALE - the name, or one above, was removed."""
        names = []
        node: Node | None = self
        while node is not None:
            if node.gone:
                raise fault(e.ESTALE)
            names.append(node.name)
            node = node.parent
        return b"/".join(reversed(names)) or b"/"

    def is_below(self, other: Node) -> bool:
        """Whether it is `other`, or in it."""
        node: Node | None = self
        while node is not None and node is not other:
            node = node.parent
        return node is other


class Tree:
    """All nodes of an export.

    lock  held by whoever goes from a node to a file by its path, or changes names
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.root = Node(None, b"")
        self.root.references = 1

    def hold(self, node: Node) -> Node:
        """One more needs the node."""
        node.references += 1
        return node

    def child(self, parent: Node, name: bytes) -> Node:
        """The node of a name, held."""
        node = parent.children.get(name)
        if node is None:
            node = parent.children[name] = Node(parent, name)
            parent.references += 1
        return self.hold(node)

    def release(self, node: Node | None) -> None:
        """One less needs it; nodes that nobody needs go."""
        while node is not None:
            node.references -= 1
            if node.references:
                return
            above = node.parent
            if above is not None and above.children.get(node.name) is node:
                del above.children[node.name]
            node = above

    def removed(self, parent: Node, name: bytes) -> None:
        """A name was removed: what still holds it finds nothing any more."""
        node = parent.children.pop(name, None)
        if node is not None:
            node.gone = True

    def moved(self, parent: Node, name: bytes, new_parent: Node, new_name: bytes) -> None:
        """A name was changed, in place of what had the new one."""
        node = parent.children.get(name)
        if node is not None and new_parent.children.get(new_name) is node:
            return
        self.removed(new_parent, new_name)
        if node is None:
            return
        del parent.children[name]
        node.parent, node.name = new_parent, new_name
        new_parent.children[new_name] = node
        new_parent.references += 1
        self.release(parent)
