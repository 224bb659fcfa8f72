# SPDX-License-Identifier: BSD-2-Clause
"""``--progress``: how much has been copied, on a terminal."""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

EVERY = 0.2             # seconds between two lines
MIB = 1 << 20


class Progress:
    """One line that is written over and over."""

    __slots__ = ("_bytes", "_due", "_file", "_shown")

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._bytes = 0
        self._due = monotonic() + EVERY
        self._shown = False

    def __call__(self, count: int) -> None:
        """So many bytes more."""
        self._bytes += count
        now = monotonic()
        if now >= self._due:
            self._due = now + EVERY
            self._file.write(f"\r{self._bytes / MIB:.1f} MiB copied\x1b[K")
            self._file.flush()
            self._shown = True

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            self._file.write("\r\x1b[K")
            self._file.flush()
            self._shown = False
