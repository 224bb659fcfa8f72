# SPDX-License-Identifier: BSD-2-Clause
"""What goes into a partition: trees, archives, and single files at places of their own, one after the other."""

from __future__ import annotations

import os

from rump.fsutils.making.tree import DirectoryTree, Tree, tree_of
from rump.fsutils.operand import parse as parse_operand
from rump.kernel.abi import S_IFDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.disk_image.spec import Copy
    from rump.fsutils.making.measure import Measure
    from rump.fsutils.operand import Operand

_DIRECTORY = (0, 0, S_IFDIR | 0o755, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Contents(Tree):
    """Several things, in order."""

    def __init__(self, copies: list[Copy], arguments: argparse.Namespace) -> None:
        """`arguments`: of `copy.changes.add_options`."""
        super().__init__("", arguments)
        self._parts: list[Tree] = []
        for copy in copies:
            at_root = copy.target == "/" and (not os.path.isfile(copy.source) or _is_archive(copy.source))
            self._parts.append(
                tree_of(copy.source, arguments) if at_root else Placed(copy.source, copy.target, arguments)
            )

    def measure(self, command: Command, measure: Measure) -> None:
        for part in self._parts:
            part.measure(command, measure)

    def fill(self, command: Command, to: Operand) -> None:
        for part in self._parts:
            if not command.session.interrupted:
                part.fill(command, to)

    def close(self) -> None:
        for part in self._parts:
            part.close()


class Placed(Tree):
    """A file, or the contents of a directory, at a path of its own.  Directories on the way are made."""

    def __init__(self, source: str, target: str, arguments: argparse.Namespace) -> None:
        super().__init__(source, arguments)
        self._target = target
        self._operand = parse_operand(source, image_by_default=False)
        self._arguments = arguments

    def _is_directory(self, command: Command) -> bool:
        if self._operand.image is None:
            return os.path.isdir(self.text)
        lwp, path = command.session.resolve(self._operand)
        return lwp.stat(path).st_mode & S_IFDIR == S_IFDIR

    def _folders(self, is_directory: bool) -> list[bytes]:
        """The directories that must be there, the outermost first."""
        parts = [part for part in os.fsencode(self._target).split(b"/") if part]
        if not is_directory and not self._target.endswith("/"):
            parts = parts[:-1]
        return [b"/" + b"/".join(parts[: depth + 1]) for depth in range(len(parts))]

    def measure(self, command: Command, measure: Measure) -> None:
        is_directory = self._is_directory(command)
        for folder in self._folders(is_directory):
            above, _, name = folder.rpartition(b"/")
            measure.add((self, above), name, _DIRECTORY)
            measure.close((self, above))
        if is_directory:
            DirectoryTree(self.text, self._arguments).measure(command, measure)
            return
        from rump.fsutils.copy.host_source import HostSource
        from rump.fsutils.copy.kernel_source import KernelSource

        operand = self._operand
        source = HostSource() if operand.image is None else KernelSource(command.session.resolve(operand)[0])
        attributes = source.look(operand.path, True)[1]
        measure.add(self, os.path.basename(operand.path), attributes)
        measure.close(self)

    def fill(self, command: Command, to: Operand) -> None:
        from time import time_ns

        from rump.fsutils.copy.changes import read_options
        from rump.fsutils.copy.options import Rules, archive
        from rump.fsutils.copy.run import Copying
        from rump.fsutils.tracing import source_date_epoch

        is_directory = self._is_directory(command)
        self._make(command, to, is_directory)
        keep = archive()
        target = parse_operand(f"{to.volume}:{self._target}", image_by_default=True)
        copying = Copying(command, target, keep, Rules())
        copying.changes = changes = read_options(self._arguments, time_ns())
        changes.applied_to(keep)
        changes.epoch = source_date_epoch()
        source = self._operand
        if is_directory:
            source = parse_operand(self.text.rstrip("/") + "/.", image_by_default=False)
        copying.copy([source], into=is_directory or self._target.endswith("/"), exactly=False)

    def _make(self, command: Command, to: Operand, is_directory: bool) -> None:
        """Make the directories on the way that are not there, root's, with the usual permissions."""
        command.session.writes_to(to)
        lwp = command.session.resolve(to)[0]
        for folder in self._folders(is_directory):
            try:
                if lwp.stat(folder)[0]:
                    continue
            except FileNotFoundError:
                lwp.mkdir(folder, 0o755)


def _is_archive(path: str) -> bool:
    """Whether a file of the host is a tar archive, compressed perhaps."""
    from rump.fsutils.archive.members import Archive, errors

    try:
        with open(path, "rb") as file:
            next(iter(Archive(file).entries()), None)
    except errors():
        return False
    return True


