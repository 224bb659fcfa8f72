# SPDX-License-Identifier: BSD-2-Clause
"""Going down a tree: a stack of open directories, each opened from the one above, so that no path gets too long."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import EntryPlus

KEPT = 200              # directories kept open; those further up are opened again through ".." on the way back
ROWS = 8192             # entries asked for at once
_FLAGS = abi.O_RDONLY | abi.O_DIRECTORY


class Descent:
    """Where we are in a tree.

    fd    the directory we are in
    name  its path from where we started, as `enter` was told: b"" at first
    """

    __slots__ = ("_above", "_lwp", "_names", "_seen", "fd")

    def __init__(self, lwp: Lwp, path: bytes, *, follow: bool = True) -> None:
        """Start at a directory.  `follow`: symbolic links, for the start only.  Errors: Fault."""
        self._lwp = lwp
        self._above: list[int] = []
        self._names: list[bytes] = []
        self.fd = lwp.open(path, _FLAGS if follow else _FLAGS | abi.O_NOFOLLOW)
        self._seen = {lwp.fstat(self.fd).st_ino}

    @property
    def name(self) -> bytes:
        return b"/".join(self._names)

    def enter(self, name: bytes, fileid: int) -> None:
        """Go into a directory of the one we are in.

        Errors: Fault; ELOOP - a directory we have been in already, as only a damaged file system can lead to.
        """
        if fileid in self._seen:
            raise fault(e.ELOOP, "this directory was listed already under another name; the file system is damaged")
        fd = self._lwp.openat(self.fd, name, _FLAGS | abi.O_NOFOLLOW)
        self._seen.add(fileid)
        above = self._above
        above.append(self.fd)
        self._names.append(name)
        self.fd = fd
        if len(above) > KEPT:
            self._lwp.close(above[-KEPT - 1])
            above[-KEPT - 1] = -1

    def leave(self) -> None:
        """Go back to the directory above; from the first one, end."""
        fd, lwp = self.fd, self._lwp
        self.fd = -1
        try:
            if self._above:
                self._names.pop()
                self.fd = self._above.pop()
                if self.fd < 0:
                    self.fd = lwp.openat(fd, b"..", _FLAGS)
        finally:
            lwp.close(fd)

    def close(self) -> None:
        """Close all that is open still."""
        for fd in (*self._above, self.fd):
            if fd >= 0:
                self._lwp.close(fd)
        self._above.clear()
        self.fd = -1


def rows(lwp: Lwp, fd: int) -> list[EntryPlus]:
    """All entries of a directory with their attributes, in its own order.  Errors: Fault."""
    found, cookie = lwp.rump_listdir(fd, 0, ROWS)
    entries = list(found)
    while cookie >= 0:
        found, cookie = lwp.rump_listdir(fd, cookie, ROWS)
        entries += found
    return entries
