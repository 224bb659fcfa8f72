# SPDX-License-Identifier: BSD-2-Clause
"""``fsu cp`` and ``fsu mv`` once their command lines are understood: where each operand goes."""

from __future__ import annotations

import os

from rump.fsutils.copy.engine import Copier
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.options import ALWAYS, NEVER
from rump.fsutils.copy.paths import below, is_stream, split
from rump.fsutils.copy.report import Refused
from rump.fsutils.copy.target import Interrupted
from rump.fsutils.names import escape
from rump.fsutils.operand import HOST, STDIO, matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.copy.changes import Changes
    from rump.fsutils.copy.options import Keep, Rules
    from rump.fsutils.copy.progress import Progress
    from rump.fsutils.copy.report import Say
    from rump.fsutils.copy.source import Source
    from rump.fsutils.copy.target import Place, Target
    from rump.fsutils.operand import Operand

PIECE = 1 << 20


class Copying:
    """The copies to one target.

    verbose    print what is copied
    progress   told how many bytes were; None: nobody asks
    changes    what the copies are to have instead of what the files have
    failures   how many things went wrong so far
    """

    def __init__(self, command: Command, target: Operand, keep: Keep, rules: Rules) -> None:
        self.command = command
        self.to = target
        self.keep = keep
        self.rules = rules
        self.verbose = False
        self.progress: Progress | None = None
        self.changes: Changes | None = None
        self.failures = 0
        self._links = LinkMap()
        self._top: tuple[Target, Place] | None = None       # where all operands go

    def copy(self, operands: list[Operand], *, into: bool, exactly: bool) -> None:
        """Copy operands.  `into`: the target must be a directory; `exactly`: it is the copy, whatever is there."""
        session = self.command.session
        try:
            session.writes_to(self.to)
            if self.to.image is not None:
                session.resolve(self.to)        # before the others: this one is mounted for writing
            elif self.to.text != STDIO and not self.to.text.startswith(HOST) and session.is_image(self.to.text):
                name = self.to.text
                raise Refused(f"an image; {name}:/ is a path in it, {HOST}{name} would replace it")
        except OSError as error:
            self.fail(self.to.shown, error)
            return
        operands = [match for operand in operands for match in matches(session, operand)]
        try:
            for operand in operands:
                if self.command.interrupted:
                    break
                self.operand(operand, into or len(operands) > 1, exactly)
        except Interrupted:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """All operands are copied."""
        if self._top is not None:
            self._top[0].close(self._top[1])
            self._top = None
        if self.progress is not None:
            self.progress.end()

    def operand(self, operand: Operand, into: bool, exactly: bool) -> None:
        """Copy one operand.  Errors: Interrupted."""
        try:
            source = self.source(operand)
        except OSError as error:
            self.fail(operand.text.encode("utf-8", "surrogateescape"), error)
            return
        try:
            self.to_target(operand, source, into, exactly)
        except OSError as error:
            self.fail(self.to.text.encode("utf-8", "surrogateescape"), error)

    def fail(self, path: bytes, error: BaseException | str) -> None:
        """Something was not copied."""
        self.failures += 1
        self.command.fail(path, error)

    def source(self, operand: Operand) -> Source:
        """What an operand is copied from.  Errors: OSError."""
        follow = self.rules.follow == ALWAYS
        source: Source
        if operand.image is None:
            from rump.fsutils.copy.host_source import HostSource

            source = HostSource(follow)
        else:
            from rump.fsutils.copy.kernel_source import KernelSource

            source = KernelSource(self.command.session.resolve(operand)[0], follow)
        source.change = self.changes or None
        return source

    def target(self, source: Source) -> Target:
        """What is copied to.  Errors: OSError."""
        if self.to.image is None:
            from rump.fsutils.copy.host import HostTarget

            return HostTarget(source, self.keep, self.command.session, self.progress)
        from rump.fsutils.copy.kernel import KernelTarget

        where = self.command.session.resolve(self.to)[0]
        return KernelTarget(source, self.keep, where, self.command.session, self.progress)

    def place(self, target: Target, origin: bytes, into: bool, exactly: bool) -> tuple[bytes, bytes | None]:
        """The directory of the target that the copy goes into, and its name there; without one it is the directory.

        Errors: OSError - there is no such place.
        """
        path = self.to.path
        if not exactly and target.is_directory(path):
            return path, split(origin)[1]
        if into:
            raise OSError("the target is no directory that is there")
        parent, name = split(path)
        if name is None:
            return path, None           # IMAGE:/ with -T
        if path.endswith(b"/") and not target.source.is_directory(origin):
            raise OSError("Not a directory")
        return parent, name

    def to_target(self, operand: Operand, source: Source, into: bool, exactly: bool) -> None:
        """Copy one operand whose source is at hand.  Errors: OSError - of the target."""
        if self.to.text == STDIO:
            if operand.text == STDIO:
                raise Refused("standard input as it is; cat copies it")
            self._stream(operand, source, self.command.out.write_through)
            return
        target = self.target(source)
        if self.to.image is None and not into and is_stream(self.to.path):
            with open(os.open(self.to.path, os.O_WRONLY), "wb", buffering=0) as out:
                self._stream(operand, source, lambda data: _write_all(out.fileno(), data))
            return
        directory, name = self.place(target, operand.path, into, exactly)
        if operand.image is None and (operand.text == STDIO or (not self.rules.recursive and is_stream(operand.path))):
            from rump.fsutils.copy.spool import spooled

            if operand.text == STDIO and directory == self.to.path:
                raise Refused("a directory; standard input has no name to have there")
            with spooled(operand) as operand:
                self._one(target, directory, name, operand, source)
        else:
            self._one(target, directory, name, operand, source)

    def _one(
        self, target: Target, directory: bytes, name: bytes | None, operand: Operand, source: Source
    ) -> None:
        self.check_room(operand, source, directory, name)
        self.run(target, directory, name, operand)

    def check_room(self, operand: Operand, source: Source, directory: bytes, name: bytes | None) -> None:
        """See whether there is room in the image for an operand.  Errors: NoRoom - there is not."""
        if self.to.image is None or not self.command.checks_room or self.command.session.options.force:
            return
        from rump.fsutils.copy.kernel_source import KernelSource
        from rump.fsutils.copy.space import check_room

        session = self.command.session
        lwp = session.resolve(self.to)[0]
        check_room(
            source, operand.path, self.rules.follow != NEVER, self.rules.recursive, lwp, KernelSource(lwp),
            directory if name is None else below(directory, name), session,
        )  # fmt: skip

    def run(self, target: Target, directory: bytes, name: bytes | None, operand: Operand) -> None:
        """Copy an operand to `name` in a directory of the target."""
        command = self.command
        shown = self.to.shown
        if name is not None and directory == self.to.path:
            shown = below(shown, name)
        fail: Say = self.fail
        copier = Copier(
            target, self.rules, fail, warn=command.warn, told=self._told if self.verbose else None,
            watch=command.session, links=self._links,
        )  # fmt: skip
        with target:
            if self._top is None:
                self._top = target, target.top(directory)
            copier.copy(operand.path, self._top[1], name, operand.shown, shown)

    def _told(self, source: bytes, target: bytes) -> None:
        self.command.out.write(b"'%b' -> '%b'\n" % (escape(source, also=b"'\\"), escape(target, also=b"'\\")))

    def _stream(self, operand: Operand, source: Source, write: Callable[[bytes], object]) -> None:
        """Write a file's contents to what is no file: a device, a pipe, standard output."""
        from rump.kernel.abi import AT_FDCWD

        try:
            fd = source.open(AT_FDCWD, operand.path, True)
        except OSError as error:
            self.fail(operand.shown, error)
            return
        try:
            at = 0
            while not self.command.interrupted and (data := self._read(operand, source, fd, at)):
                at += len(data)
                write(data)
        finally:
            source.close(fd)

    def _read(self, operand: Operand, source: Source, fd: int, at: int) -> bytes:
        try:
            return source.read(fd, PIECE, at)
        except OSError as error:
            self.fail(operand.shown, error)
            return b""


def _write_all(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view):]
