# SPDX-License-Identifier: BSD-2-Clause
"""Names for images, from ``~/.fsurc``: ``name:path:type[:mntopts[:puffsexec]]`` a line, ``#`` begins a comment."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError

FILE = "~/.fsurc"
LIMIT = 1 << 20         # bytes read of it


class Alias:
    """A line of the file.

    type     of the file system, "" if it is to be found out
    options  as behind -o
    """

    __slots__ = ("name", "options", "path", "type")

    def __init__(self, name: str, path: str, kind: str, options: str) -> None:
        self.name = name
        self.path = path
        self.type = kind
        self.options = options


def find(name: str) -> Alias | None:
    """The alias of that name; None if there is none.  Errors: UsageError - a line that is none."""
    try:
        with open(os.path.expanduser(FILE), encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(LIMIT)
    except OSError:
        return None
    for number, line in enumerate(text.split("\n"), 1):
        alias = parse(line, f"{FILE}: line {number}")
        if alias is not None and alias.name == name:
            return alias
    return None


def parse(line: str, where: str) -> Alias | None:
    """Read a line; None if there is nothing on it.  Errors: UsageError.

    >>> alias = parse("cd:~/cd.iso:cd9660:nojoliet  # the installer", "")
    >>> alias.name, alias.path == os.path.expanduser("~/cd.iso"), alias.type, alias.options
    ('cd', True, 'cd9660', 'nojoliet')
    """
    line = line.split("#")[0].strip()
    if not line:
        return None
    fields = [field.strip() for field in line.split(":")]
    if not 3 <= len(fields) <= 5 or not fields[0] or not fields[1]:
        raise UsageError(f"{where}: not name:path:type[:mntopts[:puffsexec]]")
    if len(fields) == 5 and fields[4]:
        raise UsageError(f"{where}: puffs servers are not supported")
    return Alias(fields[0], os.path.expanduser(fields[1]), fields[2], fields[3] if len(fields) > 3 else "")
