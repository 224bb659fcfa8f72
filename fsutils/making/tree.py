# SPDX-License-Identifier: BSD-2-Clause
"""What a new file system is filled with: a directory, of the host or in an image, or an archive.

It is counted first if its size matters, then copied as `fsu cp -a TREE/. IMAGE:/` or `fsu tar -x` would.
"""

from __future__ import annotations

import os
import sys

from rump.fsutils.copy.source import SMALL, check_name
from rump.fsutils.operand import STDIO
from rump.fsutils.operand import parse as parse_operand
from rump.kernel.abi import S_IFDIR, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import ALLOCATED, MODE, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.copy.source import Source
    from rump.fsutils.making.measure import Measure, Pairs, Parts
    from rump.fsutils.operand import Operand
    from rump.kernel.vfs.volume import Attributes

CHANGES = ("owner", "map_uid", "map_gid", "mtime", "mode")


class Tree:
    """What goes in.  Derived classes know how."""

    def __init__(self, text: str, arguments: argparse.Namespace) -> None:
        """`arguments`: of `copy.changes.add_options`."""
        self.text = text
        self._changes = arguments

    def measure(self, command: Command, measure: Measure) -> None:
        """Count it.  Errors: OSError."""
        raise NotImplementedError

    def fill(self, command: Command, to: Operand) -> None:
        """Copy it into the root of a file system; `command` is told what could not be copied."""
        raise NotImplementedError

    def close(self) -> None:
        """It is not needed any more."""


def tree_of(text: str, arguments: argparse.Namespace) -> Tree:
    """What -d names: standard input and files are archives."""
    if text == STDIO or (os.path.isfile(text) and ":/" not in text):
        return ArchiveTree(text, arguments)
    return DirectoryTree(text, arguments)


class DirectoryTree(Tree):
    """A directory, with all that is below."""

    def __init__(self, text: str, arguments: argparse.Namespace) -> None:
        super().__init__(text, arguments)
        self._operand = parse_operand(text, image_by_default=False)

    def _source(self, command: Command) -> Source:
        if self._operand.image is None:
            from rump.fsutils.copy.host_source import HostSource

            return HostSource()
        from rump.fsutils.copy.kernel_source import KernelSource

        return KernelSource(command.session.resolve(self._operand)[0])

    def measure(self, command: Command, measure: Measure) -> None:
        from rump.fsutils.copy.space import directories

        source = self._source(command)
        root = True
        for fd, rows in directories(source, self._operand.path, True, command.session):
            if root:
                measure.begin(fd)
            for name, _, attributes in rows:
                if attributes is not None:
                    pairs, parts = _details(source, fd, name, attributes, measure)
                    measure.add(fd, name, attributes, pairs, parts)
            measure.close(fd, root)
            root = False

    def fill(self, command: Command, to: Operand) -> None:
        from time import time_ns

        from rump.fsutils.copy.changes import read_options
        from rump.fsutils.copy.options import Rules, archive
        from rump.fsutils.copy.run import Copying
        from rump.fsutils.tracing import source_date_epoch

        keep = archive()
        copying = Copying(command, to, keep, Rules())
        copying.changes = changes = read_options(self._changes, time_ns())
        changes.applied_to(keep)
        changes.epoch = source_date_epoch()
        contents = parse_operand(self.text.rstrip("/") + "/." if self.text.strip("/") else "/.", image_by_default=False)
        copying.copy([contents], into=False, exactly=False)


def _details(
    source: Source, fd: int, name: bytes, attributes: Attributes, measure: Measure
) -> tuple[Pairs, Parts]:
    """A file's extended attributes and where it has data, if anybody wants to know."""
    pairs: Pairs = ()
    parts: Parts = None
    try:
        check_name(name)
        if measure.wants_pairs:
            pairs = source.xattrs_of(fd, name)
        size = attributes[SIZE]
        sparse = size > SMALL and attributes[ALLOCATED] < size and attributes[MODE] & S_IFMT == S_IFREG
        if measure.wants_parts and sparse:
            opened = source.open(fd, name, False)
            try:
                parts = list(source.parts(opened, 0, size))
            finally:
                source.close(opened)
    except OSError:
        pass                    # the copy will say what is wrong
    return pairs, parts


class ArchiveTree(Tree):
    """An archive.  What comes from a pipe is put aside where it is read twice."""

    def __init__(self, text: str, arguments: argparse.Namespace) -> None:
        super().__init__(text, arguments)
        self._spool: str | None = None

    @property
    def _path(self) -> str:
        return self._spool or self.text

    def measure(self, command: Command, measure: Measure) -> None:
        from rump.fsutils.archive.members import Archive, Entry, errors

        self._put_aside()
        root: tuple[bytes, ...] = ()
        known = {root}
        measure.begin(root)
        try:
            with open(self._path, "rb") as file:
                for entry in Archive(file).entries():
                    if isinstance(entry, Entry) and entry.path:
                        _folders(measure, known, entry.path[:-1])
                        _member(measure, known, entry)
        except errors() as error:
            raise error if isinstance(error, OSError) else OSError(f"not a sound archive: {error}") from None
        for path in known:
            measure.close(path, path == root)

    def _put_aside(self) -> None:
        """Keep standard input in a file."""
        if self.text != STDIO or self._spool is not None:
            return
        from shutil import copyfileobj
        from tempfile import NamedTemporaryFile

        with NamedTemporaryFile(prefix="fsu-mkfs-", delete=False) as file:
            self._spool = file.name
            copyfileobj(sys.stdin.buffer, file, 1 << 20)

    def fill(self, command: Command, to: Operand) -> None:
        from rump.fsutils.archive.extraction import extract
        from rump.fsutils.tar import parse

        words = ["-x", "-f", self._path, "-C", os.fsdecode(to.shown)]
        arguments = parse(words)
        for name in CHANGES:
            setattr(arguments, name, getattr(self._changes, name))
        extract(command, arguments)

    def close(self) -> None:
        if self._spool is not None:
            os.unlink(self._spool)
            self._spool = None


def _folders(measure: Measure, known: set[tuple[bytes, ...]], path: tuple[bytes, ...]) -> None:
    """Count directories that no member describes."""
    for depth in range(1, len(path) + 1):
        if path[:depth] not in known:
            known.add(path[:depth])
            measure.add(path[: depth - 1], path[depth - 1], (0, 0, S_IFDIR, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))


def _member(measure: Measure, known: set[tuple[bytes, ...]], entry: object) -> None:
    """Count a member."""
    from rump.fsutils.archive.members import Entry

    assert isinstance(entry, Entry)
    above, name = entry.path[:-1], entry.path[-1]
    if entry.attributes[MODE] & S_IFMT == S_IFDIR:
        _folders(measure, known, entry.path)
        return
    attributes = entry.attributes
    if entry.link is not None and measure.links:
        measure.name(above, name)
        return
    if entry.target:
        attributes = (0, 0, attributes[MODE], 1, 0, 0, 0, len(entry.target), 0, 0, 0, 0, 0, 0)
    measure.add(above, name, attributes, entry.pairs, entry.ranges)
