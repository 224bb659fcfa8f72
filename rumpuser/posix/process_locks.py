# SPDX-License-Identifier: BSD-2-Clause
"""Byte-range locks that belong to a handle, made of POSIX's, which belong to a process.

POSIX's locks (fcntl(2), F_SETLK) keep processes apart but not the handles of one, and closing *any* descriptor of a
file gives up all that the process has locked in it.  So what handles of this process hold is kept in a table here, by
device and inode, whichever host of the process they are of; the host is asked only for what the process as a whole
does not hold yet; and a descriptor is not closed while another handle of its file holds a lock.

What remains: a program that opens and closes the same file beside us gives our locks up without our knowing, and so
may a program that closes the descriptor which it let us adopt.
"""

from __future__ import annotations

import fcntl
import os
from _thread import allocate_lock

from rump.rumpuser.interface.errno import EAGAIN, EBADF, EINVAL, HostError
from rump.rumpuser.interface.hypercalls import LOCK_EXCLUSIVE, LOCK_RELEASE, LOCK_SHARED, LOCK_TEST
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files
from rump.rumpuser.posix.locks import FLOCK, ask, record_lock
from rump.rumpuser.pure.arguments import check_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Range: TypeAlias = tuple[int, int, bool]        # start, end, exclusive

_END = 1 << 63          # behind every file
_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


class LockedFile:
    """A file of which this process holds locks: who holds what, and descriptors that wait to be closed."""

    def __init__(self) -> None:
        self.held: dict[object, list[Range]] = {}
        self.waiting: list[int] = []

    def in_the_way(self, owner: object, start: int, end: int, exclusive: bool) -> bool:
        """Whether what others hold forbids `owner` a lock."""
        return any(
            one_start < end and start < one_end and (exclusive or one_exclusive)
            for other, ranges in self.held.items() if other is not owner
            for one_start, one_end, one_exclusive in ranges
        )  # fmt: skip

    def others(self, owner: object, start: int, end: int) -> list[tuple[int, int]]:
        """What others hold of a range, in order."""
        return sorted(
            (max(start, one_start), min(end, one_end))
            for other, ranges in self.held.items() if other is not owner
            for one_start, one_end, _ in ranges if one_start < end and start < one_end
        )  # fmt: skip

    def set(self, owner: object, start: int, end: int, exclusive: bool | None) -> None:
        """Note what `owner` holds of a range from now on; None: nothing."""
        kept: list[Range] = [] if exclusive is None else [(start, end, exclusive)]
        for one_start, one_end, one_exclusive in self.held.pop(owner, []):
            if one_start < start:
                kept.append((one_start, min(one_end, start), one_exclusive))
            if one_end > end:
                kept.append((max(one_start, end), one_end, one_exclusive))
        if kept:
            self.held[owner] = kept


_files: dict[tuple[int, int], LockedFile] = {}
_guard = allocate_lock()        # of the table, and of its being what the host holds


class ProcessLocks(Files):
    """lock, on hosts whose fcntl has POSIX's locks only.

    _flock  the host's struct flock
    """

    _flock = FLOCK

    def __init__(self) -> None:
        super().__init__()
        self._owners: dict[int, object] = {}

    @blocking
    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        if mode not in (LOCK_SHARED, LOCK_EXCLUSIVE, LOCK_RELEASE, LOCK_TEST):
            raise HostError(EINVAL, "unknown mode")
        _check_access(descriptor, mode)
        owner = self._owners.setdefault(handle, object())
        end = start + length if length else _END
        with _guard:
            key = _identity(descriptor)
            file = _files.setdefault(key, LockedFile())
            try:
                if mode == LOCK_RELEASE:
                    _release(file, owner, descriptor, start, end)
                elif file.in_the_way(owner, start, end, mode != LOCK_SHARED):
                    raise HostError(EAGAIN, "lock")
                elif mode == LOCK_TEST:
                    self._test(descriptor, start, length)
                else:
                    ask(descriptor, fcntl.LOCK_SH if mode == LOCK_SHARED else fcntl.LOCK_EX, start, length)
                    file.set(owner, start, end, mode == LOCK_EXCLUSIVE)
            finally:
                _forget(key, file)

    def _test(self, descriptor: int, start: int, length: int) -> None:
        if record_lock(descriptor, fcntl.F_GETLK, self._flock, fcntl.F_WRLCK, start, length) != fcntl.F_UNLCK:
            raise HostError(EAGAIN, "lock")

    def close(self, handle: int) -> None:
        owner = self._owners.pop(handle, None)
        if owner is not None:
            with _guard:
                descriptor = self._descriptor(handle)
                key = _identity(descriptor)
                file = _files.setdefault(key, LockedFile())
                try:
                    _release(file, owner, descriptor, 0, _END)
                finally:
                    _forget(key, file)
        super().close(handle)

    def _close(self, descriptor: int) -> None:
        """All locks of the file would go with the descriptor: while there are any it waits."""
        with _guard:
            file = _files.get(_identity(descriptor)) if _files else None
            if file is not None:
                file.waiting.append(descriptor)
                return
        super()._close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _check_access(descriptor: int, mode: int) -> None:
    """EBADF for a lock that the way the file was opened forbids: the host would find others' locks first."""
    access = fcntl.fcntl(descriptor, fcntl.F_GETFL) & _ACCESS
    if mode == (LOCK_SHARED if access == os.O_WRONLY else LOCK_EXCLUSIVE if access == os.O_RDONLY else None):
        raise HostError(EBADF, "lock")


def _release(file: LockedFile, owner: object, descriptor: int, start: int, end: int) -> None:
    """Unlock what nobody else of this process holds of the range."""
    if owner not in file.held:
        return
    position = start
    for other_start, other_end in (*file.others(owner, start, end), (end, end)):
        if position < other_start:
            ask(descriptor, fcntl.LOCK_UN, position, 0 if other_start == _END else other_start - position)
        position = max(position, other_end)
    file.set(owner, start, end, None)


def _forget(key: tuple[int, int], file: LockedFile) -> None:
    """Close what waited for the last lock of a file to go."""
    if not file.held:
        _files.pop(key, None)
        while file.waiting:
            os.close(file.waiting.pop())
