# SPDX-License-Identifier: BSD-2-Clause
"""Host trees as values, column by column, so that two of them can be compared."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

Column = Callable[[bytes, os.stat_result], object]


def walk(root: str | os.PathLike[str]) -> dict[bytes, os.stat_result]:
    """Path below `root` -> its attributes; b"" is the root itself.  lost+found, which mke2fs adds, is left out."""
    top = os.fsencode(root)
    found = {b"": os.lstat(top)}
    for directory, names, files in os.walk(top):
        if b"lost+found" in names and directory == top:
            names.remove(b"lost+found")
        for name in names + files:
            path = os.path.join(directory, name)
            found[path[len(top) + 1 :]] = os.lstat(path)
    return found


def data_ranges(path: bytes, size: int) -> tuple[tuple[int, int], ...]:
    """Where a file has data."""
    ranges = []
    fd = os.open(path, os.O_RDONLY)
    try:
        at = 0
        while at < size:
            try:
                begin = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(fd, begin, os.SEEK_HOLE)
            ranges.append((begin, at))
    finally:
        os.close(fd)
    return tuple(ranges)


def _xattrs(path: bytes, _: os.stat_result) -> object:
    names = os.listxattr(path, follow_symlinks=False)
    return sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)


def _regular(value: Callable[[bytes, os.stat_result], object]) -> Column:
    return lambda path, st: value(path, st) if stat.S_ISREG(st.st_mode) else None


COLUMNS: dict[str, Column] = {
    "name": lambda path, st: stat.S_IFMT(st.st_mode),
    "contents": _regular(lambda path, st: hashlib.sha1(Path(os.fsdecode(path)).read_bytes()).hexdigest()),
    "mode": lambda path, st: st.st_mode,
    "owner": lambda path, st: (st.st_uid, st.st_gid),
    "mtime": lambda path, st: st.st_mtime_ns // 10**9,
    "symlink": lambda path, st: os.readlink(path) if stat.S_ISLNK(st.st_mode) else None,
    "hard link": lambda path, st: None if stat.S_ISDIR(st.st_mode) else st.st_nlink,
    "holes": _regular(lambda path, st: data_ranges(path, st.st_size)),
    "node": lambda path, st: st.st_rdev if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode) else None,
    "xattr": _xattrs,
}
"""What can be compared.  Times count in seconds: mke2fs -d brings no more along."""


def column(root: str | os.PathLike[str], name: str) -> dict[bytes, object]:
    """A column of a tree: path -> value."""
    top = os.fsencode(root)
    value = COLUMNS[name]
    return {path: value(os.path.join(top, path) if path else top, st) for path, st in walk(root).items()}


def links(root: str | os.PathLike[str]) -> set[frozenset[bytes]]:
    """Which names are names of the same file."""
    groups: dict[int, set[bytes]] = {}
    for path, st in walk(root).items():
        if not stat.S_ISDIR(st.st_mode):
            groups.setdefault(st.st_ino, set()).add(path)
    return {frozenset(group) for group in groups.values()}
