# SPDX-License-Identifier: BSD-2-Clause
"""Who else uses an image: locks that keep writers apart, and programs that lock nothing.

A disk that is opened for writing takes part in the protocol of QEMU's image locks (block/file-posix.c and "Image
locking" in QEMU's manual): byte 100 + n of the file is locked, shared, by whoever holds permission n, byte 200 + n by
whoever does not let others have it; having locked, one tests whether somebody else's bytes say otherwise.  We hold
"consistent read" and "write", and do not share "resize".  We do share "write": two partitions may have two writers, and
what else we do not share, no QEMU would touch after it has seen our "write", unless it was told to (share-rw=on).

What is put to use - a volume that is mounted, a device opened through /dev for writing - claims its own bytes: shared
for reading, exclusive for writing.  The first `RESERVED` bytes of a file are never locked this way; QEMU's lie there.

A writer that finds somebody gets EBUSY, or goes on with a warning if forced; a reader gets a warning.  Where locks do
not work, a writer gets a warning, once, and a reader nothing.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import LOCK_EXCLUSIVE, LOCK_RELEASE, LOCK_SHARED, LOCK_TEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.rumpuser.interface.hypercalls import Hypercalls

RESERVED = 512
HELD = 100
UNSHARED = 200
CONSISTENT_READ = 0     # QEMU's permissions, as the number of their bit (0x1, 0x2, 0x4, 0x8)
WRITE = 1
RESIZE = 3
_NOT_HERE = (e.ENOSYS, e.EOPNOTSUPP, e.ENOTSUP)
_BY_ANOTHER = "in use by another program"


class Claims:
    """What one open disk has locked, and how it deals with others.

    `name` is what messages call the image, `log` takes warnings, `force` turns refusals into them.
    """

    def __init__(self, host: Hypercalls, handle: int, name: str, force: bool, log: Callable[[str], object]) -> None:
        self._host = host
        self._handle = handle
        self._name = name
        self._force = force
        self._log = log
        self._held: list[tuple[int, int, int]] = []         # mode, start, length
        self._works = "lock" not in host.traits.absent      # a host without locks has nobody to lock out

    # ---- opened for writing --------------------------------------------------------------------------------------

    def open_for_writing(self) -> None:
        """Errors: EBUSY - somebody writes to the image, or relies on nobody doing so."""
        self._refuse_if(self._user())
        if not self._works:
            return
        self._set(HELD + CONSISTENT_READ, 2, LOCK_SHARED)
        self._set(UNSHARED + RESIZE, 1, LOCK_SHARED)
        free = self._set(UNSHARED + CONSISTENT_READ, 2, LOCK_TEST) and self._set(HELD + RESIZE, 1, LOCK_TEST)
        self._refuse_if("" if free else _BY_ANOTHER)

    def _user(self) -> str:
        if "busy" in self._host.traits.absent:
            return ""
        try:
            user = self._host.busy(self._handle)
        except HostError as error:
            if error.errno in _NOT_HERE:
                return ""
            raise
        return f"in use: {user}" if user else ""

    # ---- put to use ----------------------------------------------------------------------------------------------

    def claim(self, start: int, length: int, exclusive: bool) -> None:
        """Lock a range of the file.  Errors: EBUSY - exclusively, and somebody else has part of it."""
        start, length = _beyond_reserved(start, length)
        if not length or not self._works:
            return
        try:
            (self._write_to if exclusive else self._read_from)(start, length)
            self._again(start, length)
        except BaseException:
            self._give_up(start, length)
            raise
        self._held.append((LOCK_EXCLUSIVE if exclusive else LOCK_SHARED, start, length))

    def _write_to(self, start: int, length: int) -> None:
        if not self._set(start, length, LOCK_EXCLUSIVE):
            self._refuse_if(_BY_ANOTHER)

    def _read_from(self, start: int, length: int) -> None:
        free = self._set(start, length, LOCK_SHARED, quiet=True)
        # Writers of ours hold "write", too, but share it; whether they write here is in the lock above.
        alone = any(self._set(byte, 1, LOCK_TEST, quiet=True) for byte in (HELD + WRITE, UNSHARED + WRITE))
        if not (free and alone):
            self._warn(f"{_BY_ANOTHER}, which may be writing to it")

    def release(self, start: int, length: int, exclusive: bool) -> None:
        """Give a claim up; others of the same disk that overlap stay."""
        start, length = _beyond_reserved(start, length)
        held = (LOCK_EXCLUSIVE if exclusive else LOCK_SHARED, start, length)
        if held in self._held:
            self._held.remove(held)
            self._give_up(start, length)

    def _give_up(self, start: int, length: int) -> None:
        """A lock that cannot be given up goes when the disk is closed."""
        try:
            self._set(start, length, LOCK_RELEASE)
            self._again(start, length)
        except HostError as error:
            self._warn(f"giving up a lock: {error}")

    def _again(self, start: int, length: int) -> None:
        """Take again what this disk holds of a range, the exclusive locks last: a lock replaces what it overlaps."""
        for mode, first, count in sorted(self._held):
            if first < start + length and start < first + count:
                self._set(first, count, mode, quiet=True)

    # ---- both ----------------------------------------------------------------------------------------------------

    def _set(self, start: int, length: int, mode: int, quiet: bool = False) -> bool:
        """Lock, test or release; False - somebody else has it.  Where locks do not work everything is free."""
        if not self._works:
            return True
        try:
            self._host.lock(self._handle, start, length, mode)
        except HostError as error:
            if error.errno == e.EAGAIN:
                return False
            if error.errno not in _NOT_HERE:
                raise
            self._works = False
            if not quiet:
                self._warn("locks do not work here; nothing keeps other programs from writing to it")
        return True

    def _refuse_if(self, why: str) -> None:
        if why and not self._force:
            raise fault(e.EBUSY, f"{self._name}: {why}")
        if why:
            self._warn(f"{why}; written to all the same")

    def _warn(self, text: str) -> None:
        self._log(f"{self._name}: {text}")


def _beyond_reserved(start: int, length: int) -> tuple[int, int]:
    """The part of a range that may be locked."""
    first = max(start, RESERVED)
    return first, max(0, start + length - first)
