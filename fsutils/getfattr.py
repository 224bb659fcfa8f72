# SPDX-License-Identifier: BSD-2-Clause
"""Show extended attributes of files inside images: their names, with -d their values too.

Files are called as they are below the root of the image, so that setfattr --restore takes the output for another image
or, of attr(1), for a copy; with --absolute-names by their full operands.
"""

from __future__ import annotations

from rump.fsutils.attributed import add_options, each_found, names_of, path_of, value_of
from rump.fsutils.errors import UsageError
from rump.fsutils.finding.walk import NEVER
from rump.fsutils.xattr_text import BASE64, HEX, TEXT, encode, heading, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."
RELATED = ("setfattr", "getfacl")
EXAMPLES = """\
fsu getfattr -d -m - x.img:/usr/bin/ping
    Show all extended attributes with their values.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of getfattr(1)."""
    add = parser.add_argument
    add("-n", "--name", metavar="NAME", help="this attribute and its value")
    add("-d", "--dump", action="store_true", help="values too")
    add("-m", "--match", default="^user[.]", metavar="PATTERN",
        help="attributes whose names match an extended regular expression, not user ones only; - is all")  # fmt: skip
    add("-e", "--encoding", choices=(TEXT, HEX, BASE64), help="the form of values")
    add("-h", "--no-dereference", dest="no_follow", action="store_true", help="symbolic links themselves")
    add("--only-values", action="store_true", help="values as they are, and nothing else")
    add("--absolute-names", action="store_true", help="files by their full operands, IMAGE:/PATH")
    add("--json", action="store_true", help="a JSON object a line for each attribute, values in base 64")
    add_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show each operand's attributes."""
    wanted = _matcher(arguments.match)
    if arguments.no_follow:
        arguments.follow = NEVER

    def show(found: Found) -> bool:
        names = [arguments.name.encode("utf-8", "surrogateescape")] if arguments.name is not None else [
            name for name in names_of(found) if wanted(name)]  # fmt: skip
        _show(command, arguments, found, names)
        return True

    return each_found(command, arguments, show)


def _matcher(pattern: str) -> Callable[[bytes], object]:
    """Whether the name of an attribute is asked for.  Errors: UsageError."""
    if pattern == "-":
        return lambda name: True
    from rump.fsutils.searching.pattern import EXTENDED, Pattern

    try:
        return Pattern([pattern], EXTENDED).search
    except ValueError as error:
        raise UsageError(f"{pattern}: {error}") from None


def _show(command: Command, o: argparse.Namespace, found: Found, names: list[bytes]) -> None:
    """Show attributes of one file."""
    path, lines = path_of(found, o.absolute_names), []
    for name in names:
        value = b""
        if o.name is not None or o.dump or o.only_values or o.json:
            try:
                value = value_of(found, name)
            except OSError as error:
                command.fail(found.path + b": " + name, error)
                continue
        if o.only_values:
            command.out.write(value)
        elif o.json:
            command.out.write(_json(found.path, name, value))
        else:
            shown = b"=" + encode(value, o.encoding) if o.name is not None or o.dump else b""
            lines.append(quote(name, b"=") + shown + b"\n")
    if lines:
        command.out.write(heading(path) + b"".join(lines) + b"\n")


def _json(path: bytes, name: bytes, value: bytes) -> bytes:
    from rump.fsutils import json_lines

    shown = encode(value, BASE64)[2:].decode()
    return json_lines.line({
        **json_lines.named("path", path), **json_lines.named("name", name), "value_b64": shown,
    })  # fmt: skip
