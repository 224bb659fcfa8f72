# SPDX-License-Identifier: BSD-2-Clause
"""What a copy has to say: which path of which side went wrong, and how."""

from __future__ import annotations

from rump.fsutils.names import shown
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.copy.level import Stack
    from rump.fsutils.copy.target import Complaint

    Say: TypeAlias = Callable[[bytes, BaseException | str], None]
    Told: TypeAlias = Callable[[bytes, bytes], None]

LOOP = "a directory inside itself, or with two names; not copied again"
TWICE = "the directory holds this name twice; only the first was copied"
JUST_MADE = "will not overwrite what was just made of another file"
ALIKE = "will not overwrite '{}', just made: to this file system the two names are one"
NO_DIRECTORY = "cannot overwrite a directory with what is none"
NO_CONTENTS = "a device or pipe in an image has no contents; -R copies it as what it is"
OMITTED = "is a directory; -R copies it"
UNKNOWN_TYPE = "a file of an unknown type"
_OF_THE_TARGET = {e.ENOSPC, e.EFBIG, e.EDQUOT}


class BadSource(OSError):
    """There is something in the source that we will not copy."""


class Refused(OSError):
    """We will not do that to the target."""


class NoRoom(Refused):
    """Not all of it would fit, and so nothing was begun."""


def alike(name: bytes) -> Refused:
    """The error for a file whose name means another one that this copy made, as `name`."""
    return Refused(ALIKE.format(shown(name)))


class Report:
    """Puts the paths to errors.

    source, target   how the user calls what is being copied and what becomes of it; names below are added to them
    fail, warn       told a path and what went wrong there
    told             told both paths of what was copied; None: nobody asks
    """

    def __init__(self, stack: Stack, fail: Say, warn: Say | None, told: Told | None) -> None:
        self.source = b""
        self.target = b""
        self._stack = stack
        self._fail = fail
        self._warn = warn
        self._said: set[str] = set()
        self.told = told

    def failed(self, error: Exception, name: bytes | None = None) -> None:
        """An entry of the innermost directory (or that itself) was not copied."""
        is_source = isinstance(error, BadSource) or (isinstance(error, Fault) and error.errno not in _OF_THE_TARGET)
        self._fail(self._path(self.source if is_source else self.target, name), error)

    def complain(self, complaints: list[Complaint], name: bytes | None = None) -> None:
        """An entry was copied, but not with all that belongs to it."""
        for complaint in complaints:
            if not complaint.once:
                self._fail(self._path(self.target, name), complaint.error)
            elif str(complaint.error) not in self._said:
                self._said.add(str(complaint.error))
                if self._warn is not None:
                    self._warn(self._path(self.target, name), complaint.error)
        complaints.clear()

    def copied(self, name: bytes | None = None) -> None:
        """An entry was copied."""
        if self.told is not None:
            self.told(self._path(self.source, name), self._path(self.target, name))

    def made(self, name: bytes) -> bytes:
        """What an entry of the innermost directory is called in the target."""
        return self._path(self.target, name)

    def _path(self, base: bytes, name: bytes | None) -> bytes:
        below = [level.name for level in self._stack.levels[1:]]
        if name is not None and self._stack.levels:
            below.append(name)
        if not below:
            return base
        return base + (b"" if base.endswith(b"/") else b"/") + b"/".join(below)
