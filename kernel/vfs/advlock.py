# SPDX-License-Identifier: BSD-2-Clause
"""Advisory locks: on ranges of a file (fcntl(2), owned by processes) and on all of it (flock(2), owned by open files).

The two kinds share a list, as NetBSD has it: they keep each other out.  Nothing is enforced on who does not ask.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.cpu import VirtualCPU
    from rump.kernel.file import File
    from rump.kernel.proc import Process
    from rump.rumpuser.interface.hypercalls import Condition

    Owner: TypeAlias = Process | File

FOREVER = 1 << 63
"""Behind the last byte that a file can have."""

MOST = 4096
"""Locks on one file: more is ENOLCK."""


class Lock:
    """A range that is locked, or is to be: from `start` up to `end`, which is not in it."""

    __slots__ = ("end", "exclusive", "owner", "start")

    def __init__(self, start: int, end: int, exclusive: bool, owner: Owner) -> None:
        self.start = start
        self.end = end
        self.exclusive = exclusive
        self.owner = owner


class AdvisoryLocks:
    """The locks of one file, and who waits for one."""

    def __init__(self, cpu: VirtualCPU, waits: dict[Owner, Owner]) -> None:
        self._cpu = cpu
        self._waits = waits         # of the whole kernel: who waits -> for whom
        self._locks: list[Lock] = []
        self._waiting = 0
        self._condition: Condition | None = None

    def __bool__(self) -> bool:
        return bool(self._locks) or self._waiting > 0

    def blocker(self, wanted: Lock) -> Lock | None:
        """The first lock of somebody else's in the way."""
        for lock in self._locks:
            overlap = lock.start < wanted.end and wanted.start < lock.end
            if overlap and lock.owner is not wanted.owner and (lock.exclusive or wanted.exclusive):
                return lock
        return None

    def take(self, wanted: Lock, sleep: Callable[[Condition], None] | None) -> None:
        """Lock a range; what its owner held of it becomes what is wanted.

        `sleep` waits for a condition (`LwpBase.sleep`); None: there is no waiting.

        Errors: EAGAIN - somebody has it, and there is no waiting; EDEADLK; EINTR; ENOLCK - too many.
        """
        while (lock := self.blocker(wanted)) is not None:
            if sleep is None:
                raise fault(e.EAGAIN, "locked")
            self._wait(wanted.owner, lock.owner, sleep)
        if len(self._locks) >= MOST:
            raise fault(e.ENOLCK)
        self._cut(wanted)
        self._locks.append(wanted)
        self._locks.sort(key=lambda lock: lock.start)
        self._changed()

    def drop(self, start: int, end: int, owner: Owner) -> None:
        """Unlock what an owner holds of a range."""
        self._cut(Lock(start, end, False, owner))
        self._changed()

    def _cut(self, range_: Lock) -> None:
        """Take a range out of its owner's locks: those half outside stay with their other part."""
        kept = []
        for lock in self._locks:
            if lock.owner is not range_.owner or lock.end <= range_.start or range_.end <= lock.start:
                kept.append(lock)
                continue
            if lock.start < range_.start:
                kept.append(Lock(lock.start, range_.start, lock.exclusive, lock.owner))
            if lock.end > range_.end:
                kept.append(Lock(range_.end, lock.end, lock.exclusive, lock.owner))
        self._locks = kept

    def _changed(self) -> None:
        if self._condition is not None:
            self._condition.broadcast()

    def _wait(self, owner: Owner, holder: Owner, sleep: Callable[[Condition], None]) -> None:
        """Until something changed.  Errors: EDEADLK - the holder waits, in the end, for this owner."""
        other: Owner | None = holder
        while other is not None:
            if other is owner:
                raise fault(e.EDEADLK, "each waits for the other")
            other = self._waits.get(other)
        if self._condition is None:
            self._condition = self._cpu.condition()
        self._waits[owner] = holder
        self._waiting += 1
        try:
            sleep(self._condition)
        finally:
            self._waiting -= 1
            self._waits.pop(owner, None)


def byte_range(start: int, length: int) -> tuple[int, int]:
    """(first, behind the last) of a range as fcntl(2) has it: length 0 is up to the end, a negative one goes back.

    Errors: EINVAL - it begins before the file; EOVERFLOW - it ends where no file does.
    """
    end = start + length if length else FOREVER
    if length < 0:
        start, end = end, start
    if start < 0:
        raise fault(e.EINVAL, "a range before the file")
    if end > FOREVER:
        raise fault(e.EOVERFLOW)
    return start, end


def described(lock: Lock | None) -> tuple[int, int, int, int, int]:
    """(type, whence, start, length, pid), as F_GETLK tells of a lock; pid -1 for one of an open file's."""
    if lock is None:
        return abi.F_UNLCK, abi.SEEK_SET, 0, 0, 0
    length = 0 if lock.end == FOREVER else lock.end - lock.start
    kind = abi.F_WRLCK if lock.exclusive else abi.F_RDLCK
    return kind, abi.SEEK_SET, lock.start, length, getattr(lock.owner, "pid", -1)
