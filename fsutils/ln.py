# SPDX-License-Identifier: BSD-2-Clause
"""Make links inside images: hard links to files of the same image, or symbolic ones (-s) whose text is TARGET.

The last operand is the link, or a directory in which links of the targets' own names are made.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError
from rump.fsutils.mkdir import is_directory
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import below, quoted, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.kernel.lwps import Lwp

OPERANDS = "[-s] TARGET ... IMAGE[@PARTITION]:/PATH"
RELATED = ("cp", "readlink")
EXAMPLES = """\
fsu ln -s ../srv/data x.img:/data
    Make a symbolic link.

fsu ln x.img:/bin/busybox x.img:/bin/sh
    Make another name for a file.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ln."""
    add = parser.add_argument
    add("-s", "--symbolic", action="store_true", help="make symbolic links")
    add("-f", dest="replace", action="store_true", help="replace what is there")
    add("-i", "--interactive", action="store_true", help="ask before anything is replaced")
    add("-n", "-h", "--no-dereference", dest="no_follow", action="store_true",
        help="a symbolic link to a directory is no directory to make links in")  # fmt: skip
    add("-T", "--no-target-directory", dest="exactly", action="store_true", help="the last operand is the link itself")
    add("-L", "--logical", action="store_true", help="link to what a symbolic link leads to, not to the link")
    add("-v", "--verbose", action="store_true", help="print what is made")
    add("operands", nargs="+", help="targets, and where the links are to be")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make the links."""
    *targets, last = arguments.operands
    if not targets:
        raise UsageError(f"{last}: linked from where?")
    (link,) = written(command, [last])
    try:
        lwp, path = command.session.resolve(link)
        into = not arguments.exactly and is_directory(lwp, path) and not (arguments.no_follow and _is_link(lwp, path))
        if not into and (len(targets) > 1 or path.endswith(b"/")):
            raise fault(e.ENOTDIR)
    except OSError as error:
        command.fail(link, error)
        return command.status
    for text in targets:
        name = path.rstrip(b"/") + b"/" + os.fsencode(text).rstrip(b"/").rpartition(b"/")[2] if into else path
        try:
            target = os.fsencode(text) if arguments.symbolic else _within(command, text, lwp)
        except OSError as error:
            command.fail(text, error)
            continue
        try:
            if arguments.interactive and not _may_go(command, lwp, name, below(link, name)):
                continue
            _make(arguments, target, lwp, name)
        except OSError as error:
            command.fail(below(link, name), error)
            continue
        if arguments.verbose:
            arrow = b" -> " if arguments.symbolic else b" => "
            command.out.write(quoted(below(link, name)) + arrow + quoted(os.fsencode(text)) + b"\n")
    return command.status


def _make(arguments: argparse.Namespace, target: bytes, lwp: Lwp, name: bytes) -> None:
    """Make one link."""
    replace = arguments.replace or arguments.interactive
    if replace and not arguments.symbolic and _same(lwp, target, name):
        return
    if replace:
        try:
            lwp.unlink(name)
        except FileNotFoundError:
            pass
    if arguments.symbolic:
        symlink(lwp, target, name)
    else:
        lwp.linkat(abi.AT_FDCWD, target, abi.AT_FDCWD, name, abi.AT_SYMLINK_FOLLOW if arguments.logical else 0)


def _may_go(command: Command, lwp: Lwp, name: bytes, shown: bytes) -> bool:
    """Whether there is nothing of that name, or it may be replaced."""
    from rump.fsutils.asking import agreed

    try:
        lwp.lstat(name)
    except FileNotFoundError:
        return True
    return agreed(command, "replace", shown)


def symlink(lwp: Lwp, target: bytes, name: bytes) -> None:
    """Make a symbolic link whose mode is 777 whatever the umask, as on the systems that go by modes of links."""
    umask = lwp.umask(0)
    try:
        lwp.symlink(target, name)
    finally:
        lwp.umask(umask)


def _within(command: Command, text: str, lwp: Lwp) -> bytes:
    """The path of a hard link's target, which is in the same file system.  Errors: EXDEV; UsageError."""
    operand = parse_operand(text, image_by_default=True)
    other, path = command.session.resolve(operand)
    if other is not lwp:
        raise fault(e.EXDEV, text)
    lwp.lstat(path)
    return path


def _same(lwp: Lwp, target: bytes, name: bytes) -> bool:
    """Whether two paths are of one file already."""
    try:
        one, other = lwp.lstat(target), lwp.lstat(name)
    except FileNotFoundError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _is_link(lwp: Lwp, path: bytes) -> bool:
    return lwp.lstat(path).st_mode & abi.S_IFMT == abi.S_IFLNK
