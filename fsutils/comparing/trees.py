# SPDX-License-Identifier: BSD-2-Clause
"""Going through two trees side by side, in the order of names."""

from __future__ import annotations

from rump.fsutils.comparing.files import File, attribute_differences, same_contents
from rump.fsutils.copy.paths import below
from rump.fsutils.subject import KINDS
from rump.kernel.abi import S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import MODE, RDEV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.copy.source import Source
    from rump.kernel.vfs.volume import Attributes

    Key: TypeAlias = tuple[int, int]

KEPT = 100              # levels whose directories stay open


class Rules:
    """How to compare.

    recursive   directories with all that is below
    brief       only whether files differ
    absent      a file that is missing is an empty one
    same        say of files, too, that they are identical
    around      lines around changes, for the unified form; -1 for the other one
    attributes  which attributes are compared, too
    excluded    told a name; whether it is left out
    """

    __slots__ = ("absent", "around", "attributes", "brief", "excluded", "recursive", "same")

    def __init__(self) -> None:
        self.recursive = self.brief = self.absent = self.same = False
        self.around = -1
        self.attributes: tuple[str, ...] = ()
        self.excluded: Callable[[bytes], bool] = lambda name: False


class Side:
    """A directory of one tree, open; fd is -1 while it is closed, or where there is none."""

    __slots__ = ("fd", "shown", "there")

    def __init__(self, fd: int, shown: bytes, there: bool) -> None:
        self.fd = fd
        self.shown = shown
        self.there = there


class Comparison:
    """One run of diff.

    differ  whether any difference was found
    """

    def __init__(self, command: Command, rules: Rules, sources: tuple[Source, Source], heading: str) -> None:
        self.differ = False
        self._command = command
        self._rules = rules
        self._sources = sources
        self._heading = heading.encode()
        self._seen: tuple[set[Key], set[Key]] = set(), set()
        self._levels: list[tuple[Side, Side, Iterator[tuple[bytes, Attributes | None, Attributes | None]]]] = []

    # ---- trees -----------------------------------------------------------------------------------------------------

    def trees(self, one: File, other: File) -> None:
        """Compare two directories.  Errors: OSError - one cannot be read."""
        self._attributes(one, other)
        self._enter((one, other))
        try:
            while self._levels and not self._command.interrupted:
                self._next()
        finally:
            while self._levels:
                self._close(self._levels.pop())

    def _next(self) -> None:
        """Compare the next entry of the innermost directory, or leave it."""
        left, right, entries = self._levels[-1]
        entry = next(entries, None)
        if entry is None:
            self._leave()
            return
        name, a, b = entry
        one, other = (
            row and File(source, side.fd, name, row, below(side.shown, name))
            for source, side, row in zip(self._sources, (left, right), (a, b), strict=True)
        )
        try:
            self._entry(left, right, name, one, other)
        except OSError as error:
            self._command.fail(below((left if one else right).shown, name), error)

    def _entry(self, left: Side, right: Side, name: bytes, one: File | None, other: File | None) -> None:
        present = one or other
        assert present is not None
        if one is None or other is None:
            if not self._rules.absent:
                self._say(b"Only in %b: %b", (left if one else right).shown, name)
                return
            if present.kind == S_IFDIR and self._rules.recursive:
                self._enter((one, other), below(left.shown, name), below(right.shown, name))
            elif present.kind == S_IFREG:
                self._absent(one, other, below(left.shown, name), below(right.shown, name))
            else:
                self._say(b"Only in %b: %b", (left if one else right).shown, name)
        elif one.kind == other.kind == S_IFDIR:
            if self._rules.recursive:
                self._attributes(one, other)
                self._enter((one, other))
            else:
                self._command.out.write(b"Common subdirectories: %b and %b\n" % (one.shown, other.shown))
        else:
            self.files(one, other)

    def _enter(self, pair: tuple[File | None, File | None], *shown: bytes) -> None:
        """Go into directories, of which one may be missing.  Errors: OSError."""
        sides: list[Side] = []
        listed: list[dict[bytes, Attributes]] = []
        try:
            for index, file in enumerate(pair):
                if file is None:
                    sides.append(Side(-1, shown[index], False))
                    listed.append({})
                    continue
                fd, key, _ = file.source.open_directory(file.fd, file.name, file.fd < 0)
                sides.append(Side(fd, file.shown, True))
                if key in self._seen[index]:
                    raise OSError("this directory was met before; the file system is damaged")
                self._seen[index].add(key)
                listed.append(self._rows(file, fd))
        except BaseException:
            for source, side in zip(self._sources, sides, strict=False):
                if side.fd >= 0:
                    source.close(side.fd)
            raise
        one, other = listed
        names = sorted({*one, *other})
        entries = ((name, one.get(name), other.get(name)) for name in names if not self._rules.excluded(name))
        self._levels.append((sides[0], sides[1], entries))
        if len(self._levels) > KEPT:
            self._close(self._levels[-KEPT - 1])

    def _rows(self, file: File, fd: int) -> dict[bytes, Attributes]:
        """The entries of a directory.  Errors: OSError."""
        found: dict[bytes, Attributes] = {}
        for rows in file.source.rows(fd):
            for name, _, known in rows:
                try:
                    found[name] = file.source.attributes(fd, name, known)
                except OSError as error:
                    self._command.fail(below(file.shown, name), error)
        return found

    def _leave(self) -> None:
        """Go back to the directories above, which may have to be opened again."""
        gone = self._levels.pop()
        try:
            if self._levels:
                for source, side, inner in zip(self._sources, self._levels[-1], gone, strict=False):
                    if isinstance(side, Side) and isinstance(inner, Side) and side.there and side.fd < 0:
                        side.fd = source.above(inner.fd)
        finally:
            self._close(gone)

    def _close(self, level: tuple[Side, Side, object]) -> None:
        for source, side in zip(self._sources, level[:2], strict=True):
            if isinstance(side, Side) and side.fd >= 0:
                source.close(side.fd)
                side.fd = -1

    # ---- files -----------------------------------------------------------------------------------------------------

    def files(self, one: File, other: File) -> None:
        """Compare two files that are not both directories.  Errors: OSError."""
        if one.kind != other.kind:
            self._say(b"File %b is a %b while file %b is a %b", one.shown, _kind(one), other.shown, _kind(other))
            return
        before = self.differ
        self.differ = False
        if one.kind == S_IFREG:
            self._regular(one, other)
        elif one.kind == S_IFLNK:
            if one.source.readlink(one.fd, one.name) != other.source.readlink(other.fd, other.name):
                self._say(b"Symbolic links %b and %b differ", one.shown, other.shown)
        elif one.kind in (S_IFCHR, S_IFBLK) and one.row[RDEV] != other.row[RDEV]:
            self._say(b"Device nodes %b and %b differ", one.shown, other.shown)
        self._attributes(one, other)
        if self._rules.same and not self.differ:
            self._command.out.write(b"Files %b and %b are identical\n" % (one.shown, other.shown))
        self.differ |= before

    def _regular(self, one: File, other: File) -> None:
        if same_contents(one, other, lambda: self._command.interrupted):
            return
        texts = (None, None) if self._rules.brief else (one.text(), other.text())
        if texts[0] is None or texts[1] is None:
            self._say(b"Files %b and %b differ" if self._rules.brief else b"Binary files %b and %b differ",
                      one.shown, other.shown)  # fmt: skip
        else:
            self._lines((one, one.shown, texts[0]), (other, other.shown, texts[1]))

    def _absent(self, one: File | None, other: File | None, left: bytes, right: bytes) -> None:
        """Compare a file with one that is missing."""
        texts = [b"" if file is None or self._rules.brief else file.text() for file in (one, other)]
        if self._rules.brief or None in texts:
            self._say(b"Files %b and %b differ" if self._rules.brief else b"Binary files %b and %b differ", left, right)
        else:
            self._lines((one, left, texts[0] or b""), (other, right, texts[1] or b""))

    def _lines(self, one: tuple[File | None, bytes, bytes], other: tuple[File | None, bytes, bytes]) -> None:
        """Show the lines that differ."""
        from rump.fsutils.comparing import lines

        self.differ = True
        out = self._command.out
        if self._levels:
            out.write(b"%b %b %b\n" % (self._heading, one[1], other[1]))
        a, b = lines.split(one[2]), lines.split(other[2])
        if self._rules.around < 0:
            shown = lines.normal(a, b)
        else:
            out.write(b"--- %b\t%b\n+++ %b\t%b\n" % (one[1], _date(one[0]), other[1], _date(other[0])))
            shown = lines.unified(a, b, self._rules.around)
        for line in shown:
            out.write(line)

    def _attributes(self, one: File, other: File) -> None:
        if self._rules.attributes:
            found = attribute_differences(one, other, self._rules.attributes)
            if found:
                self._say(b"Attributes of %b and %b differ: %b", one.shown, other.shown, "; ".join(found).encode())

    def _say(self, form: bytes, *values: bytes) -> None:
        """A difference."""
        self.differ = True
        self._command.out.write(form % values + b"\n")


def _kind(file: File) -> bytes:
    return KINDS.get(file.row[MODE] & S_IFMT, "file of unknown type").encode()


def _date(file: File | None) -> bytes:
    from rump.fsutils.dates import full
    from rump.kernel.vfs.volume import MTIME

    return full(0 if file is None else file.row[MTIME]).encode()
