# SPDX-License-Identifier: BSD-2-Clause
"""Users and groups by name, where asked for: of the image (its own /etc/passwd and /etc/group) or of the host."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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


class Numbers:
    """The numbers of users and groups: as they are written, or by their names in the image or on the host."""

    def __init__(self, choice: str = "numbers", lwp: Lwp | None = None) -> None:
        self._choice = choice
        self._users: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        if choice == "image" and lwp is not None:
            for number, name in reversed(_table(lwp, b"/etc/passwd").items()):
                self._users[name] = number
            for number, name in reversed(_table(lwp, b"/etc/group").items()):
                self._groups[name] = number

    def check(self, user: str, group: str) -> None:
        """See to it that both are numbers, or nothing.  Errors: UsageError."""
        for text in (user, group):
            if text and _number(text) is None:
                raise UsageError(f"{text}: not a number; --names=image or --names=host takes names")

    def user(self, text: str) -> int:
        """The number of a user.  Errors: UsageError."""
        return self._find(text, self._users, "user", _host_uid)

    def group(self, text: str) -> int:
        """The number of a group.  Errors: UsageError."""
        return self._find(text, self._groups, "group", _host_gid)

    def _find(self, text: str, table: dict[str, int], what: str, ask: Callable[[str], int | None]) -> int:
        found = table.get(text)
        if found is None and self._choice == "host":
            found = ask(text)
        if found is None:
            found = _number(text)
        if found is None:
            raise UsageError(f"{text}: no such {what}")
        return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text[:11]) < 0xFFFFFFFF else None


def _host_uid(name: str) -> int | None:
    try:
        from pwd import getpwnam

        return getpwnam(name).pw_uid
    except (ImportError, KeyError):
        return None


def _host_gid(name: str) -> int | None:
    try:
        from grp import getgrnam

        return getgrnam(name).gr_gid
    except (ImportError, KeyError):
        return None


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
