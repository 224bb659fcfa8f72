# SPDX-License-Identifier: BSD-2-Clause
"""Edit files inside images, with the editor that $VISUAL or $EDITOR names, or vi.

The editor gets a copy, named as the file is; if it was changed it takes the file's place at once, with its mode, owner
and extended attributes.  (A file of several names is written over instead: all of them mean the new contents.)
Nothing is written if the editor fails, or if the file in the image changed meanwhile.  A file that is not there is
made.  The exit status is the editor's, or 1.
"""

from __future__ import annotations

import os
import shlex

from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options
from rump.fsutils.running import call
from rump.fsutils.working_copy import WorkingCopy
from rump.fsutils.writing import OPERANDS, inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand

__all__ = ["OPERANDS", "add_arguments", "run"]

RELATED = ("write", "cat")
EXAMPLES = """\
fsu edit disk.img@rootfs:/etc/fstab
    Edit a file in the partition of that name.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-e", "--editor", metavar="COMMAND", help="the editor, with its options if need be")
    parser.add_argument("operands", nargs="+", help="files to edit, one after the other")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Edit each operand."""
    words = _editor(arguments.editor or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    for operand in inside(arguments.operands):
        if command.interrupted:
            break
        try:
            status = _edit(command, operand, words)
        except OSError as error:
            command.fail(operand, error)
            continue
        if status:
            command.say(f"{words[0]} ended with status {status}; nothing was written")
            return status
    return command.status


def _editor(text: str) -> list[str]:
    """The editor and its options.  Errors: UsageError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from None
    if not words:
        raise UsageError("no editor: $VISUAL or $EDITOR is blank")
    return words


def _edit(command: Command, operand: Operand, words: list[str]) -> int:
    """Have a file edited, and take it if it was changed; the editor's status.  Errors: OSError."""
    with WorkingCopy(command, operand, create=True) as copy:
        command.session.release()           # an editor may be open for long
        try:
            status = call([*words, os.fsdecode(copy.path)], command.out)
        except OSError as error:
            raise OSError(error.errno, f"editor {words[0]}: {error.strerror}") from None
        if not status:
            copy.put_back()
        return status
