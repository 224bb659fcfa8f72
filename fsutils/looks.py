# SPDX-License-Identifier: BSD-2-Clause
"""What cat shows besides a file's bytes as they are: parts of it, line numbers, marks for what does not print."""

from __future__ import annotations

from rump.fsutils.amounts import parse, signed
from rump.fsutils.contents import PIECE, open_contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents
    from rump.fsutils.operand import Operand

_FEW = 32               # different bytes that are replaced one after the other, not byte by byte
_TAB, _NEWLINE, _DELETE = 9, 10, 127


def mark(byte: int) -> bytes:
    """A byte as ``cat -vT`` shows it.

    >>> mark(65), mark(9), mark(127), mark(0xc3), mark(0x89), mark(0xff)
    (b'A', b'^I', b'^?', b'M-C', b'M-^I', b'M-^?')
    """
    if byte >= 128:
        return b"M-" + mark(byte - 128)
    return b"^?" if byte == _DELETE else bytes([byte]) if byte >= 32 else b"^" + bytes([byte + 64])


class Printer:
    """Shows files as the options say.  Lines are numbered through all of them."""

    def __init__(self, command: Command, o: argparse.Namespace) -> None:
        self._out = command.out
        self._command = command
        self._sign, self._offset = ("", 0) if o.offset is None else signed(o.offset)
        self._length = None if o.length is None else parse(o.length)
        self._squeeze = o.squeeze
        self._number, self._number_nonblank = o.number and not o.number_nonblank, o.number_nonblank
        self._ends = o.ends or o.all_marks or o.ends_and_marks
        marks = o.marks or o.all_marks or o.ends_and_marks or o.tabs_and_marks
        tabs = o.tabs or o.all_marks or o.tabs_and_marks
        self._marks = marks
        self._table = [
            mark(byte) if byte != _NEWLINE and (tabs if byte == _TAB else marks) else bytes([byte])
            for byte in range(256)
        ] if marks or tabs else None  # fmt: skip
        self._to_mark = frozenset(byte for byte, shown in enumerate(self._table or ()) if len(shown) > 1)
        self._by_line = self._squeeze or self._number or self._number_nonblank or (self._ends and not marks)
        self._line = 0
        self._blank = 0             # empty lines in a row so far
        self._inside = False        # in the middle of a line
        self._held = b""            # a carriage return that may be before a newline

    def show(self, operand: Operand) -> None:
        """Show a file.  Errors: OSError."""
        with open_contents(self._command, operand) as contents:
            if contents.size >= 0:
                self._range(contents)
            else:
                self._stream(contents)
        if self._held:
            self._put_line(self._held)
            self._held = b""

    def _range(self, contents: Contents) -> None:
        """The wanted part of a file that has a size."""
        size = contents.size
        at = max(0, size - self._offset) if self._sign == "-" else self._offset
        end = size if self._length is None else min(size, at + self._length)
        while at < end and not self._command.interrupted:
            data = contents.read_at(min(PIECE, end - at), at)
            if not data:
                break
            self._put(data)
            at += len(data)

    def _stream(self, contents: Contents) -> None:
        if self._sign == "-":
            raise OSError("an offset from the end of what has none")
        skip, left = self._offset, 1 << 63 if self._length is None else self._length
        while left > 0 and not self._command.interrupted and (data := contents.read(PIECE)):
            piece = data[skip : skip + left]
            skip = max(0, skip - len(data))
            left -= len(piece)
            self._put(piece)

    def _put(self, data: bytes) -> None:
        if self._by_line:
            data = self._held + data
            self._held = b"\r" if self._ends and data.endswith(b"\r") else b""
            for line in _lines(data[: len(data) - len(self._held)]):
                self._put_line(line)
        elif self._ends:
            self._out.write(self._marked(data).replace(b"\n", b"$\n"))
        else:
            self._out.write(self._marked(data))

    def _put_line(self, line: bytes) -> None:
        """A line, or a part of one."""
        ended = line.endswith(b"\n")
        if not self._inside:
            blank = line == b"\n"
            self._blank = self._blank + 1 if blank else 0
            if self._squeeze and self._blank > 1:
                return
            if self._number or (self._number_nonblank and not blank):
                self._line += 1
                self._out.write(b"%6d\t" % self._line)
        self._inside = not ended
        if ended:
            body = line[:-1]
            if self._ends and not self._marks and body.endswith(b"\r"):
                self._out.write(self._marked(body[:-1]) + b"^M$\n")
                return
            self._out.write(self._marked(body) + (b"$\n" if self._ends else b"\n"))
        else:
            self._out.write(self._marked(line))

    def _marked(self, data: bytes) -> bytes:
        """Bytes with their marks, which are made of bytes that have none."""
        table = self._table
        if table is None:
            return data
        marked = sorted(self._to_mark.intersection(data))
        if len(marked) > _FEW:
            return b"".join(map(table.__getitem__, data))
        for byte in marked:
            data = data.replace(bytes([byte]), table[byte])
        return data


def _lines(data: bytes) -> list[bytes]:
    """Lines with the newlines that end them."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
