# SPDX-License-Identifier: BSD-2-Clause
"""Locks for changing names: in one order, and only if the names are still what they were found to be."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.kernel.cpu import SleepLock
    from rump.kernel.vfs.vnode import Vnode

    Name: TypeAlias = tuple[Vnode, bytes, Vnode | None]


def lock_names(*names: Name, victim: Vnode | None = None, before: SleepLock | None = None) -> list[SleepLock]:
    """Lock directories for changing names.  A name is what `namei_parent` found: (directory, name, file or None).

    The order is that of their numbers; `victim` is a directory that will be removed, in which nobody may make something
    meanwhile, and `before` a lock to be taken first.  Returns what is locked, for `unlock`; nothing if one of the names
    is not what it was, for somebody has changed it since: then all is to be looked up again.

    Errors: ENOENT - one of the directories was removed; EDEADLK.
    """
    directories = {directory for directory, _, _ in names}
    if victim is not None:
        directories.add(victim)
    ordered = sorted(directories, key=lambda directory: directory.handle)
    taken: list[SleepLock] = []
    try:
        if before is not None:
            before.exclusive()
            taken.append(before)
        for directory in ordered:
            directory.lock.exclusive()
            taken.append(directory.lock)
        if any(directory.attributes[v.NLINK] == 0 for directory, _, _ in names):
            raise fault(e.ENOENT, "a directory that was removed")
        if not all(name in directory.names and directory.names[name] is vnode for directory, name, vnode in names):
            unlock(taken)
    except BaseException:
        unlock(taken)
        raise
    return taken


def unlock(locks: list[SleepLock]) -> None:
    """Give them up."""
    while locks:
        locks.pop().unlock()
