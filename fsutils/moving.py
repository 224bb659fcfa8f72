# SPDX-License-Identifier: BSD-2-Clause
"""``fsu mv`` once its command line is understood: a rename where that is possible, else a copy and a removal."""

from __future__ import annotations

import errno
import os
import shutil

from rump.fsutils.copy.options import NO_CLOBBER, UPDATE
from rump.fsutils.copy.paths import below, split
from rump.fsutils.copy.report import JUST_MADE, Refused, alike
from rump.fsutils.copy.run import Copying
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import STDIO
from rump.fsutils.removal import remove_tree
from rump.fsutils.writing import quoted
from rump.kernel.abi import S_IFDIR, S_IFMT
from rump.kernel.vfs.volume import MODE, MTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.asking import Agree
    from rump.fsutils.command import Command
    from rump.fsutils.copy.options import Keep, Rules
    from rump.fsutils.copy.source import Source
    from rump.fsutils.copy.target import Existing, Place, Target
    from rump.fsutils.operand import Operand


class Moving(Copying):
    """Moves to one target.

    agree  asked by its path whether a file may be replaced; None: it may
    """

    def __init__(self, command: Command, target: Operand, keep: Keep, rules: Rules) -> None:
        super().__init__(command, target, keep, rules)
        self.agree: Agree | None = None
        self._copied: list[tuple[Operand, Target]] = []

    def copy(self, operands: list[Operand], *, into: bool, exactly: bool) -> None:
        super().copy(operands, into=into, exactly=exactly)
        if self._copied and not self.command.interrupted:
            try:
                if self.command.session.options.sync:
                    self._copied[-1][1].sync()
            except OSError as error:
                self.fail(self.to.shown, error)
                return
            for operand, _ in self._copied:
                self._remove(operand)

    def to_target(self, operand: Operand, source: Source, into: bool, exactly: bool) -> None:
        if STDIO in (operand.text, self.to.text):
            raise UsageError("standard input and output cannot be moved; cp copies them")
        if split(operand.path)[1] is None:
            raise UsageError(f"{operand.text}: a directory without a name of its own cannot be moved")
        try:
            attributes = source.look(operand.path.rstrip(b"/"), False)[1]
        except OSError as error:
            self.fail(operand.shown, error)
            return
        target = self.target(source)
        directory, name = self.place(target, operand.path, into, exactly)
        if name is None:
            raise Refused("the root directory cannot be replaced")
        if self._top is None:
            self._top = target, target.top(directory)
        shown = below(self.to.shown, name) if directory == self.to.path else self.to.shown
        try:
            old = self._existing(target, self._top[1], name)
        except Refused as error:
            self.fail(shown, error)
            return
        existing = self.rules.existing
        if old is not None and (
            existing == NO_CLOBBER or (existing == UPDATE and old.mtime >= attributes[MTIME])
        ):
            return
        if old is not None and self.agree is not None and not self.agree(shown):
            return
        if self._renamed(operand, below(directory, name)):
            self._top[1].seen.add(name)
            target.note(self._top[1], name)
            if self.verbose:
                self._told(operand.shown, shown)
            return
        if old is not None and attributes[MODE] & S_IFMT == S_IFDIR:
            self._make_way(target, directory, name)
        self.check_room(operand, source, directory, name)
        failures = self.failures
        self.run(target, directory, name, operand)
        if self.failures == failures:
            self._copied.append((operand, target))

    def _existing(self, target: Target, place: Place, name: bytes) -> Existing | None:
        """What has the new name.  Errors: Refused - it was moved there just now."""
        old = target.existing(place, name)
        if old is None:
            return None
        if name in place.seen:
            raise Refused(JUST_MADE)
        twin = target.twin(place, name)
        if twin is not None:
            raise alike(twin)
        return old

    def _renamed(self, operand: Operand, to: bytes) -> bool:
        """Rename, if both are in one file system.  Errors: OSError."""
        if self.to.image is None and operand.image is None:
            try:
                os.rename(operand.path, to)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    return False
                raise
            return True
        if self.to.image is None or operand.image is None:
            return False
        session = self.command.session
        lwp, path = session.resolve(operand)
        if session.resolve(self.to)[0] is not lwp:
            return False
        lwp.rename(path.rstrip(b"/"), to)
        return True

    def _make_way(self, target: Target, directory: bytes, name: bytes) -> None:
        """A directory takes the place of an empty one only, as rename(2) has it.  Errors: OSError."""
        path = below(directory, name)
        if self.to.image is None:
            os.rmdir(path)
        else:
            self.command.session.resolve(self.to)[0].rmdir(path)

    def _remove(self, operand: Operand) -> None:
        """Remove what was copied."""
        path = operand.path.rstrip(b"/")
        try:
            if operand.image is not None:
                self._remove_inside(operand, path)
            elif os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except OSError as error:
            self.fail(operand.shown, error)
            return
        if self.verbose:
            self.command.out.write(b"removed " + quoted(operand.shown) + b"\n")

    def _remove_inside(self, operand: Operand, path: bytes) -> None:
        lwp = self.command.session.resolve(operand)[0]
        if lwp.lstat(path).st_mode & S_IFMT == S_IFDIR:
            remove_tree(lwp, path, operand.shown, self.command.session, self.fail)
        else:
            lwp.unlink(path)
