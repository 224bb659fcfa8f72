# SPDX-License-Identifier: BSD-2-Clause
"""Set or remove extended attributes of files inside images.

VALUE is text, in quotes or not, with backslashes before quotes, backslashes and octal digits; or 0x and hexadecimal
digits; or 0s and base 64.  --restore takes what getfattr -d wrote; its files are below the operand, or they are full
operands themselves (--absolute-names).
"""

from __future__ import annotations

import os

from rump.fsutils.contents import open_contents
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import Operand
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, make_parser, with_values
from rump.fsutils.writing import OPERANDS, each, each_match, written
from rump.fsutils.xattr_text import decode, read_dump

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents
    from rump.kernel.lwps import Lwp

__all__ = ["OPERANDS", "add_arguments", "run"]

RELATED = ("getfattr",)
EXAMPLES = """\
fsu setfattr -n user.origin -v backup x.img:/srv/data
    Set an extended attribute.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of setfattr(1)."""
    add = parser.add_argument
    add("-n", "--name", metavar="NAME", help="set this attribute")
    add("-v", "--value", metavar="VALUE", help="to this; without it the value is empty")
    add("-x", "--remove", metavar="NAME", help="remove this attribute")
    add("-h", "--no-dereference", dest="no_follow", action="store_true", help="symbolic links themselves")
    add("--raw", action="store_true", help="VALUE is what it is, nothing in it is special")
    add("--restore", metavar="FILE", help="set what FILE says, host or IMAGE:/PATH; - is standard input")
    add("operands", nargs="*", metavar="operand", help="files; of --restore, the directory they are in")
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; a value may begin with a dash."""
    parser = make_parser("setfattr", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_values(arguments, ("-v", "--value")))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Change each operand."""
    o = arguments
    if sum(given is not None for given in (o.name, o.remove, o.restore)) != 1:
        raise UsageError("one of -n, -x and --restore")
    if o.restore is not None:
        return _restore(command, o.restore, o.operands, o.no_follow)
    if not o.operands:
        raise UsageError("of which files?")
    name = os.fsencode(o.name if o.name is not None else o.remove)
    value = _value(o)

    def change(lwp: Lwp, path: bytes, operand: Operand) -> None:
        if o.remove is not None:
            (lwp.lremovexattr if o.no_follow else lwp.removexattr)(path, name)
        else:
            (lwp.lsetxattr if o.no_follow else lwp.setxattr)(path, name, value)

    return each_match(command, written(command, o.operands), change)


def _value(o: argparse.Namespace) -> bytes:
    if o.value is None:
        return b""
    text = os.fsencode(o.value)
    if o.raw:
        return text
    try:
        return decode(text)
    except ValueError as error:
        raise UsageError(f"{o.value}: {error}") from None


def _restore(command: Command, source: str, texts: list[str], no_follow: bool) -> int:
    """Set what a dump says; the exit status."""
    if len(texts) > 1:
        raise UsageError("--restore takes one directory")
    operand = parse_operand(source, image_by_default=False)
    if operand.image is not None and texts:
        command.session.writes_to(parse_operand(texts[0], image_by_default=True))
    try:
        with open_contents(command, operand) as contents:
            rows = list(read_dump(_lines(contents)))
    except (OSError, ValueError) as error:
        command.fail(operand, error)
        return command.status
    if not rows:
        return command.status
    files = {path: _file(path, texts) for path, _, _ in rows}
    for file in files.values():
        command.session.writes_to(file)
    for path, name, value in rows:

        def change(lwp: Lwp, path: bytes, _: Operand, name: bytes = name, value: bytes = value) -> None:
            (lwp.lsetxattr if no_follow else lwp.setxattr)(path, name, value)

        each(command, [files[path]], change)
    return command.status


def _file(path: bytes, texts: list[str]) -> Operand:
    """The file that a dump means.  Errors: UsageError - it is not in an image."""
    text = os.fsdecode(path)
    if texts:
        text = f"{(texts[0] if ':/' in texts[0] else texts[0] + ':/').rstrip('/')}/{text.lstrip('/')}"
    operand = parse_operand(text, image_by_default=False)
    if operand.image is None:
        raise UsageError(f"{text}: not inside an image; name the directory it is in")
    return operand


def _lines(contents: Contents) -> Iterator[bytes]:
    held = b""
    while data := contents.read(1 << 16):
        *lines, held = (held + data).split(b"\n")
        yield from lines
    if held:
        yield held
