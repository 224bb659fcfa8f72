# SPDX-License-Identifier: BSD-2-Clause
"""Show the manual page of a command, or of fsu itself.

On a terminal man shows it, or $PAGER where there is no man; elsewhere it is printed as plain text.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "[COMMAND]"
RELATED = ("manual",)
EXAMPLES = """\
fsu help ls
    Show the page of ls.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command."""
    parser.add_argument("verb", nargs="?", metavar="COMMAND", help="whose page; that of fsu itself unless given")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show the page."""
    verb = arguments.verb
    if verb is not None:
        from rump.fsutils.manual import check

        check(verb)
    if command.out.is_terminal and _man(command, verb):
        return 0
    from rump.fsutils.paging.document import page_of
    from rump.fsutils.paging.plain import text

    width = min(_columns(), 100) - 2 if command.out.is_terminal else 78
    page = text(page_of(verb), width).encode()
    if not command.out.is_terminal:
        command.out.write(page)
        return 0
    from rump.fsutils.paging.pager import paged

    with paged(command) as other:
        other.out.write(page)
    return 0


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80


def _man(command: Command, verb: str | None) -> bool:
    """Have man show the page; whether it did."""
    import subprocess
    import tempfile
    from shutil import which

    from rump.fsutils.manual import file_name, source, version

    program = which("man")
    if program is None:
        return False
    command.out.flush()
    with tempfile.TemporaryDirectory(prefix="fsu-help-") as folder:
        path = os.path.join(folder, file_name(verb))
        with open(path, "w", encoding="ascii") as file:
            file.write(source(verb, version()))
        return subprocess.run([program, "-l", path], check=False).returncode == 0
