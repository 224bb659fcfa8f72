# SPDX-License-Identifier: BSD-2-Clause
"""Removing a directory with all that is in it."""

from __future__ import annotations

from rump.fsutils.finding.walk import Limits, Walk
from rump.kernel import abi
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.copy.target import Watch
    from rump.fsutils.finding.found import Found
    from rump.kernel.lwps import Lwp


def remove_tree(
    lwp: Lwp, path: bytes, shown: bytes, watch: Watch, fail: Callable[[bytes, OSError | str], None],
    told: Callable[[bytes], None] | None = None,
) -> bool:  # fmt: skip
    """Remove what is at `path`, which messages call `shown`; whether all of it is gone.

    What cannot be removed is told to `fail`, without a word on the directories that are not empty therefore.
    """
    kept = False

    def failed(what: bytes, error: OSError | str) -> None:
        nonlocal kept
        if not (kept and isinstance(error, OSError) and error.errno == e.ENOTEMPTY):
            fail(what, error)
        kept = True

    def remove(found: Found) -> bool:
        lwp.unlinkat(found.fd, found.at, abi.AT_REMOVEDIR if found.is_directory else 0)
        if told is not None:
            told(found.path)
        return True

    limits = Limits()
    limits.post = True
    Walk(remove, limits, watch, failed).operand(lwp, path, shown)
    return not kept
