# SPDX-License-Identifier: BSD-2-Clause
"""What is open: a number for Linux, a descriptor of a process in the kernel behind it.

A process has OPEN_MAX descriptors and a mount serves all programs, so there may be several processes.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import EntryPlus
    from rump.servers.fuse.nodes import Node


class Opened:
    """An open file or directory.

    handle    Linux' number for it
    lwp, fd   whose descriptor it is, and which
    writable  it was opened for writing
    bare      capabilities (security.capability) were looked for since it was opened, and taken away
    device    of a directory: st_dev of what is in it
    rows, position, after, listed    of a directory: the entries read ahead, the offset of the first, the cookie behind
              the last, and how many changes there had been then
    """

    __slots__ = ("after", "bare", "device", "fd", "handle", "listed", "lwp", "node", "position", "rows", "writable")

    def __init__(self, handle: int, node: Node, lwp: Lwp, fd: int, writable: bool) -> None:
        self.handle = handle
        self.node = node
        self.lwp = lwp
        self.fd = fd
        self.writable = writable
        self.bare = False
        self.device = 0
        self.rows: list[EntryPlus] = []
        self.position = 0
        self.after = 0
        self.listed = -1


class Descriptors:
    """All that is open of a mount.  `another` makes one more process like the first, None where that cannot be."""

    def __init__(self, lwp: Lwp, another: Callable[[], Lwp] | None) -> None:
        self._lwps = [lwp]
        self._another = another
        self._opened: dict[int, Opened] = {}
        self._last = 0

    def __getitem__(self, handle: int) -> Opened:
        """What a number of Linux' stands for.  Errors: EBADF."""
        try:
            return self._opened[handle]
        except KeyError:
            raise fault(e.EBADF, f"handle {handle}") from None

    def __len__(self) -> int:
        return len(self._opened)

    def open(self, node: Node, path: bytes, flags: int) -> Opened:
        """Open a file for a node.  Errors: as open(2)."""
        lwp, fd = self.descriptor(path, flags, 0)
        return self.add(node, lwp, fd, bool(flags & 3))

    def descriptor(self, path: bytes, flags: int, mode: int) -> tuple[Lwp, int]:
        """A descriptor of whichever process has room.  Errors: as open(2)."""
        for lwp in self._lwps:
            try:
                return lwp, lwp.open(path, flags, mode)
            except OSError as error:
                if error.errno != e.EMFILE or (lwp is self._lwps[-1] and self._another is None):
                    raise
        assert self._another is not None
        lwp = self._another()
        self._lwps.append(lwp)
        return lwp, lwp.open(path, flags, mode)

    def add(self, node: Node, lwp: Lwp, fd: int, writable: bool) -> Opened:
        """Give a number to what has been opened."""
        self._last += 1
        opened = self._opened[self._last] = Opened(self._last, node, lwp, fd, writable)
        node.opened.append(opened)
        return opened

    def close(self, handle: int) -> Opened:
        """Close it.  Errors: EBADF, and as close(2)."""
        opened = self[handle]
        del self._opened[handle]
        opened.lwp.close(opened.fd)
        return opened

    def close_all(self) -> None:
        """Linux is gone: close what it has not.  Errors: as close(2), once all are closed."""
        problems: list[OSError] = []
        for opened in self._opened.values():
            try:
                opened.lwp.close(opened.fd)
            except OSError as error:
                problems.append(error)
        self._opened.clear()
        if problems:
            raise problems[0]
