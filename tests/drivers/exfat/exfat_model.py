# SPDX-License-Identifier: BSD-2-Clause
"""A file system of dictionaries, and the same operations on it and on a mounted image."""

from __future__ import annotations

import random

from exfat_support import MNT, TABLE, Session, pattern

from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

NAMES = (b"a", b"B", b"name", b"N" * 30, "Ünï😀".encode(), b"l" * 255, b"", b"q" * 100)
FULL = (e.ENOSPC,)


def key(name: bytes) -> str:
    """What a name counts as."""
    return name.decode("utf-8", "surrogatepass").translate(TABLE)


class Node:
    """A file (`data`) or a directory (`names`: key -> (name, node))."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data
        self.names: dict[str, tuple[bytes, Node]] = {}
        self.fileid = 0


class Refusal(Exception):
    """The model says an errno."""


class Model:
    """The tree."""

    def __init__(self) -> None:
        self.root = Node()

    def node(self, path: bytes) -> Node:
        at = self.root
        for name in path.split(b"/") if path else ():
            if at.data is not None:
                raise Refusal(e.ENOTDIR)
            if key(name) not in at.names:
                raise Refusal(e.ENOENT)
            at = at.names[key(name)][1]
        return at

    def parent(self, path: bytes) -> tuple[Node, bytes]:
        top, _, name = path.rpartition(b"/")
        node = self.node(top)
        if node.data is not None:
            raise Refusal(e.ENOTDIR)
        return node, name

    def tree(self, node: Node | None = None, top: bytes = b"") -> dict[bytes, bytes | None]:
        found: dict[bytes, bytes | None] = {}
        for name, child in (node or self.root).names.values():
            path = top + b"/" + name if top else name
            found[path] = child.data
            if child.data is None:
                found |= self.tree(child, path)
        return found

    # ---- operations

    def write(self, path: bytes, offset: int, data: bytes) -> None:
        parent, name = self.parent(path)
        if key(name) not in parent.names:
            parent.names[key(name)] = name, Node(b"")
        node = parent.names[key(name)][1]
        if node.data is None:
            raise Refusal(e.EISDIR)
        whole = node.data.ljust(offset, b"\0")
        node.data = whole[:offset] + data + whole[offset + len(data) :]

    def truncate(self, path: bytes, size: int) -> None:
        node = self.node(path)
        if node.data is None:
            raise Refusal(e.EISDIR)
        node.data = node.data[:size].ljust(size, b"\0")

    def allocate(self, path: bytes, size: int) -> None:
        node = self.node(path)
        if node.data is None:
            raise Refusal(e.EISDIR)
        node.data = node.data.ljust(size, b"\0")

    def mkdir(self, path: bytes) -> None:
        parent, name = self.parent(path)
        if key(name) in parent.names:
            raise Refusal(e.EEXIST)
        parent.names[key(name)] = name, Node()

    def unlink(self, path: bytes) -> None:
        if self.node(path).data is None:
            raise Refusal(e.EPERM)
        parent, name = self.parent(path)
        del parent.names[key(name)]

    def rmdir(self, path: bytes) -> None:
        node = self.node(path)
        if node.data is not None:
            raise Refusal(e.ENOTDIR)
        if node.names:
            raise Refusal(e.ENOTEMPTY)
        parent, name = self.parent(path)
        del parent.names[key(name)]

    def rename(self, old: bytes, new: bytes) -> None:
        node = self.node(old)
        source, name = self.parent(old)
        target, name_to = self.parent(new)
        there = target.names.get(key(name_to))
        if there is not None and there[1] is not node:
            if there[1].data is None and node.data is not None:
                raise Refusal(e.EISDIR)
            if there[1].data is not None and node.data is None:
                raise Refusal(e.ENOTDIR)
        if node.data is None and (target is node or self._below(node, target)):
            raise Refusal(e.EINVAL)
        if there is not None and there[1] is not node and there[1].names:
            raise Refusal(e.ENOTEMPTY)
        del source.names[key(name)]
        target.names[key(name_to)] = name_to, node

    def _below(self, node: Node, other: Node) -> bool:
        return any(child is other or self._below(child, other) for _, child in node.names.values())

    def many(self, path: bytes, first: int, count: int, size: int) -> None:
        node = self.node(path)
        if node.data is not None:
            raise Refusal(e.ENOTDIR)
        for number in range(first, first + count):
            name = many_name(number)
            if key(name) not in node.names:
                node.names[key(name)] = name, Node(pattern(number, size + number % 3))


def many_name(number: int) -> bytes:
    return b"many-%d" % number + b"x" * (number % 40)


class Both:
    """The model and a session; the same is done to both."""

    def __init__(self, session: Session) -> None:
        self.session, self.model = session, Model()

    def do(self, name: str, *arguments) -> None:
        """An operation: the same errno, or the same tree."""
        expected = 0
        try:
            getattr(self, "_" + name)(*arguments)
            got = 0
        except OSError as error:
            got = error.errno or e.EIO
            if got == e.EIO:
                raise
        if got in FULL:
            self._after_full(name, arguments)
            return
        try:
            getattr(self.model, name)(*arguments)
        except Refusal as refusal:
            expected = refusal.args[0]
        assert got == expected, (name, [str(a)[:80] for a in arguments], got, expected)

    def _after_full(self, name: str, arguments) -> None:
        """The disk is full: what has come of it is what is there."""
        if name not in ("write", "many"):
            return
        self.model.root = self._load(b"")

    def _load(self, top: bytes) -> Node:
        node = Node()
        for path, data in self.session.tree(top).items():
            parent, name = node, path
            for each in path.split(b"/")[:-1]:
                parent = parent.names[key(each)][1]
            name = path.rpartition(b"/")[2]
            parent.names[key(name)] = name, Node(data)
        return node

    def check(self) -> None:
        """The image holds what the model does."""
        theirs, ours = self.session.tree(), self.model.tree()
        assert sorted(theirs) == sorted(ours)
        for path, data in ours.items():
            assert theirs[path] == data, (path, None if data is None else len(data))

    # ---- the operations on the image

    def _write(self, path: bytes, offset: int, data: bytes) -> None:
        self.session.write(path, data, offset)

    def _truncate(self, path: bytes, size: int) -> None:
        self.session.lwp.truncate(MNT + b"/" + path, size)

    def _allocate(self, path: bytes, size: int) -> None:
        lwp = self.session.lwp
        fd = lwp.open(MNT + b"/" + path, abi.O_RDWR)
        try:
            lwp.posix_fallocate(fd, 0, size)
        finally:
            lwp.close(fd)

    def _mkdir(self, path: bytes) -> None:
        self.session.lwp.mkdir(MNT + b"/" + path, 0o755)

    def _unlink(self, path: bytes) -> None:
        self.session.lwp.unlink(MNT + b"/" + path)

    def _rmdir(self, path: bytes) -> None:
        self.session.lwp.rmdir(MNT + b"/" + path)

    def _rename(self, old: bytes, new: bytes) -> None:
        self.session.lwp.rename(MNT + b"/" + old, MNT + b"/" + new)

    def _many(self, path: bytes, first: int, count: int, size: int) -> None:
        lwp = self.session.lwp
        fd = lwp.open(MNT + b"/" + path, abi.O_RDONLY | abi.O_DIRECTORY)
        try:
            rows = tuple([row(many_name(n), pattern(n, size + n % 3)) for n in range(first, first + count)])
            results = lwp.rump_populate(fd, rows)
        finally:
            lwp.close(fd)
        assert {*results} <= {0, e.EEXIST, e.ENOSPC}
        if e.ENOSPC in results:
            raise OSError(e.ENOSPC, "full")


def row(name: bytes, data: bytes, mode: int = abi.S_IFREG | 0o644) -> v.Row:
    """A file to be made."""
    when = 1_600_000_000 * 10**9
    return name, mode, 0, 0, 0, b"", 0, when, when, 0, data, ()


class Chance:
    """Operations by chance, of a seed."""

    def __init__(self, both: Both, seed: int, most: int = 60_000) -> None:
        self.both, self.random, self.most = both, random.Random(seed), most

    def path(self, kinds: str = "fd") -> bytes:
        tree = self.both.model.tree()
        found = [path for path, data in tree.items() if ("d" if data is None else "f") in kinds]
        return self.random.choice(found) if found and self.random.random() < 0.97 else b"nothing"

    def fresh(self) -> bytes:
        tops = [b"", *[path for path, data in self.both.model.tree().items() if data is None]]
        top = self.random.choice(tops)
        name = self.random.choice(NAMES) or b"m%d" % self.random.randrange(40)
        return top + b"/" + name if top else name

    def step(self) -> None:
        choose = self.random
        kind = choose.choice(
            ["write"] * 6 + ["truncate"] * 3 + ["allocate", "mkdir", "mkdir", "unlink", "unlink", "rmdir"]
            + ["rename"] * 4 + ["many"] + ["case"]
        )  # fmt: skip
        do = self.both.do
        if kind == "write":
            path = self.fresh() if choose.random() < 0.4 else self.path("f")
            data = pattern(choose.randrange(10**6), choose.randrange(1, 20_000))
            do("write", path, choose.randrange(self.most), data)
        elif kind == "truncate":
            do("truncate", self.path("f"), choose.choice([0, 1, 4096, choose.randrange(self.most)]))
        elif kind == "allocate":
            do("allocate", self.path("f"), choose.randrange(1, self.most))
        elif kind == "mkdir":
            do("mkdir", self.fresh())
        elif kind == "unlink":
            do("unlink", self.path("f"))
        elif kind == "rmdir":
            do("rmdir", self.path("d"))
        elif kind == "rename":
            do("rename", self.path(), self.fresh() if choose.random() < 0.6 else self.path())
        elif kind == "case":
            path = self.path()
            do("rename", path, path.rpartition(b"/")[0] + b"/" * (b"/" in path) + path.rpartition(b"/")[2].swapcase())
        else:
            do("many", self.path("d"), choose.randrange(200), choose.randrange(1, 60), choose.randrange(3000))
