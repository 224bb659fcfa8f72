# SPDX-License-Identifier: BSD-2-Clause
"""How selected lines, counts and names of files are shown."""

from __future__ import annotations

import os

from rump.fsutils.names import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Output
    from rump.fsutils.searching.pattern import Pattern

_COLORS = {"ms": "01;31", "mc": "01;31", "sl": "", "cx": "", "fn": "35", "ln": "32", "bn": "32", "se": "36"}


def colors(setting: str) -> dict[str, bytes]:
    """GREP_COLORS, on top of what is usual.

    >>> colors("ms=1:fn=")["ms"], colors("mt=7")["mc"]
    (b'1', b'7')
    """
    found = dict(_COLORS)
    for item in setting.split(":"):
        key, equals, value = item.partition("=")
        if equals and all(c in "0123456789;" for c in value):
            found.update({"ms": value, "mc": value} if key == "mt" else {key: value})
    return {key: value.encode() for key, value in found.items()}


class Report:
    """Shows what was found in one file after the other.

    name   the file that lines are of
    """

    def __init__(self, out: Output, o: argparse.Namespace, pattern: Pattern, end: bytes) -> None:
        self._out = out
        self._pattern = pattern
        self._end = end
        self._numbers, self._offsets, self._only, self._invert = o.line_number, o.byte_offset, o.only, o.invert
        self._null = o.null
        self._context = o.before_context > 0 or o.after_context > 0
        self.names = False
        self.name = b""
        self._last = 0              # the number of the last line shown of this file
        self._any = False
        colored = o.color == "always" or (o.color == "auto" and out.is_terminal)
        self._colors = colors(os.environ.get("GREP_COLORS", "")) if colored else None

    def begin(self, name: bytes) -> None:
        """The lines to come are of this file."""
        self.name = escape(name) if self._out.is_terminal else name
        self._last = 0

    def line(self, line: bytes, number: int, offset: int, selected: bool) -> None:
        """Show a line, or what matches in it; it may lack its end."""
        if self._context and self._any and (not self._last or number > self._last + 1):
            self._out.write(self._paint("se", b"--") + b"\n")
        self._last, self._any = number, True
        line = line.removesuffix(self._end)
        mark = b":" if selected else b"-"
        if self._only:
            for start, end in self._pattern.spans(line) if selected != self._invert else ():
                if selected:
                    self._put(self._front(number, offset + start, mark) + self._paint("ms", line[start:end]))
            return
        if self._colors is not None and selected != self._invert:
            line = self._painted(line, "ms" if selected else "mc")
        self._put(self._front(number, offset, mark) + line)

    def count(self, count: int) -> None:
        """Show how many lines were selected."""
        self._put((self._file(b":") if self.names else b"") + b"%d" % count, b"\n")

    def file(self) -> None:
        """Show the file's name alone."""
        self._put(self._paint("fn", self.name), b"\0" if self._null else b"\n")

    def _put(self, text: bytes, end: bytes | None = None) -> None:
        self._out.write(text + (self._end if end is None else end))

    def _front(self, number: int, offset: int, mark: bytes) -> bytes:
        """What stands before a line."""
        front = self._file(mark) if self.names else b""
        if self._numbers:
            front += self._paint("ln", b"%d" % number) + self._paint("se", mark)
        if self._offsets:
            front += self._paint("bn", b"%d" % offset) + self._paint("se", mark)
        return front

    def _file(self, mark: bytes) -> bytes:
        return self._paint("fn", self.name) + (b"\0" if self._null else self._paint("se", mark))

    def _paint(self, what: str, text: bytes) -> bytes:
        color = self._colors.get(what, b"") if self._colors is not None else b""
        return b"\033[%bm\033[K%b\033[m\033[K" % (color, text) if color else text

    def _painted(self, line: bytes, what: str) -> bytes:
        """A line with its matches in colour."""
        pieces, at = [], 0
        for start, end in self._pattern.spans(line):
            pieces += [line[at:start], self._paint(what, line[start:end])]
            at = end
        return b"".join([*pieces, line[at:]])
