# SPDX-License-Identifier: BSD-2-Clause
"""The file that an expression is asked about."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT
from rump.kernel.vfs.volume import MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes

    Test: TypeAlias = Callable[["Found"], bool]


class Found:
    """One file at a time; the walk fills it in anew for each.

    start   the operand, as it is shown
    path    the file, as it is shown: the operand and the names below it
    name    the last of them
    row     attributes; of what a link leads to where links are followed
    depth   0 for an operand
    lwp, fd, at   the process, the directory's descriptor and the name in it, for further questions
    pruned  nothing below this directory is wanted
    """

    __slots__ = ("at", "depth", "fd", "lwp", "name", "path", "pruned", "row", "start", "volume")

    def __init__(self, lwp: Lwp, start: bytes, volume: int, row: Attributes) -> None:
        self.lwp = lwp
        self.start = start
        self.volume = volume
        self.path = start
        self.name = b""
        self.row = row
        self.depth = 0
        self.fd = abi.AT_FDCWD
        self.at = b""
        self.pruned = False

    @property
    def is_directory(self) -> bool:
        return self.row[MODE] & S_IFMT == S_IFDIR

    @property
    def inside(self) -> bytes:
        """The path inside the image; `volume` is how long the image's name is."""
        return self.path[self.volume:]

    def target(self) -> bytes:
        """Where a symbolic link leads, b"" of all else.  Errors: Fault."""
        return self.lwp.readlinkat(self.fd, self.at) if self.row[MODE] & S_IFMT == S_IFLNK else b""

    def has_entries(self) -> bool:
        """Whether there is anything in a directory.  Errors: Fault."""
        fd = self.lwp.openat(self.fd, self.at, abi.O_RDONLY | abi.O_DIRECTORY)
        try:
            return bool(self.lwp.rump_listdir(fd, 0, 1)[0])
        finally:
            self.lwp.close(fd)

    def followed(self) -> int:
        """The mode of what a link leads to, 0 if it leads nowhere."""
        try:
            return self.lwp.fstatat(self.fd, self.at, 0).st_mode
        except OSError:
            return 0


class Quit(Exception):
    """-quit."""
