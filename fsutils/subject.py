# SPDX-License-Identifier: BSD-2-Clause
"""A file that `stat` looks at."""

from __future__ import annotations

from rump.fsutils import attributes
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.operand import Operand
    from rump.fsutils.owners import Owners
    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat

KINDS = {
    abi.S_IFIFO: "fifo",
    abi.S_IFCHR: "character special file",
    abi.S_IFDIR: "directory",
    abi.S_IFBLK: "block special file",
    abi.S_IFREG: "regular file",
    abi.S_IFLNK: "symbolic link",
    abi.S_IFSOCK: "socket",
}


class Subject:
    """A file looked at: what a format can ask about.

    name    as the operand was given, in full
    target  where it leads, of a symbolic link; else b""
    """

    __slots__ = ("lwp", "name", "owners", "path", "stat", "target")

    def __init__(self, lwp: Lwp, operand: Operand, stat: Stat, owners: Owners) -> None:
        self.lwp = lwp
        self.name = operand.shown
        self.path = operand.path
        self.stat = stat
        self.owners = owners
        self.target = lwp.readlink(operand.path) if attributes.is_link(stat.st_mode) else b""

    @property
    def kind(self) -> str:
        """The type in words."""
        kind = KINDS.get(self.stat.st_mode & abi.S_IFMT, "unknown")
        return "regular empty file" if kind == "regular file" and self.stat.st_size == 0 else kind
