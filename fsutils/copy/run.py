# SPDX-License-Identifier: BSD-2-Clause
"""``fsu cp`` once its command line is understood: where each operand goes."""

from __future__ import annotations

import os
from stat import S_ISDIR

from rump.fsutils.copy.engine import Copier
from rump.fsutils.copy.host import HostTarget
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.options import ALWAYS
from rump.fsutils.copy.paths import below, is_stream, split
from rump.fsutils.copy.source import Source
from rump.fsutils.copy.target import Interrupted
from rump.fsutils.names import escape
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Command
    from rump.fsutils.copy.options import Keep, Rules
    from rump.fsutils.copy.progress import Progress
    from rump.fsutils.copy.target import Place, Target
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

HOST_TO_HOST = "is on the host, as is the target: cp copies out of images (IMAGE:/PATH)"
FROM_HOST = "is on the host: copying into images is not there yet"
PIECE = 1 << 20


class Copying:
    """The copies to one target.

    verbose    print what is copied
    progress   told how many bytes were; None: nobody asks
    """

    def __init__(self, command: Command, target: Operand, keep: Keep, rules: Rules) -> None:
        self.command = command
        self.to = target
        self.keep = keep
        self.rules = rules
        self.verbose = False
        self.progress: Progress | None = None
        self._links = LinkMap()
        self._top: tuple[Target, Place] | None = None       # where all operands go

    def copy(self, operands: list[Operand], *, into: bool, exactly: bool) -> None:
        """Copy operands.  `into`: the target must be a directory; `exactly`: it is the copy, whatever is there."""
        try:
            for operand in operands:
                if self.command.interrupted:
                    break
                self._operand(operand, into or len(operands) > 1, exactly)
        except Interrupted:
            pass
        finally:
            if self._top is not None:
                self._top[0].close(self._top[1])
            if self.progress is not None:
                self.progress.end()

    def _operand(self, operand: Operand, into: bool, exactly: bool) -> None:
        if operand.image is None:
            self.command.fail(operand, HOST_TO_HOST if self.to.image is None else FROM_HOST)
            return
        try:
            lwp, origin = self.command.session.resolve(operand)
        except OSError as error:
            self.command.fail(operand, error)
            return
        try:
            self._to_target(operand, lwp, origin, into, exactly)
        except OSError as error:
            self.command.fail(self.to, error)

    def _to_target(self, operand: Operand, lwp: Lwp, origin: bytes, into: bool, exactly: bool) -> None:
        """Errors: OSError - of the target."""
        target = self._target(lwp)
        path = self.to.path
        if not exactly and target.is_directory(path):
            name = split(origin)[1]
            self._run(target, path, name, operand, origin)
        elif into:
            raise OSError("the target is no directory that is there")
        elif self.to.image is None and is_stream(path):
            self._stream(operand, lwp, origin)
        else:
            parent, name = split(path)
            if path.endswith(b"/") and not _is_directory(lwp, origin):
                raise OSError("Not a directory")
            self._run(target, parent, name, operand, origin)

    def _target(self, lwp: Lwp) -> Target:
        source = Source(lwp, follow=self.rules.follow == ALWAYS)
        if self.to.image is None:
            return HostTarget(source, self.keep, self.command.session, self.progress)
        from rump.fsutils.copy.kernel import KernelTarget

        where = self.command.session.resolve(self.to)[0]
        return KernelTarget(source, self.keep, where, self.command.session, self.progress)

    def _run(self, target: Target, directory: bytes, name: bytes | None, operand: Operand, origin: bytes) -> None:
        """Copy an operand to `name` in a directory of the target."""
        command = self.command
        shown = self.to.shown
        if name is not None and directory == self.to.path:
            shown = below(shown, name)
        copier = Copier(
            target, self.rules, command.fail, warn=command.warn, told=self._told if self.verbose else None,
            watch=command.session, links=self._links,
        )  # fmt: skip
        with target:
            if self._top is None:
                self._top = target, target.top(directory)
            copier.copy(origin, self._top[1], name, operand.shown, shown)

    def _told(self, source: bytes, target: bytes) -> None:
        self.command.out.write(b"'%b' -> '%b'\n" % (escape(source, also=b"'\\"), escape(target, also=b"'\\")))

    def _stream(self, operand: Operand, lwp: Lwp, origin: bytes) -> None:
        """Write a file's contents to what is no file: a device, a pipe, /dev/stdout."""
        fd = lwp.open(origin, abi.O_RDONLY)
        try:
            out = os.open(self.to.path, os.O_WRONLY)
            try:
                while not self.command.interrupted and (data := _read(self.command, operand, lwp, fd)):
                    view = memoryview(data)
                    while view:
                        view = view[os.write(out, view):]
            finally:
                os.close(out)
        finally:
            lwp.close(fd)


def _read(command: Command, operand: Operand, lwp: Lwp, fd: int) -> bytes:
    try:
        return lwp.read(fd, PIECE)
    except OSError as error:
        command.fail(operand, error)
        return b""


def _is_directory(lwp: Lwp, path: bytes) -> bool:
    try:
        return S_ISDIR(lwp.stat(path).st_mode)
    except OSError:
        return True             # the copy itself will say what is wrong
