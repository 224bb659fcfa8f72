# SPDX-License-Identifier: BSD-2-Clause
"""Patterns of paths inside images, which no shell can expand: ``fsu ls 'disk.img:/etc/*.conf'``.

What a shell would do: ``*`` and ``?`` match no leading dot, the matches come sorted, and a pattern that matches nothing
stands for itself.  ``**`` goes through directories.
"""

from __future__ import annotations

from rump.fsutils.attributes import is_directory
from rump.fsutils.glob import matching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.operand import Operand
    from rump.fsutils.session import Session
    from rump.kernel.lwps import Lwp


def expand(session: Session, operand: Operand) -> list[Operand]:
    """What an operand's pattern matches; the operand itself if that is a file's name, or nothing matches."""
    try:
        lwp, path = session.resolve(operand)
    except OSError:
        return [operand]            # who uses it will say what is wrong
    if _is_there(lwp, path):
        return [operand]
    return matched(lwp, operand) or [operand]


def matched(lwp: Lwp, operand: Operand) -> list[Operand]:
    """What an operand's pattern matches."""
    above, pattern = operand.path[: operand.start], operand.path[operand.start :]
    found = list(matching(lwp, above or b"/", pattern, hidden=False))
    if pattern.endswith(b"/"):
        found = [hit + b"/" for hit in found if _leads_to_a_directory(lwp, hit)]
    return [operand.at(hit) for hit in found]


def _is_there(lwp: Lwp, path: bytes) -> bool:
    try:
        lwp.lstat(path)
    except OSError:
        return False
    return True


def _leads_to_a_directory(lwp: Lwp, path: bytes) -> bool:
    try:
        return is_directory(lwp.stat(path).st_mode)
    except OSError:
        return False
