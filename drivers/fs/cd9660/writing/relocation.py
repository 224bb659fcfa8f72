# SPDX-License-Identifier: BSD-2-Clause
"""Which directory is in which: ISO 9660 has eight levels of them (ECMA-119, 6.8.2.1).

With Rock Ridge what is deeper moves into a directory of the root, RR_MOVED; at its place is a file that stands for it.
These lie in front of all others, with what is below them: libarchive, which reads directories as they lie, must know
of all that were moved before it learns where the first belongs.
"""

from __future__ import annotations

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.writing.tree import Node

    # Identifier, true name, file; of a directory (or what stands for one) what it is on the medium.
    Line: TypeAlias = tuple[bytes, bytes, Node, "Directory | None"]

LEVELS_MAX = 8
MOVED_LEVEL = 3             # of directories that were moved
FIRST, MOVED, LAST = 0, 1, 2    # groups: the root and RR_MOVED; what was moved, with all below; all else
MOVED_NAMES = (b"rr_moved", b".rr_moved")


class Directory:
    """A directory on the medium.

    parent      the directory it is in there; the root's is itself
    home        the one it would be in, were it not too deep; else None
    identifier  its own
    children    what is in it: name, file, and of a directory that
    lines       the same in order, once it has been found out
    number      in the path table
    group       directories lie on the medium in the order of groups, then of numbers
    extent      first sector
    sectors     how many records take
    areas       how many sectors follow them with continuation areas
    is_plain    whether nothing in it needs an unusual system use field
    """

    __slots__ = (
        "areas", "children", "extent", "group", "home", "identifier", "is_plain", "lines", "node", "number",
        "parent", "sectors",
    )  # fmt: skip

    def __init__(self, node: Node, parent: Directory | None, group: int, home: Directory | None = None) -> None:
        self.group = group
        self.node = node
        self.parent: Directory = parent or self
        self.home = home
        self.identifier = b"\0"
        self.lines: list[Line] = []
        self.children: list[tuple[bytes, Node, Directory | None]] = []
        self.number = 1
        self.extent = 0
        self.sectors = 0
        self.areas = 0
        self.is_plain = True


def moved_name(root: Node) -> bytes:
    """A name for RR_MOVED that is free."""
    taken = root.entries or {}
    names = (*MOVED_NAMES, *(b"rr_moved.%d" % number for number in range(1, len(taken) + 2)))
    return next(name for name in names if name not in taken)


def too_deep(root: Node) -> bool:
    """Whether there are more levels than ISO 9660 has."""
    here = [root]
    for _ in range(LEVELS_MAX):
        here = [child for node in here for _, child in (node.entries or {}).values() if child.entries is not None]
    return bool(here)


def spread(root: Node, kinds: tuple[int, ...] | None, moved: Node | None) -> Directory:
    """The directories below `root`, each with what is in it, not yet in order; the root's.

    kinds   types of files that are there; None: all
    moved   the directory that takes what is too deep; it has no name in the tree.  None: nothing is moved
    """
    top = Directory(root, None, FIRST)
    apart = Directory(moved, top, FIRST) if moved is not None else None
    work = [(top, 1)]
    for directory, level in work:       # which grows meanwhile
        for name, (_, node) in (directory.node.entries or {}).items():
            if node.entries is None:
                if kinds is None or node.mode & abi.S_IFMT in kinds:
                    directory.children.append((name, node, None))
            elif apart is not None and level >= LEVELS_MAX:
                child = Directory(node, apart, MOVED, directory)
                directory.children.append((name, node, child))
                apart.children.append((name, node, child))
                work.append((child, MOVED_LEVEL))
            else:
                child = Directory(node, directory, LAST if directory is top else directory.group)
                directory.children.append((name, node, child))
                work.append((child, level + 1))
    if apart is not None and moved is not None:
        top.children.append((moved_name(root), moved, apart))
    return top
