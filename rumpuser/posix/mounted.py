# SPDX-License-Identifier: BSD-2-Clause
"""busy, by the lists that a host keeps: what is mounted, what it swaps on."""

from __future__ import annotations

import os
import stat

from rump.rumpuser.posix.compiled import Compiled
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_TRY = 4096


class Busy(Files):
    """A host says in `_users` who uses what.  Files and devices are compared, not names: two may lead to one."""

    @blocking
    def busy(self, handle: int) -> str:
        status = os.fstat(self._descriptor(handle))
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)):
            return ""
        return self._use(status)

    def _use(self, status: os.stat_result) -> str:
        for source, use in self._users(status):
            if source.startswith("/") and self._same(status, source):
                return use
        return ""

    def _users(self, status: os.stat_result) -> Iterator[tuple[str, str]]:
        """(path of a file or device, how it is used), as far as this host tells."""
        return iter(())

    def _same(self, status: os.stat_result, path: str) -> bool:
        try:
            other = os.stat(path)
        except (OSError, ValueError):
            return False
        if stat.S_ISREG(status.st_mode) or stat.S_ISREG(other.st_mode):
            return os.path.samestat(status, other)
        return self._disk(status, other)

    def _disk(self, one: os.stat_result, other: os.stat_result) -> bool:
        """Whether two devices are of one disk."""
        return stat.S_IFMT(one.st_mode) == stat.S_IFMT(other.st_mode) and one.st_rdev == other.st_rdev


class CompiledBusy(Busy, Compiled):
    """Mounts and swap as getfsstat(2) and swapctl(2) list them, with the compiled pieces; without them nothing."""

    def _users(self, status: os.stat_result) -> Iterator[tuple[str, str]]:
        texts = self._listed("mounts", "rump_mounts")
        for source, where in zip(texts[::2], texts[1::2], strict=False):
            yield source, f"mounted on {where}"
        for path in self._listed("swaps", "rump_swaps"):
            yield path, "swap"

    def _listed(self, piece: str, function: str) -> list[str]:
        """The strings that a compiled function writes one behind the other."""
        module = self._module(piece)
        size, buffer = 0, bytearray(FIRST_TRY)
        while module is not None:
            size = getattr(module.lib, function)(module.ffi.from_buffer(buffer), len(buffer))
            if size <= len(buffer):
                break
            buffer = bytearray(size)
        return os.fsdecode(bytes(buffer[: max(0, size)])).split("\0")[:-1]


def table(path: str, separator: str | None = None) -> Iterator[list[str]]:
    """The lines of a host's table, in fields."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:
        return
    for line in lines:
        if line and not line.startswith("#"):
            yield line.split(separator)
