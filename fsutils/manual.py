# SPDX-License-Identifier: BSD-2-Clause
"""Print manual pages in the language of man(7), or write all of them to a directory.

Packages have them made when they are built: -o makes fsu.1, fsu-ls.1, fsu_ls.1 and so on.  "fsu help" shows them.
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
    from rump.fsutils.paging.document import pages

    names: list[str | None] = [*arguments.commands]
    for name in arguments.commands:
        check(name)
    release = version() if arguments.release is None else arguments.release
    if arguments.output is None:
        for name in names or [None]:
            command.out.write(source(name, release).encode())
        return 0
    for name in names or [None, *pages()]:
        path = os.path.join(arguments.output, file_name(name))
        try:
            os.makedirs(arguments.output, exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(source(name, release))
        except OSError as error:
            command.fail(path, error)
    return command.status


def check(name: str) -> None:
    """Errors: UsageError - there is no page of that name."""
    from rump.fsutils.paging.document import pages

    if name not in (known := pages()):
        from rump.fsutils.hints import unknown_command

        raise unknown_command(name, known)


def source(name: str | None, release: str) -> str:
    """A page as man wants it; None: that of fsu."""
    from rump.fsutils.paging import roff
    from rump.fsutils.paging.document import page_of

    return roff.page(page_of(name), release)


def file_name(name: str | None) -> str:
    """What the file with a page is called.

    >>> file_name("ls"), file_name("fsu_ls"), file_name(None)
    ('fsu-ls.1', 'fsu_ls.1', 'fsu.1')
    """
    if name is None:
        return "fsu.1"
    return f"{name}.1" if name.startswith("fsu_") else f"fsu-{name}.1"


def version() -> str:
    """The version of what is installed; "" where nothing is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("rumpkernel")
    except PackageNotFoundError:
        return ""
