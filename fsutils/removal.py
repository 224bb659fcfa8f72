# SPDX-License-Identifier: BSD-2-Clause
"""Removing a directory with all that is in it."""

from __future__ import annotations

from rump.fsutils.finding.walk import Limits, Walk
from rump.kernel import abi
from rump.rumpuser.interface import errno as e

PIECE = 1 << 20

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.copy.target import Watch
    from rump.fsutils.finding.found import Found
    from rump.kernel.lwps import Lwp


def remove_tree(
    lwp: Lwp, path: bytes, shown: bytes, watch: Watch, fail: Callable[[bytes, OSError | str], None],
    told: Callable[[bytes], None] | None = None, first: Callable[[Found], bool] | None = None,
) -> bool:  # fmt: skip
    """Remove what is at `path`, which messages call `shown`; whether all of it is gone.

    What cannot be removed is told to `fail`, without a word on the directories that are not empty therefore.
    `first` is told of each before it goes; what it does not agree to stays, and so do the directories above it.
    """
    kept = False

    def failed(what: bytes, error: OSError | str) -> None:
        nonlocal kept
        if not (kept and isinstance(error, OSError) and error.errno == e.ENOTEMPTY):
            fail(what, error)
        kept = True

    def remove(found: Found) -> bool:
        nonlocal kept
        if kept and found.is_directory and found.has_entries():
            return False
        if first is not None and not first(found):
            kept = True
            return False
        lwp.unlinkat(found.fd, found.at, abi.AT_REMOVEDIR if found.is_directory else 0)
        if told is not None:
            told(found.path)
        return True

    limits = Limits()
    limits.post = True
    Walk(remove, limits, watch, failed).operand(lwp, path, shown)
    return not kept


def overwrite(lwp: Lwp, fd: int, name: bytes) -> None:
    """Write zeros over what a file holds, and see them on the medium; not if it has other names.  Errors: Fault."""
    from rump.fsutils.copy.kernel_source import KernelSource

    stat = lwp.fstatat(fd, name, abi.AT_SYMLINK_NOFOLLOW)
    if stat.st_mode & abi.S_IFMT != abi.S_IFREG or stat.st_nlink > 1:
        return
    opened = lwp.openat(fd, name, abi.O_RDWR | abi.O_NOFOLLOW)
    try:
        for at, length in KernelSource(lwp).parts(opened, 0, stat.st_size):
            end = at + length
            while at < end:
                at += lwp.pwrite(opened, bytes(min(PIECE, end - at)), at)
        lwp.fsync(opened)
    finally:
        lwp.close(opened)
