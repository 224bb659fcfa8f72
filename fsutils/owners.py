# SPDX-License-Identifier: BSD-2-Clause
"""Users and groups by name, where asked for: of the image (its own /etc/passwd and /etc/group) or of the host."""

from __future__ import annotations

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwps import Lwp

CHOICES = ("numbers", "image", "host")
LIMIT = 1 << 20         # bytes read of a passwd file


class Owners:
    """Names of users and groups; numbers have themselves for names where none is known."""

    def __init__(self, choice: str = "numbers", lwp: Lwp | None = None) -> None:
        self._host = choice == "host"
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}
        if choice == "image" and lwp is not None:
            self._users = _table(lwp, b"/etc/passwd")
            self._groups = _table(lwp, b"/etc/group")

    def user(self, uid: int) -> str:
        """The name of a user, or the number."""
        name = self._users.get(uid)
        if name is None:
            name = self._users[uid] = (_host_user(uid) if self._host else None) or str(uid)
        return name

    def group(self, gid: int) -> str:
        """The name of a group, or the number."""
        name = self._groups.get(gid)
        if name is None:
            name = self._groups[gid] = (_host_group(gid) if self._host else None) or str(gid)
        return name


def _host_user(uid: int) -> str | None:
    try:
        from pwd import getpwuid

        return getpwuid(uid).pw_name
    except (ImportError, KeyError, OverflowError):
        return None


def _host_group(gid: int) -> str | None:
    try:
        from grp import getgrgid

        return getgrgid(gid).gr_name
    except (ImportError, KeyError, OverflowError):
        return None


def _table(lwp: Lwp, path: bytes) -> dict[int, str]:
    """Number -> name, of a file like passwd; empty if it cannot be read."""
    try:
        fd = lwp.open(path, abi.O_RDONLY)
    except OSError:
        return {}
    try:
        return parse(lwp.read(fd, LIMIT))
    except OSError:
        return {}
    finally:
        lwp.close(fd)


def parse(data: bytes) -> dict[int, str]:
    """The first name of each number; names that could harm a terminal are left out.

    >>> parse(b"root:x:0:0::/:/bin/sh\\ntoor:x:0::\\nbroken\\nbad\\x1b:x:5:\\nbin:*:1:")
    {0: 'root', 1: 'bin'}
    """
    names: dict[int, str] = {}
    for line in data.split(b"\n"):
        fields = line.decode("utf-8", "replace").split(":")
        if len(fields) > 2 and fields[0].isprintable() and fields[2].isascii() and fields[2].isdigit():
            names.setdefault(int(fields[2][:20]), fields[0])
    return names
