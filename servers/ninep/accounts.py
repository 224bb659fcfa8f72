# SPDX-License-Identifier: BSD-2-Clause
"""Who a client's user is: numbers as told, names and groups as the image's own ``/etc/passwd`` and ``/etc/group``
have them (passwd(5), group(5))."""

from __future__ import annotations

from rump.kernel import abi
from rump.servers.ninep.messages import NO_UNAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.kernel.lwps import Lwp

    Identity: TypeAlias = tuple[int, int, tuple[int, ...]]     # user, group, other groups

NOBODY = 65534          # the user, and the group of users, that the image does not know
_FILE_MAX = 1 << 20     # bytes read of each of the files


def identify(lwp: Lwp, name: bytes, number: int) -> Identity:
    """The user that a client attaches for.

    Root and its group have numbers of their own on every system.  A name that is a number is one; one that means
    nothing is nobody's, as is the name that Linux mounts under unless told another.
    """
    rows = list(_rows(lwp, b"/etc/passwd", 4))
    if number == NO_UNAME:
        known = {row[0]: row[2] for row in reversed(rows)}
        number = _number(known.get(name, b"0" if name == b"root" else name))
        if number < 0:
            return NOBODY, NOBODY, ()
    own = [(row[0], _number(row[3])) for row in rows if _number(row[2]) == number]
    if not own:
        return number, 0 if number == 0 else NOBODY, ()
    user, group = own[0]
    groups = tuple(_number(row[2]) for row in _rows(lwp, b"/etc/group", 4) if user in row[3].split(b","))
    return number, max(group, 0), tuple(gid for gid in groups if gid >= 0)[: abi.NGROUPS_MAX]


def _number(text: bytes) -> int:
    """-1 if it is no number that fits."""
    return int(text) if text.isdigit() and len(text) < 11 and int(text) < NO_UNAME else -1


def _rows(lwp: Lwp, path: bytes, least: int) -> Iterator[list[bytes]]:
    """The lines of such a file with so many fields at least; none where it cannot be read."""
    try:
        if lwp.lstat(path).st_mode & abi.S_IFMT != abi.S_IFREG:
            return
        fd = lwp.open(path, abi.O_RDONLY | abi.O_NOFOLLOW)
    except OSError:
        return
    try:
        text = lwp.pread(fd, _FILE_MAX, 0)
    except OSError:
        return
    finally:
        lwp.close(fd)
    for line in text.splitlines():
        row = line.split(b":")
        if len(row) >= least:
            yield row
