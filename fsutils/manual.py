# SPDX-License-Identifier: BSD-2-Clause
"""Print manual pages in the language of man(7), or write all of them to a directory.

Packages have them made when they are built: -o makes fsu.1, fsu-ls.1 and so on.  "fsu help" shows them.
"""

from __future__ import annotations

import argparse
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Command

OPERANDS = "[COMMAND ...]"
RELATED = ("help",)
EXAMPLES = """\
fsu manual -o /usr/local/share/man/man1
    Install all pages.

fsu manual ls | man -l -
    Read one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("-o", "--output", metavar="DIR", help="write files there; all pages unless some are named")
    add("--release", metavar="VERSION", help=argparse.SUPPRESS)
    add("commands", nargs="*", metavar="COMMAND", help="whose page; that of fsu itself unless given")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print, or write."""
    from rump.fsutils.main import VERBS

    names: list[str | None] = [*arguments.commands]
    for name in names:
        if name not in VERBS:
            from rump.fsutils.hints import unknown_command

            raise unknown_command(str(name), VERBS)
    release = version() if arguments.release is None else arguments.release
    if arguments.output is None:
        for name in names or [None]:
            command.out.write(source(name, release).encode())
        return 0
    for name in names or [None, *VERBS]:
        path = os.path.join(arguments.output, f"fsu-{name}.1" if name else "fsu.1")
        try:
            os.makedirs(arguments.output, exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(source(name, release))
        except OSError as error:
            command.fail(path, error)
    return command.status


def source(verb: str | None, release: str) -> str:
    """A page as man wants it; None: that of fsu."""
    from rump.fsutils.paging import roff
    from rump.fsutils.paging.document import page_of

    return roff.page(page_of(verb), release)


def version() -> str:
    """The version of what is installed; "" where nothing is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("rumpkernel")
    except PackageNotFoundError:
        return ""
