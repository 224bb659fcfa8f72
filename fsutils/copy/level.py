# SPDX-License-Identifier: BSD-2-Clause
"""The directories that a copy is inside of, outermost first."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.copy.source import Source
    from rump.fsutils.copy.target import Place, Target
    from rump.kernel.vfs.volume import Attributes

OPEN_LEVELS = 64        # directories kept open on either side; the kernel's and the host's limits are far above


class Level:
    """A directory being copied.

    fd, device, key   of the source; fd is -1 while closed
    place             of the target
    name              as it is called in the target; b"" for the top of the copy itself
    directories       those in it that are still to be copied, the next one last
    made              those of them that are in the target already, empty
    """

    __slots__ = ("attributes", "device", "directories", "fd", "key", "made", "name", "place")

    def __init__(
        self, fd: int, device: int, key: tuple[int, int], place: Place, name: bytes, attributes: Attributes
    ) -> None:
        self.fd = fd
        self.device = device
        self.key = key
        self.place = place
        self.name = name
        self.attributes = attributes
        self.directories: list[bytes] = []
        self.made: set[bytes] = set()


class Stack:
    """The levels; the outer ones of a deep tree are closed until we come back to them through `..`."""

    __slots__ = ("_source", "_target", "levels")

    def __init__(self, source: Source, target: Target) -> None:
        self._source = source
        self._target = target
        self.levels: list[Level] = []

    def names(self) -> tuple[bytes, ...]:
        """The path of the innermost directory below the top of the copy."""
        return tuple(level.name for level in self.levels if level.name)

    def push(self, level: Level) -> None:
        """Go into a directory."""
        self.levels.append(level)
        if len(self.levels) > OPEN_LEVELS and not self._source.follow:
            outer = self.levels[-1 - OPEN_LEVELS]
            if outer.fd >= 0:
                self._source.close(outer.fd)
                outer.fd = -1
                self._target.suspend(outer.place)

    def pop(self) -> None:
        """Go back to the directory outside.  Errors: it cannot be opened again."""
        inner = self.levels.pop()
        try:
            if self.levels and self.levels[-1].fd == -1:
                self._reopen(self.levels[-1], inner)
        finally:
            if inner.fd >= 0:
                self._source.close(inner.fd)
            self._target.close(inner.place)

    def _reopen(self, outer: Level, inner: Level) -> None:
        self._target.resume(outer.place, inner.place)
        outer.fd = self._source.above(inner.fd)

    def abandon(self) -> None:
        """Close all that is open."""
        while self.levels:
            level = self.levels.pop()
            if level.fd >= 0:
                self._source.close(level.fd)
            self._target.close(level.place)
