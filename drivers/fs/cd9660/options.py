# SPDX-License-Identifier: BSD-2-Clause
"""Mount options."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

NAME_SPACES = ("rockridge", "joliet", "enhanced", "plain")
SWITCHES = {
    "norrip": ("rock_ridge", False),
    "nojoliet": ("joliet", False),
    "nomaplcase": ("lower_case", False),
    "rrcaseins": ("ignore_case", True),
    "gens": ("generations", True),
    "extatt": ("extended_attributes", True),
    "associated": ("associated", True),
    "nocompress": ("compressed", False),
    "boot": ("boot", True),
}
NUMBERS = {"uid": (10, (1 << 32) - 1), "gid": (10, (1 << 32) - 1), "mask": (8, 0o7777), "dirmask": (8, 0o7777)}
SESSION_MAX = 1 << 16
SECTOR_MAX = (1 << 32) - 1


class Options:
    """How a volume is mounted: by the names of NetBSD's mount_cd9660 where it has them.

    names                -o names=rockridge, joliet, enhanced, plain; None: the best there is, in this order
    rock_ridge, joliet   -o norrip, nojoliet: not those
    lower_case           -o nomaplcase: plain names as they are, in capitals
    ignore_case          -o rrcaseins: names mean the same in capitals, whatever name space is used
    generations          -o gens: all generations of a file, with their version number ("a.txt;2")
    extended_attributes  -o extatt: owners and permissions from extended attribute records
    associated           -o associated: associated files, as "=name"
    compressed           -o nocompress: files of zisofs as they lie there
    boot                 -o boot: the boot images of El Torito in a directory "[BOOT]"
    uid, gid             -o uid=1000, gid=1000: the owner of all files; None: Rock Ridge's, or else 0
    mask, dirmask        -o mask=644: the most permissions files have, in octal; directories, if dirmask is not given,
                         the same with search where it has read
    session              -o session=2: that session, counted from 1; 0: the last
    sector               -o sb=32: the session that begins at this sector; -1: by `session`
    """

    def __init__(self, given: dict[str, str]) -> None:
        """Errors: EINVAL - an option there is not, or its value."""
        self.names: str | None = None
        self.rock_ridge = self.joliet = self.lower_case = self.compressed = True
        self.ignore_case = self.generations = self.extended_attributes = self.associated = self.boot = False
        self.uid: int | None = None
        self.gid: int | None = None
        self.mask = self.dirmask = 0o7777
        self.session, self.sector = 0, -1
        for name, value in given.items():
            self._take(name, value)
        if "dirmask" not in given and "mask" in given:
            self.dirmask = self.mask | (self.mask & 0o444) >> 2

    def _take(self, name: str, value: str) -> None:
        if name in SWITCHES and not value:
            setattr(self, *SWITCHES[name])
        elif name in NUMBERS:
            setattr(self, name, _number(name, value, *NUMBERS[name]))
        elif name == "names" and value in NAME_SPACES:
            self.names = value
        elif name == "session":
            self.session = _number(name, value, 10, SESSION_MAX)
        elif name == "sb":
            self.sector = _number(name, value, 10, SECTOR_MAX)
        else:
            raise fault(e.EINVAL, f"cd9660: option {name}{'=' if value else ''}{value}")


def _number(name: str, value: str, base: int, most: int) -> int:
    """A number from 0 to `most`."""
    try:
        number = int(value, base) if value.isascii() and value.isdigit() else -1
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise fault(e.EINVAL, f"cd9660: option {name}={value}")
    return number
