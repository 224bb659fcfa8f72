# SPDX-License-Identifier: BSD-2-Clause
"""Print or check checksums of files, in images and on the host, SHA-256 unless told.

What it prints is what sha256sum, md5sum ... and, with --tag, the BSDs' sha256, md5 ... print, and read with -c.
An image without a path is summed as the file it is.  With -C names are below DIR: sums of a tree in an image can be
checked where it was copied to, and the other way round.
"""

from __future__ import annotations

import os

from rump.fsutils.contents import open_contents, shown_name
from rump.fsutils.digests import ALGORITHMS, digest, known, line, read_line
from rump.fsutils.names import shown
from rump.fsutils.operand import IMAGE, STDIO, expanded
from rump.fsutils.operand import parse as parse_operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents
    from rump.fsutils.operand import Operand

OPERANDS = "[FILE | IMAGE[@PARTITION]:/PATH ...]"
_LONGEST = 1 << 20          # bytes of a line with a checksum

_FLAGS = (
    ("-c", "--check", "check", "read lines with checksums from the operands, and check them"),
    ("-r", "--recursive", "recursive", "all files below directories, in the order of their names"),
    ("--tag", None, "tag", "lines as the BSDs have them"),
    ("-b", "--binary", "binary", "* before names, as the mark of binary files"),
    ("-z", "--zero", "zero", "lines end in a NUL byte, and nothing is escaped"),
    ("--json", None, "json", "a JSON object a line"),
    ("--ignore-missing", None, "ignore_missing", "-c: say nothing of files that are not there"),
    ("--quiet", None, "quiet", "-c: say nothing of files that are right"),
    ("--status", None, "silent", "-c: say nothing at all"),
    ("--strict", None, "strict", "-c: fail if a line is no checksum"),
    ("-w", "--warn", "warn", "-c: say which lines are no checksums"),
)

RELATED = ("diff",)
EXAMPLES = """\
fsu sum 'disk.img@1:/EFI/BOOT/*'
    Print checksums.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as those of sha256sum."""
    parser.add_argument("-a", "--algorithm", metavar="NAME", help=f"one of {', '.join(ALGORITHMS)}")
    parser.add_argument("-C", "--directory", metavar="DIR",
                        help="names are below this directory of the host or an image")  # fmt: skip
    for flag, long, name, text in _FLAGS:
        flags = (flag,) if long is None else (flag, long)
        parser.add_argument(*flags, dest=name, action="store_true", help=text)
    parser.add_argument("operands", nargs="*", help="files; - is standard input, as is none")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Sum or check each operand."""
    algorithm = None if arguments.algorithm is None else known(arguments.algorithm)
    place = Place(arguments.directory)
    if arguments.check:
        return Checker(command, arguments, algorithm, place).run(arguments.operands or [STDIO])
    _sum(command, arguments, algorithm or "sha256", place)
    return command.status


class Place:
    """What names are below: a directory of the host or an image, or nothing."""

    def __init__(self, top: str | None) -> None:
        self._prefix = ""
        if top is not None:
            plain = ":/" in top or os.path.isdir(top)
            directory = parse_operand(top if plain else IMAGE + top, image_by_default=False)
            self._prefix = os.fsdecode(directory.shown).rstrip("/") + "/"

    def text(self, name: str) -> str:
        """A name as an operand."""
        return self._prefix + name.lstrip("/") if self._prefix and name != STDIO else name

    def name(self, path: bytes) -> bytes:
        """What to call the file that an operand led to."""
        return path[len(os.fsencode(self._prefix)):]


def _sum(command: Command, o: argparse.Namespace, algorithm: str, place: Place) -> None:
    """Print checksums."""

    def show(path: bytes, _: bytes, opened: Callable[[], Contents]) -> None:
        with opened() as contents:
            values = digest(contents, [algorithm], lambda: command.interrupted)
        if values:
            _print(command, o, algorithm, values[0], path)

    for operand in expanded(command.session, map(place.text, o.operands or [STDIO]), image_by_default=False):
        try:
            if operand.text == STDIO:
                show(b"-", b"", lambda operand=operand: open_contents(command, operand))  # type: ignore[misc]
            elif o.recursive:
                from rump.fsutils.regular import each_file

                below = lambda path, name, opened: show(place.name(path), name, opened)  # noqa: E731
                each_file(command, operand, below, command.fail)
            else:
                name = place.name(operand.shown)
                show(name, b"", lambda operand=operand: open_contents(command, operand))  # type: ignore[misc]
        except OSError as error:
            command.fail(operand, error)
        if command.interrupted:
            return


def _print(command: Command, o: argparse.Namespace, algorithm: str, value: str, name: bytes) -> None:
    if o.json:
        from rump.fsutils import json_lines

        record = json_lines.named("path", name) | {"algorithm": algorithm, "digest": value}
        command.out.write(json_lines.line(record))
        return
    end = b"\0" if o.zero else b"\n"
    command.out.write(line(algorithm, value, name, tagged=o.tag, binary=o.binary, end=end))


class Checker:
    """Checks files against lines of checksums."""

    def __init__(self, command: Command, o: argparse.Namespace, algorithm: str | None, place: Place) -> None:
        self._command = command
        self._options = o
        self._algorithm = algorithm
        self._place = place
        self._wrong = self._unread = self._misread = 0

    def run(self, texts: list[str]) -> int:
        """Check what each operand lists.  The exit status."""
        command = self._command
        for operand in expanded(command.session, texts, image_by_default=False):
            self._wrong = self._unread = self._misread = 0
            try:
                checked = self._list(operand)
            except OSError as error:
                command.fail(operand, error)
                continue
            if command.interrupted:
                break
            self._close(shown(shown_name(operand)), checked)
        return command.status

    def _list(self, operand: Operand) -> int:
        """Check all lines of a list; how many were checksums.  Errors: OSError - the list cannot be read."""
        checked = 0
        with open_contents(self._command, operand) as contents:
            for number, text in enumerate(_lines(contents), 1):
                if self._command.interrupted:
                    break
                if not text or text.startswith(b"#"):
                    continue
                read = read_line(text, self._algorithm)
                if read is None:
                    self._misread += 1
                    if self._options.warn:
                        self._command.say(f"{shown(shown_name(operand))}: {number}: no line with a checksum")
                    continue
                checked += self._check(*read)
        return checked

    def _check(self, algorithm: str, value: str, name: bytes) -> int:
        """Check one file; how many were checked: 1, or 0 for one that was passed over."""
        command, o = self._command, self._options
        operand = parse_operand(self._place.text(os.fsdecode(name)), image_by_default=False)
        try:
            with open_contents(command, operand) as contents:
                values = digest(contents, [algorithm], lambda: command.interrupted)
        except FileNotFoundError as error:
            if not o.ignore_missing:
                self._failed(operand, name, error)
            return 0 if o.ignore_missing else 1
        except OSError as error:
            self._failed(operand, name, error)
            return 1
        if values and values[0] != value:
            self._wrong += 1
            command.status = 1
            self._tell(name, b"FAILED")
        elif values and not o.quiet:
            self._tell(name, b"OK")
        return 1

    def _failed(self, operand: Operand, name: bytes, error: OSError) -> None:
        self._unread += 1
        self._command.status = 1
        if not self._options.silent:
            self._command.fail(operand, error)
        self._tell(name, b"FAILED open or read")

    def _tell(self, name: bytes, result: bytes) -> None:
        if not self._options.silent:
            name = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") if b"\n" in name else name
            self._command.out.write(name + b": " + result + b"\n")

    def _close(self, name: str, checked: int) -> None:
        """What there is to say of a list as a whole."""
        command, o = self._command, self._options
        if not checked:
            command.status = 1
            if not o.silent:
                command.say(f"{name}: " + ("no file was verified" if o.ignore_missing and not self._misread else
                                           "no lines with checksums found"))  # fmt: skip
            return
        if self._misread and o.strict:
            command.status = 1
        if o.silent:
            return
        for count, text in (
            (self._misread, "line is no checksum|lines are no checksums"),
            (self._unread, "listed file could not be read|listed files could not be read"),
            (self._wrong, "computed checksum did NOT match|computed checksums did NOT match"),
        ):
            if count:
                command.say(f"WARNING: {count} {text.split('|')[count > 1]}")


def _lines(contents: Contents) -> Iterator[bytes]:
    """The lines of a list, without their ends; NUL bytes end them in one that has any.  Errors: OSError."""
    held, end = b"", b""
    while data := contents.read(1 << 16):
        held += data
        end = end or (b"\0" if b"\0" in held else b"\n")
        *lines, held = held.split(end)
        for text in lines:
            yield text.removesuffix(b"\r")
        if len(held) > _LONGEST:
            raise OSError("a line of more than 1 MiB; no list of checksums")
    if held:
        yield held.removesuffix(b"\r")
