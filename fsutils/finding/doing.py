# SPDX-License-Identifier: BSD-2-Clause
"""What find does to files: -delete and -exec.

Programs of the host cannot see into images: -exec gives them copies, which lie in a directory for the time they run,
each under its path in the image.  What becomes of the copies does not matter to the image.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.running import call
from rump.fsutils.working_copy import copy_out
from rump.kernel import abi
from rump.kernel.vfs.volume import ALLOCATED, MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Command
    from rump.fsutils.copy.target import Watch
    from rump.fsutils.finding.expression import Words
    from rump.fsutils.finding.found import Found, Test
    from rump.kernel.lwps import Lwp

HERE = "{}"
FILES = 1000                # handed to one command at most, and
BYTES = 256 << 20           # so much that is in them


def delete(found: Found) -> bool:
    """Remove a file, or a directory that is empty.  Errors: Fault."""
    if found.inside.strip(b"/"):            # the root stays, as "." does elsewhere
        found.lwp.unlinkat(found.fd, found.at, abi.AT_REMOVEDIR if found.is_directory else 0)
    return True


def read_command(words: Words) -> tuple[list[str], bool]:
    """The words of a command up to ``;``, or ``{} +`` (then True).  Errors: UsageError."""
    taken: list[str] = []
    while (word := words.argument()) != ";":
        if word == "+" and taken and taken[-1] == HERE:
            if HERE in taken[:-1] or len(taken) < 2:
                raise words.wrong("+", "one {} before it, and a command before that")
            return taken[:-1], True
        taken.append(word)
    if not taken:
        raise words.wrong(";", "no command before it")
    return taken, False


class Copies:
    """Copies of files of one image, in a directory of their own."""

    def __init__(self) -> None:
        self._directory = os.fsencode(tempfile.mkdtemp(prefix="fsu-find-"))
        self.paths: list[str] = []
        self.size = 0

    def add(self, found: Found, watch: Watch) -> str:
        """Copy a file; the copy's path.  Errors: OSError."""
        if found.row[MODE] & abi.S_IFMT != abi.S_IFREG:
            raise OSError("no regular file; a command gets copies of regular files (-type f finds them)")
        path = os.path.join(self._directory, found.inside.strip(b"/"))
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        source = KernelSource(found.lwp)
        fd = source.open(found.fd, found.at, True)
        try:
            copy_out(source, fd, path, watch)
        finally:
            source.close(fd)
        self.paths.append(os.fsdecode(path))
        self.size += found.row[ALLOCATED]
        return self.paths[-1]

    def remove(self) -> None:
        """They are not needed any more."""
        shutil.rmtree(self._directory, ignore_errors=True)


class Each:
    """``-exec COMMAND ;``: true if the command succeeds."""

    def __init__(self, command: Command, words: list[str]) -> None:
        self._command = command
        self._words = words
        self._copies = any(HERE in word for word in words)

    def __call__(self, found: Found) -> bool:
        copies = Copies() if self._copies else None
        try:
            path = copies.add(found, self._command.session) if copies is not None else ""
            return _run(self._command, [word.replace(HERE, path) for word in self._words]) == 0
        finally:
            if copies is not None:
                copies.remove()


class Together:
    """``-exec COMMAND {} +``: always true; what the command fails with is our failure."""

    def __init__(self, command: Command, words: list[str]) -> None:
        self._command = command
        self._words = words
        self._copies: Copies | None = None
        self._lwp: Lwp | None = None

    def __call__(self, found: Found) -> bool:
        if self._copies is not None and found.lwp is not self._lwp:
            self.finish()
        if self._copies is None:
            self._copies, self._lwp = Copies(), found.lwp
        self._copies.add(found, self._command.session)
        if len(self._copies.paths) >= FILES or self._copies.size >= BYTES:
            self.finish()
        return True

    def finish(self) -> None:
        """Run the command on what was gathered.  Errors: OSError."""
        copies, self._copies = self._copies, None
        if copies is None:
            return
        try:
            if copies.paths and not self._command.interrupted and _run(self._command, [*self._words, *copies.paths]):
                self._command.status = 1
        finally:
            copies.remove()


def _run(command: Command, words: list[str]) -> int:
    """Run a command; its status.  Errors: OSError - it cannot be run."""
    try:
        return call(words, command.out)
    except OSError as error:
        raise OSError(error.errno, f"-exec {words[0]}: {error.strerror}") from None


def execute(command: Command, words: Words) -> tuple[Test, Together | None]:
    """-exec: its test, and what is to be finished when all is found."""
    taken, together = read_command(words)
    if not together:
        return Each(command, taken), None
    gathered = Together(command, taken)
    return gathered, gathered
