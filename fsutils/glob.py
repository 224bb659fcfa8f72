# SPDX-License-Identifier: BSD-2-Clause
"""Patterns of file names, matched inside images; names are bytes."""

from __future__ import annotations

from fnmatch import translate
from functools import lru_cache
from re import Pattern
from re import compile as compile_pattern

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.lwps import Lwp

_MAGIC = frozenset(b"*?[")


def entries(lwp: Lwp, path: bytes) -> list[tuple[bytes, int]]:
    """What is in a directory, sorted: (name, DT_* type).  Errors: Fault."""
    fd = lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        found: list[tuple[bytes, int]] = []
        while rows := lwp.getdents(fd):
            for name, _, kind in rows:
                if name not in (b".", b".."):
                    if kind == abi.DT_UNKNOWN:
                        kind = lwp.fstatat(fd, name, abi.AT_SYMLINK_NOFOLLOW).st_mode >> 12
                    found.append((name, kind))
    finally:
        lwp.close(fd)
    return sorted(found)


def matching(lwp: Lwp, path: bytes, pattern: bytes, *, hidden: bool = True) -> Iterator[bytes]:
    """The paths below a directory that match a pattern, sorted, each once.

    `hidden`: names that begin with a dot match patterns that do not.
    """
    parts = [part for part in pattern.split(b"/") if part not in (b"", b".")]
    found = [path.rstrip(b"/")]
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == b"**":
            found = list(dict.fromkeys(deep for base in found for deep in _below(lwp, base, last, hidden)))
        elif _MAGIC.isdisjoint(part):
            found = [base + b"/" + part for base in found if _exists(lwp, base + b"/" + part)]
        else:
            found = list(dict.fromkeys(hit for base in found for hit in _matching(lwp, base, part, hidden)))
    if parts:
        yield from sorted(found)


def _matching(lwp: Lwp, base: bytes, part: bytes, hidden: bool) -> Iterator[bytes]:
    """The entries of a directory that match one part of a pattern; nothing if it is no directory."""
    expression = _expression(part)
    try:
        names = entries(lwp, base or b"/")
    except OSError:
        return
    for name, _ in names:
        if expression.match(name) and (hidden or name[:1] != b"." or part[:1] == b"."):
            yield base + b"/" + name


def _below(lwp: Lwp, base: bytes, files: bool, hidden: bool) -> Iterator[bytes]:
    """A directory and all directories below it, and the other files too if asked for; links are not followed."""
    pending = [base]
    while pending:
        path = pending.pop()
        yield path
        try:
            names = entries(lwp, path or b"/")
        except OSError:
            continue
        for name, kind in names:
            if not hidden and name[:1] == b".":
                continue
            if kind == abi.DT_DIR:
                pending.append(path + b"/" + name)
            elif files:
                yield path + b"/" + name


def _exists(lwp: Lwp, path: bytes) -> bool:
    try:
        lwp.lstat(path)
    except OSError:
        return False
    return True


@lru_cache(64)
def _expression(part: bytes) -> Pattern[bytes]:
    """A part of a pattern as a regular expression."""
    return compile_pattern(translate(part.decode("latin-1")).encode("latin-1"))
