# SPDX-License-Identifier: BSD-2-Clause
"""A file system of dictionaries: what the files of an image must be after some operations, and which errno each gives.

Operations are tuples, ``("write", path, offset, length, seed)``: a list of them is a script that can be printed, cut
down and run again.  Paths are tuples of names; no operation follows a symbolic link.
"""

from __future__ import annotations

import random
import struct
from functools import lru_cache

from rump.kernel import abi
from rump.rumpuser.interface import errno as e

PAGE = 4096
DIRECTORY, REGULAR, LINK = abi.S_IFDIR, abi.S_IFREG, abi.S_IFLNK
ACCESS = b"system.posix_acl_access"
RULE = struct.Struct("<HHI")       # of an access control list: tag, permissions, number
UNCHANGEABLE = abi.SF_IMMUTABLE | abi.SF_APPEND


@lru_cache(64)
def pattern(seed: int, length: int) -> bytes:
    """Bytes that nobody writes by chance."""
    if seed % 7 == 0:
        return bytes(length)
    return random.Random(seed).randbytes(length)


class Refusal(Exception):
    """The model says an errno."""


class Contents:
    """A regular file's bytes: its size, and the pages that were written."""

    def __init__(self) -> None:
        self.size = 0
        self.pages: dict[int, bytearray] = {}

    def copy(self) -> Contents:
        new = Contents()
        new.size = self.size
        new.pages = {number: bytearray(page) for number, page in self.pages.items()}
        return new

    def _put(self, offset: int, data: bytes) -> None:
        done = 0
        while done < len(data):
            number, start = divmod(offset + done, PAGE)
            count = min(PAGE - start, len(data) - done)
            page = self.pages.setdefault(number, bytearray(PAGE))
            page[start : start + count] = data[done : done + count]
            done += count

    def _zero(self, start: int, end: int) -> None:
        touched = [number for number in self.pages if number * PAGE < end and (number + 1) * PAGE > start]
        for number in touched if start < end else ():
            first, last = max(0, start - number * PAGE), min(PAGE, end - number * PAGE)
            if last - first == PAGE:
                del self.pages[number]
            else:
                self.pages[number][first:last] = bytes(last - first)

    def write(self, offset: int, data: bytes) -> None:
        self._put(offset, data)
        if data:
            self.size = max(self.size, offset + len(data))

    def truncate(self, size: int) -> None:
        self._zero(size, 1 << 62)
        self.size = size

    def punch(self, offset: int, length: int) -> None:
        self._zero(offset, min(offset + length, self.size))

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        result = bytearray(length)
        for number in range(offset // PAGE, -(-(offset + length) // PAGE)):
            page = self.pages.get(number)
            if page is not None:
                first, last = max(offset, number * PAGE), min(offset + length, (number + 1) * PAGE)
                result[first - offset : last - offset] = page[first - number * PAGE : last - number * PAGE]
        return bytes(result)

    def same(self, other: Contents) -> bool:
        blank = bytes(PAGE)
        return self.size == other.size and all(
            self.pages.get(number, blank) == other.pages.get(number, blank) for number in {*self.pages, *other.pages}
        )

    def difference(self, other: Contents) -> str:
        """Where two are not the same, for people."""
        if self.size != other.size:
            return f"size {self.size}, not {other.size}"
        blank = bytes(PAGE)
        for number in sorted({*self.pages, *other.pages}):
            mine, theirs = self.pages.get(number, blank), other.pages.get(number, blank)
            if mine != theirs:
                at = next(place for place in range(PAGE) if mine[place] != theirs[place])
                return f"byte {number * PAGE + at}: {bytes(mine[at : at + 8])!r}, not {bytes(theirs[at : at + 8])!r}"
        return ""


class Node:
    """A file.  `mtime`, `atime` are (exact?, value): else the time is at least that."""

    def __init__(self, kind: int, mode: int, now: int) -> None:
        self.kind, self.mode = kind, mode
        self.uid = self.gid = self.rdev = self.flags = 0
        self.target = b""
        self.contents = Contents()
        self.children: dict[bytes, Node] = {}
        self.xattrs: dict[bytes, bytes] = {}
        self.names = 1
        self.atime = self.mtime = (False, now)

    @property
    def links(self) -> int:
        if self.kind == DIRECTORY:
            return 2 + sum(child.kind == DIRECTORY for child in self.children.values())
        return self.names


class Model:
    """The tree, and a method for each operation: it does it, or raises what the system call must."""

    def __init__(self, now: int = 0, inherited: int = 0, acls: bool = False) -> None:
        """`now`: no time is before that; `inherited`: flags that a new file has from its directory; `acls`: access
        control lists and modes go together."""
        self.root = Node(DIRECTORY, 0o755, now)
        self.now = now
        self.inherited = inherited
        self.acls = acls

    # ---- finding ---------------------------------------------------------------------------------------------------

    def walk(self, node: Node | None = None, path: tuple[bytes, ...] = ()):
        """(path, node) of everything, directories before what is in them, the root first."""
        node = node or self.root
        yield path, node
        for name in sorted(node.children):
            yield from self.walk(node.children[name], (*path, name))

    def at(self, path: tuple[bytes, ...]) -> Node:
        node = self.root
        for name in path:
            if node.kind != DIRECTORY:
                raise Refusal(e.ENOTDIR)
            if name not in node.children:
                raise Refusal(e.ENOENT)
            node = node.children[name]
        return node

    def parent(self, path: tuple[bytes, ...]) -> Node:
        node = self.at(path[:-1])
        if node.kind != DIRECTORY:
            raise Refusal(e.ENOTDIR)
        return node

    def regular(self, path: tuple[bytes, ...]) -> Node:
        node = self.at(path)
        if node.kind == DIRECTORY:
            raise Refusal(e.EISDIR)
        if node.kind != REGULAR:
            raise Refusal(e.EINVAL)
        return node

    def _changed(self, node: Node) -> None:
        node.mtime = (False, self.now)

    def check_changeable(self, *nodes: Node) -> None:
        if any(node.flags & UNCHANGEABLE for node in nodes):
            raise Refusal(e.EPERM)

    # ---- names -----------------------------------------------------------------------------------------------------

    def make(self, path: tuple[bytes, ...], kind: int, mode: int, target: bytes = b"", rdev: int = 0) -> Node:
        parent = self.parent(path)
        if path[-1] in parent.children:
            raise Refusal(e.EEXIST)
        node = parent.children[path[-1]] = Node(kind, mode, self.now)
        node.target, node.rdev = target, rdev
        node.gid, node.flags = parent.gid, parent.flags & self.inherited
        if kind == DIRECTORY:
            node.names = 0
        self._changed(parent)
        return node

    def create(self, path, mode):
        self.make(path, REGULAR, mode)

    def mkdir(self, path, mode):
        self.make(path, DIRECTORY, mode)

    def symlink(self, path, target):
        self.make(path, LINK, 0o777, target)

    def mknod(self, path, mode, rdev):
        self.make(path, mode & abi.S_IFMT, mode & 0o7777, b"", rdev)

    def link(self, old, new):
        node = self.at(old)
        if node.kind == DIRECTORY:
            raise Refusal(e.EPERM)
        parent = self.parent(new)
        if new[-1] in parent.children:
            raise Refusal(e.EEXIST)
        self.check_changeable(node)
        parent.children[new[-1]] = node
        node.names += 1
        self._changed(parent)

    def unlink(self, path):
        parent, node = self.parent(path), self.at(path)
        if node.kind == DIRECTORY:
            raise Refusal(e.EPERM)
        self.check_changeable(node)
        del parent.children[path[-1]]
        node.names -= 1
        self._changed(parent)

    def rmdir(self, path):
        parent, node = self.parent(path), self.at(path)
        if node.kind != DIRECTORY:
            raise Refusal(e.ENOTDIR)
        self.check_changeable(node)
        if node.children:
            raise Refusal(e.ENOTEMPTY)
        del parent.children[path[-1]]
        self._changed(parent)

    def rename(self, old, new):
        node = self.at(old)
        source, parent = self.parent(old), self.parent(new)
        target = parent.children.get(new[-1])
        if target is node:
            if old == new:
                self.check_changeable(node)
            return
        if target is not None and target.kind == DIRECTORY and node.kind != DIRECTORY:
            raise Refusal(e.EISDIR)
        if target is not None and node.kind == DIRECTORY and target.kind != DIRECTORY:
            raise Refusal(e.ENOTDIR)
        if node.kind == DIRECTORY and new[: len(old)] == old:
            raise Refusal(e.EINVAL)
        self.check_changeable(node, *([target] if target is not None else []))
        if target is not None and target.children:
            raise Refusal(e.ENOTEMPTY)
        if target is not None:
            target.names -= target.kind != DIRECTORY
        del source.children[old[-1]]
        parent.children[new[-1]] = node
        self._changed(source)
        self._changed(parent)

    # ---- contents --------------------------------------------------------------------------------------------------

    def write(self, path, offset, length, seed):
        self.put(self.regular(path), offset, pattern(seed, length))

    def append(self, path, length, seed):
        node = self.regular(path)
        self.put(node, node.contents.size, pattern(seed, length))

    def put(self, node, offset, data, opened=False):
        """`opened`: by a descriptor; a file that has become immutable since is still written to by it."""
        if node.flags & abi.SF_IMMUTABLE and not opened:
            raise Refusal(e.EPERM)
        if node.flags & abi.SF_APPEND and offset != node.contents.size:
            raise Refusal(e.EPERM)
        node.contents.write(offset, data)
        if data:
            self._changed(node)

    def truncate(self, path, size):
        self.cut(self.regular(path), size)

    def cut(self, node, size):
        self.check_changeable(node)
        node.contents.truncate(size)
        self._changed(node)

    def fallocate(self, path, offset, length):
        self.extend(self.regular(path), offset, length)

    def extend(self, node, offset, length):
        self.check_changeable(node)
        if node.contents.size < offset + length:
            node.contents.truncate(offset + length)
        node.mtime = (False, min(self.now, node.mtime[1]))      # whether it changes is not said

    def punch(self, path, offset, length):
        self.hollow(self.regular(path), offset, length)

    def hollow(self, node, offset, length):
        self.check_changeable(node)
        node.contents.punch(offset, length)
        node.mtime = (False, min(self.now, node.mtime[1]))

    # ---- attributes ------------------------------------------------------------------------------------------------

    def chmod(self, path, mode):
        node = self.at(path)
        self.check_changeable(node)
        node.mode = mode
        held = node.xattrs.get(ACCESS)
        if held and self.acls:
            rules = [list(rule) for rule in RULE.iter_unpack(held[4:])]
            group = 0x10 if any(rule[0] == 0x10 for rule in rules) else 4
            for rule in rules:
                rule[1] = {1: mode >> 6 & 7, group: mode >> 3 & 7, 0x20: mode & 7}.get(rule[0], rule[1])
            node.xattrs[ACCESS] = held[:4] + b"".join([RULE.pack(*rule) for rule in rules])

    def chown(self, path, uid, gid):
        node = self.at(path)
        self.check_changeable(node)
        node.uid, node.gid = uid, gid

    def utimens(self, path, atime, mtime):
        node = self.at(path)
        self.check_changeable(node)
        node.atime, node.mtime = (True, atime), (True, mtime)

    def chflags(self, path, flags):
        self.at(path).flags = flags

    def setxattr(self, path, name, length, seed):
        node = self.at(path)
        self.check_changeable(node)
        if name.startswith(b"user.") and node.kind not in (REGULAR, DIRECTORY):
            raise Refusal(e.EPERM)
        node.xattrs[name] = pattern(seed, length)

    def setacl(self, path, name, value):
        node = self.at(path)
        self.check_changeable(node)
        node.xattrs[name] = value
        if name == ACCESS and self.acls:
            rules = {tag: bits for tag, bits, _ in RULE.iter_unpack(value[4:])}
            node.mode = node.mode & ~0o777 | rules[1] << 6 | rules.get(0x10, rules[4]) << 3 | rules[0x20]
            if len(rules) == 3:
                del node.xattrs[name]

    def removexattr(self, path, name):
        node = self.at(path)
        self.check_changeable(node)
        if name.startswith(b"user.") and node.kind not in (REGULAR, DIRECTORY):
            raise Refusal(e.EPERM)
        if name not in node.xattrs:
            raise Refusal(e.ENOATTR)
        del node.xattrs[name]


# ---- what is really there ------------------------------------------------------------------------------------------


def difference(model: Model, found: dict, step: int = 1, ignore: frozenset = frozenset()) -> str:
    """How a walk (path -> row, as `walk_of` gives) differs from a model; "" if it does not.

    `step`: granularity of times in nanoseconds; `ignore`: paths whose contents may be anything.
    """
    wanted = dict(model.walk())
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing or extra:
        return f"missing {missing[:5]}, not in the model {extra[:5]}"
    files: dict[int, Node] = {}
    for path, node in wanted.items():
        row = found[path]
        problem = _row_difference(node, row, step, path in ignore)
        if not problem and files.setdefault(row["fileid"], node) is not node:
            problem = f"inode {row['fileid']} is another file's too"
        if problem:
            return f"{b'/'.join(path)!r}: {problem}"
    return "" if len(files) == len(set(map(id, wanted.values()))) else "names of one file are of several"


def _row_difference(node: Node, row: dict, step: int, any_contents: bool) -> str:
    fields = {
        "kind": node.kind, "mode": node.mode, "uid": node.uid, "gid": node.gid, "rdev": node.rdev,
        "links": node.links, "flags": node.flags, "target": node.target, "xattrs": node.xattrs,
    }  # fmt: skip
    for name, value in fields.items():
        if name in row and row[name] != value:
            return f"{name} {row[name]!r:.200}, not {value!r:.200}"
    for name, (exact, value) in (("mtime", node.mtime), ("atime", node.atime)):
        time, value = row[name], value // step * step
        if (time != value) if exact else (time < value):
            return f"{name} {time}, not {'' if exact else 'at least '}{value}"
    if node.kind == REGULAR and not any_contents:
        return row["contents"].difference(node.contents)
    return ""
