# SPDX-License-Identifier: BSD-2-Clause
"""The forms that tree has: lines, one JSON value, JSON Lines."""

from __future__ import annotations

from json import dumps

from rump.fsutils import attributes, sizes
from rump.fsutils.json_lines import KINDS, named
from rump.fsutils.json_lines import attributes as described
from rump.fsutils.json_lines import line as json_line
from rump.fsutils.listing.naming import Naming
from rump.kernel.vfs.volume import FILEID, GID, MODE, MTIME, SIZE, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Output
    from rump.fsutils.dates import Dates
    from rump.fsutils.owners import Owners
    from rump.kernel.vfs.volume import Attributes

_BOXES = tuple(text.encode() for text in ("├── ", "└── ", "│\u00a0\u00a0 ", "    "))
_ASCII = (b"|-- ", b"`-- ", b"|   ", b"    ")
_NAMES = {"character device": "char", "block device": "block", "symbolic link": "link"}     # those of tree(1)


def facts(row: Attributes, o: argparse.Namespace, owners: Owners, dates: Dates | None) -> bytes:
    """What is said of a file in brackets before its name; b"" if nothing is asked for."""
    words = []
    if o.inode:
        words.append(f"{row[FILEID]:7d}")
    if o.permissions:
        words.append(attributes.letters(row[MODE]))
    if o.user:
        words.append(f"{owners.user(row[UID]):8}")
    if o.group:
        words.append(f"{owners.group(row[GID]):8}")
    if o.size:
        words.append(f"{sizes.human(row[SIZE]):>4}" if o.human else f"{row[SIZE]:11d}")
    if dates is not None:
        words.append(dates[row[MTIME] // dates.step].decode("utf-8", "surrogateescape"))
    return f"[{' '.join(words)}]  ".encode("utf-8", "surrogateescape") if words else b""


class Drawing:
    """Draws entries as they come: each directory's, in order, between it and `leave`.

    facts   what to say of a file before its name
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._depth = 0
        self._directories = self._files = 0
        self.facts: Callable[[Attributes], bytes] = lambda row: b""

    def begin(self) -> None:
        """Nothing is drawn yet."""

    def top(self, path: bytes, row: Attributes, is_directory: bool) -> None:
        """Draw an operand."""
        raise NotImplementedError

    def entry(
        self, name: bytes, path: bytes, row: Attributes, last: bool, target: bytes | None, is_directory: bool
    ) -> None:
        """Draw an entry of a directory; the one behind the others is the `last`."""
        raise NotImplementedError

    def leave(self) -> None:
        """All of a directory is drawn."""
        self._depth -= 1

    def end(self) -> None:
        """All is drawn."""

    def _count(self, is_directory: bool) -> None:
        if is_directory:
            self._directories += 1
        else:
            self._files += 1


class Lines(Drawing):
    """Names behind lines."""

    def __init__(self, out: Output, o: argparse.Namespace, *, boxes: bool) -> None:
        super().__init__(out)
        self._options = o
        self._naming = Naming(o, out.is_terminal)
        self._strokes = _BOXES if boxes else _ASCII
        self._prefix: list[bytes] = []

    def top(self, path: bytes, row: Attributes, is_directory: bool) -> None:
        self._prefix = [b""]
        self._out.write(self.facts(row) + self._naming.one(path, row[MODE]) + b"\n")
        if not is_directory:
            self._count(False)

    def entry(
        self, name: bytes, path: bytes, row: Attributes, last: bool, target: bytes | None, is_directory: bool
    ) -> None:
        branch, final, trunk, nothing = self._strokes
        prefix = self._prefix[-1]
        arrow = self._naming.target(target) if target else b""
        shown = self._naming.one(path if self._options.full else name, row[MODE], arrow)
        lines = b"" if self._options.flat else prefix + (final if last else branch)
        self._out.write(lines + self.facts(row) + shown + b"\n")
        self._count(is_directory)
        if is_directory:
            self._prefix.append(prefix + (nothing if last else trunk))

    def leave(self) -> None:
        self._prefix.pop()

    def end(self) -> None:
        if self._options.no_report:
            return
        text = f"{self._directories} director{'y' if self._directories == 1 else 'ies'}"
        if not self._options.only_directories:
            text += f", {self._files} file{'' if self._files == 1 else 's'}"
        self._out.write(f"\n{text}\n".encode())


class JsonLines(Drawing):
    """An object for each file, as `ls --json` has it, with its depth."""

    def top(self, path: bytes, row: Attributes, is_directory: bool) -> None:
        self._depth = 0
        self._put(path, path, row, None)
        self._depth = 1

    def entry(
        self, name: bytes, path: bytes, row: Attributes, last: bool, target: bytes | None, is_directory: bool
    ) -> None:
        self._put(path, name, row, target)
        self._depth += is_directory

    def _put(self, path: bytes, name: bytes, row: Attributes, target: bytes | None) -> None:
        record = named("path", path) | named("name", name) | {"depth": self._depth} | described(row)
        if target is not None:
            record |= named("target", target)
        self._out.write(json_line(record))


class Nested(Drawing):
    """One JSON value: a list of the operands, what is in directories inside them, and how much it was."""

    def __init__(self, out: Output, o: argparse.Namespace) -> None:
        super().__init__(out)
        self._options = o
        self._first = [True]

    def begin(self) -> None:
        self._out.write(b"[")

    def top(self, path: bytes, row: Attributes, is_directory: bool) -> None:
        self._put(path, row, None, is_directory)
        if not is_directory:
            self._count(False)

    def entry(
        self, name: bytes, path: bytes, row: Attributes, last: bool, target: bytes | None, is_directory: bool
    ) -> None:
        self._put(path if self._options.full else name, row, target, is_directory)
        self._count(is_directory)

    def _put(self, name: bytes, row: Attributes, target: bytes | None, is_directory: bool) -> None:
        o = self._options
        kind = KINDS.get(row[MODE] & 0o170000, "unknown")
        record: dict[str, object] = {"type": _NAMES.get(kind, kind), **named("name", name)}
        if target is not None:
            record |= named("target", target)
        if o.inode:
            record["inode"] = row[FILEID]
        if o.permissions:
            record |= {"mode": f"{row[MODE] & 0o7777:04o}", "prot": attributes.letters(row[MODE])}
        if o.user:
            record["user"] = row[UID]
        if o.group:
            record["group"] = row[GID]
        if o.size:
            record["size"] = row[SIZE]
        if o.date:
            record["time"] = row[MTIME] // 10**9
        text = dumps(record, ensure_ascii=False, separators=(",", ":"))
        self._next()
        if is_directory:
            self._first.append(True)
            text = text[:-1] + ',"contents":['
        self._out.write(text.encode())

    def _next(self) -> None:
        """Begin a value on a line of its own."""
        self._out.write((b"" if self._first[-1] else b",") + b"\n" + b"  " * len(self._first))
        self._first[-1] = False

    def leave(self) -> None:
        empty = self._first.pop()
        self._out.write(b"]}" if empty else b"\n" + b"  " * len(self._first) + b"]}")

    def end(self) -> None:
        if not self._options.no_report:
            report = {"type": "report", "directories": self._directories}
            if not self._options.only_directories:
                report["files"] = self._files
            self._next()
            self._out.write(dumps(report, separators=(",", ":")).encode())
        self._out.write(b"\n]\n")
