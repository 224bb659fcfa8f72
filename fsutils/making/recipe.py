# SPDX-License-Identifier: BSD-2-Clause
"""A file system to be made: of a type, with options, of a size given or found out, empty or filled."""

from __future__ import annotations

from rump.fsutils.command import Command
from rump.fsutils.copy.report import NoRoom
from rump.fsutils.errors import ImageError, UsageError, reason
from rump.fsutils.making import maker_of
from rump.fsutils.making.measure import smallest
from rump.fsutils.making.sizes import AUTO, Headroom, parse_size
from rump.fsutils.making.target import GROWN
from rump.fsutils.making.tree import Tree, tree_of
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure
    from rump.fsutils.making.target import Target
    from rump.fsutils.operand import Operand

ATTEMPTS = 8
SLACK, SLACK_SHARE = 16 << 10, 256      # bytes, and a share of what is needed, added when a size did not do


class Recipe:
    """What is to be made.

    kind      the type
    maker     what knows it
    options   the driver's
    tree      what goes in, or None
    """

    def __init__(self, kind: str, arguments: argparse.Namespace, tree: Tree | None = None) -> None:
        """`arguments`: of `common.add_options` and of the type's own.  `tree` goes in where they name none.

        Errors: UsageError.
        """
        self.kind = kind
        self.maker = maker_of(kind)
        self.options = self.maker.options(arguments)
        self.options |= self.maker.reproducible(self.options)
        self._headroom = Headroom(arguments.headroom or "0")
        self._auto = arguments.size == AUTO
        unit = "k" if getattr(arguments, "creates", False) else ""
        self._size = None if arguments.size is None or self._auto else parse_size(arguments.size, unit)
        if arguments.tree is None and tree is None and self._auto:
            raise UsageError("SIZE auto is for what -d TREE fills")
        if arguments.headroom and not self._auto:
            raise UsageError("--headroom goes with SIZE auto")
        self.tree = tree if arguments.tree is None else tree_of(arguments.tree, arguments)
        self._measure: Measure | None = None

    @property
    def _grows(self) -> bool:
        return self.maker.grows and (self._auto or self._size is None)

    def close(self) -> None:
        """Nothing more is made of it."""
        if self.tree is not None:
            self.tree.close()

    # ---- sizes -----------------------------------------------------------------------------------------------------

    def attempt(self, command: Command, target: Target) -> dict[str, str]:
        """What would be made; nothing is.  Errors: OSError."""
        size, options = self._sized(command, target, 0)
        return target.attempt(self.kind, self.options | options, size)

    def _sized(self, command: Command, target: Target, slack: int) -> tuple[int, dict[str, str]]:
        """The size, and options that go with it.  Errors: OSError - there is none, or the tree cannot be read."""
        if self._grows:
            return (GROWN[-1] if target.whole else target.room), {}
        if not self._auto:
            return self._fixed(target), {}

        def attempt(size: int, more: dict[str, str]) -> dict[str, str] | None:
            try:
                return target.attempt(self.kind, self.options | more, size)
            except Fault as error:
                if error.errno != e.ENOSPC:
                    raise
                return None

        def extra(need: int) -> int:
            return self._headroom.of(need) + ((1 << slack) - 1) * (SLACK + need // SLACK_SHARE)

        return smallest(self._measured(command), attempt, extra, self.maker.grain)

    def _fixed(self, target: Target) -> int:
        """The size where it need not be found out.  Errors: ImageError - there is none."""
        if self._size is not None:
            return self._size
        if not target.exists:
            raise ImageError("does not exist; with a SIZE it is created", e.ENOENT)
        return self.maker.usual_size(target.room)

    def _measured(self, command: Command) -> Measure:
        """The tree, counted."""
        if self._measure is None:
            assert self.tree is not None
            self._measure = self.maker.measure(self.options)
            try:
                self.tree.measure(command, self._measure)
            except OSError as error:
                raise ImageError(f"{self.tree.text}: {reason(error)}", error.errno or e.EIO) from error
        return self._measure

    # ---- making ----------------------------------------------------------------------------------------------------

    def make(self, command: Command, target: Target, operand: Operand) -> dict[str, str] | None:
        """Make it and fill it; what was made, None if nothing came of it.  `operand` is the target's root.

        `command` is told what could not be copied.  Where the size was found out and does not do after all, a larger
        one is tried.  Errors: OSError.
        """
        if self._auto:
            target.starts_over()
        lacking: list[object] = []
        for slack in range(ATTEMPTS):
            size, options = self._sized(command, target, slack)
            made = self._made(target, self.options | options, size)
            trial = Trial(command, self._auto and slack < ATTEMPTS - 1)
            try:
                if self.tree is not None:
                    self._fill(trial, operand)
                if self._grows:
                    self._cut(trial, target, operand)
            except BaseException:
                self._abandoned(command, target)
                raise
            if trial.patient and trial.lacking not in ([], lacking):
                lacking = trial.lacking         # if the same ones fail again, it is not for want of room
                command.session.close()
                target.starts_over()
                continue
            trial.tell()
            if trial.refused or command.session.interrupted:
                self._abandoned(command, target)
                return None
            return made
        raise AssertionError

    def _made(self, target: Target, options: dict[str, str], size: int) -> dict[str, str]:
        if self._grows:
            return target.make_growing(self.kind, options)
        return target.make(self.kind, options, size)

    def _fill(self, command: Trial, operand: Operand) -> None:
        """Mount it, copy the tree, and unmount it if it matters what comes of that."""
        session = command.session
        assert self.tree is not None
        if self.maker.grows:
            self._measured(command)
        session.writes_to(operand)
        usual = session.options.written
        session.options.written = usual | self.maker.mounting(self.options, self._measure)
        try:
            self.tree.fill(command, operand)
            if not session.interrupted:
                self.maker.settle(session.resolve(operand)[0], self.options)
            if command.patient or self.maker.grows:
                session.close()
        except OSError as error:
            command.fail(operand, error)
        finally:
            session.options.written = usual

    def _cut(self, command: Command, target: Target, operand: Operand) -> None:
        """Cut the file to what is used of it."""
        session = command.session
        session.release()
        stat = session.resolve(operand)[0].statvfs(b"/")
        session.close()
        target.cut(stat.f_blocks * stat.f_frsize)

    def _abandoned(self, command: Command, target: Target) -> None:
        """Nothing comes of it: an image that was not there goes."""
        try:
            command.session.release()
        except OSError:
            pass
        target.abandon()


class Trial(Command):
    """A command whose failures may not count: where there was no room, the next trial has more.

    patient   failures wait for `tell`
    lacking   what there was no room for
    refused   there is not room for all, and so nothing was copied
    """

    __slots__ = ("_command", "_failures", "checks_room", "lacking", "patient", "refused")

    def __init__(self, command: Command, patient: bool) -> None:
        super().__init__(command.program, command.session, command.out, command.errors)
        self._command = command
        self.patient = patient
        self.checks_room = not patient      # we know better than who guesses beforehand
        self.lacking: list[object] = []
        self.refused = False
        self._failures: list[tuple[str | bytes | Operand, BaseException | str, bool]] = []

    def fail(self, text: str | bytes | Operand, error: BaseException | str) -> None:
        self.refused = self.refused or isinstance(error, NoRoom)
        if getattr(error, "errno", 0) == e.ENOSPC:
            self.lacking.append(text)
        if self.patient:
            self._failures.append((text, error, True))
        else:
            self._command.fail(text, error)

    def warn(self, text: str | bytes | Operand, error: BaseException | str) -> None:
        if self.patient:
            self._failures.append((text, error, False))
        else:
            self._command.warn(text, error)

    def tell(self) -> None:
        """They do count."""
        for text, error, fails in self._failures:
            (self._command.fail if fails else self._command.warn)(text, error)
        self._failures.clear()
