# SPDX-License-Identifier: BSD-2-Clause
"""The regular files at and below operands, in images and on the host, in the order of their names."""

from __future__ import annotations

import os

from rump.fsutils.contents import open_inside, open_outside
from rump.fsutils.finding.walk import ALWAYS, COMMAND_LINE, Limits, Walk
from rump.kernel import abi
from rump.kernel.vfs.volume import MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents
    from rump.fsutils.finding.found import Found
    from rump.fsutils.operand import Operand

    Visit: TypeAlias = Callable[[bytes, bytes, Callable[[], Contents]], None]
    Enter: TypeAlias = Callable[[bytes], bool]
    Fail: TypeAlias = Callable[[bytes, OSError | str], None]


def each_file(
    command: Command, operand: Operand, visit: Visit, fail: Fail, *, follow: bool = False, enter: Enter | None = None
) -> None:
    """Go through what an operand names.  Errors: OSError - it is not there.

    visit   told of each regular file: how to show it, its last name, and what opens it; its OSErrors go to `fail`
    fail    told what cannot be read
    follow  symbolic links below operands, too; those that are operands always are
    enter   asked by name whether a directory below the operand is wanted
    """
    if operand.image is None:
        _outside(command, operand.path, visit, fail, follow, enter)
    else:
        _inside(command, operand, visit, fail, follow, enter)


def _inside(
    command: Command, operand: Operand, visit: Visit, fail: Fail, follow: bool, enter: Enter | None
) -> None:
    lwp, path = command.session.resolve(operand)

    def test(found: Found) -> bool:
        kind = found.row[MODE] & abi.S_IFMT
        if kind == abi.S_IFDIR:
            found.pruned = found.depth > 0 and enter is not None and not enter(found.name)
        elif kind == abi.S_IFREG:
            visit(found.path, found.name, lambda: open_inside(lwp, found.fd, found.at))
        return True

    limits = Limits()
    limits.follow = ALWAYS if follow else COMMAND_LINE
    Walk(test, limits, command.session, fail).operand(lwp, path, operand.shown)


def _outside(
    command: Command, path: bytes, visit: Visit, fail: Fail, follow: bool, enter: Enter | None
) -> None:
    if not os.path.isdir(path):
        os.stat(path)
        visit(path, os.path.basename(path), lambda: open_outside(path))
        return
    inside: set[tuple[int, int]] = set()
    for entry in _entries(path, follow, fail, enter, inside):
        if command.interrupted:
            break
        try:
            visit(entry, os.path.basename(entry), lambda path=entry: open_outside(path))  # type: ignore[misc]
        except OSError as error:
            fail(entry, error)


def _entries(
    path: bytes, follow: bool, fail: Fail, enter: Enter | None, inside: set[tuple[int, int]]
) -> Iterator[bytes]:
    """The regular files below a directory of the host.  `inside`: the directories it is in, so that links back end."""
    try:
        stat = os.stat(path)
        key = stat.st_dev, stat.st_ino
        with os.scandir(path) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        fail(path, error)
        return
    if key in inside:
        fail(path, "a link leads back to a directory it is in")
        return
    inside.add(key)
    for entry in entries:
        try:
            is_directory, is_file = entry.is_dir(follow_symlinks=follow), entry.is_file(follow_symlinks=follow)
        except OSError as error:
            fail(entry.path, error)
            continue
        if is_file:
            yield entry.path
        elif is_directory and (enter is None or enter(entry.name)):
            yield from _entries(entry.path, follow, fail, enter, inside)
    inside.discard(key)
