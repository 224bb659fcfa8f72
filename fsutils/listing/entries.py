# SPDX-License-Identifier: BSD-2-Clause
"""The entries of a directory: as rows of the kernel's, read with no more than the listing shows, put in order."""

from __future__ import annotations

from operator import itemgetter

from rump.fsutils import attributes, descent
from rump.kernel import abi
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.lwps import Lwp

    Entry: TypeAlias = tuple[bytes, int, v.Attributes]
    Complain: TypeAlias = Callable[[bytes, OSError], None]

_T = attributes.UNKNOWN_TIME
UNKNOWN: v.Attributes = (0, 0, -1, -1, -1, -1, 0, -1, 0, _T, _T, _T, _T, 0)
"""Stands for attributes that cannot be read."""

_BY_NAME = itemgetter(0)


def read(lwp: Lwp, fd: int, o: argparse.Namespace, complain: Complain) -> list[Entry]:
    """The entries of an open directory that are to be shown, in order.

    `complain` is told the name of a file that has no attributes, and why.
    """
    found = _with_attributes(lwp, fd, o, complain) if o.attributes else _names(lwp, fd, o)
    if not o.almost_all:
        found = [entry for entry in found if entry[0][:1] != b"."]
    if o.ignored is not None:
        found = [entry for entry in found if not o.ignored(entry[0])]
    if o.all:
        found += [(name, 0, attributes.of(lwp.fstatat(fd, name))) for name in (b".", b"..")]
    sort(found, o)
    return found


def _with_attributes(lwp: Lwp, fd: int, o: argparse.Namespace, complain: Complain) -> list[Entry]:
    rows = descent.rows(lwp, fd)
    if not o.dereference and all(map(itemgetter(2), rows)):
        return rows  # type: ignore[return-value]       # none of them is None
    return [(name, cookie, _look(lwp, fd, name, row, o.dereference, complain)) for name, cookie, row in rows]


def _look(
    lwp: Lwp, fd: int, name: bytes, row: v.Attributes | None, follow: bool, complain: Complain
) -> v.Attributes:
    """The attributes of one entry, behind a symbolic link if it is to be followed."""
    if row is not None and not (follow and attributes.is_link(row[v.MODE])):
        return row
    try:
        return attributes.of(lwp.fstatat(fd, name, 0 if follow else abi.AT_SYMLINK_NOFOLLOW))
    except OSError as error:
        complain(name, error)
        return UNKNOWN


def _names(lwp: Lwp, fd: int, o: argparse.Namespace) -> list[Entry]:
    """Names, numbers and types only: nothing else is read where the directory itself tells types."""
    found: list[Entry] = []
    while entries := lwp.getdents(fd):
        for name, fileid, kind in entries:
            if name in (b".", b".."):
                continue
            if kind == abi.DT_UNKNOWN and o.recursive:
                kind = lwp.fstatat(fd, name, abi.AT_SYMLINK_NOFOLLOW).st_mode >> 12
            found.append((name, 0, (fileid, 0, kind << 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
    return found


def sort(found: list[Entry], o: argparse.Namespace) -> None:
    """Put entries in the order asked for: names as bytes; newest or biggest first, then by name."""
    if o.sort == "none":
        return
    found.sort(key=_BY_NAME)
    if o.sort == "time":
        when = o.time
        found.sort(key=lambda entry: -entry[2][when])
    elif o.sort == "size":
        found.sort(key=lambda entry: -entry[2][v.SIZE])
    elif o.sort == "extension":
        found.sort(key=lambda entry: entry[0].rpartition(b".")[1:] if b"." in entry[0] else (b"", b""))
    elif o.sort in ("version", "width"):
        _sort_oddly(found, o.sort)
    if o.reverse:
        found.reverse()
    if o.directories_first:
        found.sort(key=lambda entry: not attributes.is_directory(entry[2][v.MODE]))


def _sort_oddly(found: list[Entry], how: str) -> None:
    """Orders that are rarely asked for."""
    if how == "width":
        from rump.fsutils.names import width

        found.sort(key=lambda entry: width(entry[0]))
    else:
        from rump.fsutils.listing.quoting import version_key

        found.sort(key=lambda entry: version_key(entry[0]))
