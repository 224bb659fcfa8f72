# SPDX-License-Identifier: BSD-2-Clause
"""Mount options: how files look that the formats say nothing of."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

ZONE_MAX = 24 * 60 - 1      # minutes


class Options:
    """What every FAT has.

    uid, gid     owner of all files                              -o uid=1000, gid=1000
    mask         permissions of files, 0644 if not given         -o mask=755   (octal)
    dirmask      those of directories; if not given, 0755, or mask with search where it has read
    tz           minutes the clock that wrote the times was ahead of UTC       -o tz=+02:00, or tz=120
    """

    def __init__(self, driver: str, given: dict[str, str]) -> None:
        """Errors: EINVAL - an option there is not, or its value."""
        self.driver = driver
        self.uid = self.gid = self.tz = 0
        self.mask, self.dirmask = 0o644, -1
        for name, value in given.items():
            if not self.take(name, value):
                raise fault(e.EINVAL, f"{driver}: option {name}{'=' if value else ''}{value}")
        if self.dirmask < 0:
            self.dirmask = 0o755 if "mask" not in given else self.mask | (self.mask & 0o444) >> 2

    def take(self, name: str, value: str) -> bool:
        """Take one option; whether there is such a one.  Drivers that have more derive.  Errors: EINVAL"""
        if name in ("uid", "gid"):
            setattr(self, name, self.number(name, value, 10, (1 << 32) - 1))
        elif name in ("mask", "dirmask"):
            setattr(self, name, self.number(name, value, 8, 0o777))
        elif name == "tz":
            self.tz = self.zone(value)
        else:
            return False
        return True

    def number(self, name: str, value: str, base: int, most: int) -> int:
        """A number from 0 to `most`.  Errors: EINVAL"""
        try:
            number = int(value, base) if value.isascii() and value.isdigit() else -1
        except ValueError:
            number = -1
        if not 0 <= number <= most:
            raise fault(e.EINVAL, f"{self.driver}: option {name}={value}")
        return number

    def zone(self, value: str) -> int:
        """Minutes from "[+-]HH:MM" or "[+-]minutes".  Errors: EINVAL"""
        digits = value.lstrip("+-") if len(value) - len(value.lstrip("+-")) < 2 else ""
        hours, colon, minutes = digits.partition(":")
        if colon:
            count = self.number("tz", hours, 10, 23) * 60 + self.number("tz", minutes, 10, 59)
        else:
            count = self.number("tz", digits, 10, ZONE_MAX)
        return -count if value.startswith("-") else count
