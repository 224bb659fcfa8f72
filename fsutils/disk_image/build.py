# SPDX-License-Identifier: BSD-2-Clause
"""Making a disk image: sizes first, then the tables, then what is in the partitions.

All goes into a file beside the one that is wanted, which takes its name when everything is done.
"""

from __future__ import annotations

import os

from rump.fsutils import mkfs
from rump.fsutils.command import Command
from rump.fsutils.copy.host_source import HostSource
from rump.fsutils.disk_image.contents import Contents
from rump.fsutils.disk_image.layout import Layout
from rump.fsutils.errors import ImageError, UsageError
from rump.fsutils.making import KINDS
from rump.fsutils.making.recipe import Recipe
from rump.fsutils.making.target import Target
from rump.fsutils.operand import Operand
from rump.kernel.dev.partitions import encode
from rump.kernel.dev.partitions.types import type_made
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.disk_image.spec import DiskSpec, PartitionSpec
    from rump.kernel.dev.partitions import Partition

PIECE = 1 << 20
_LABELS = {"ext2fs": "-L", "msdosfs": "-n", "exfat": "-L", "cd9660": "-V"}


class Build:
    """The making of one image.

    layout   where everything goes, once that is known
    """

    def __init__(self, command: Command, spec: DiskSpec, path: str) -> None:
        self._command = command
        self._spec = spec
        self._path = path
        self._identities = _Identities()
        self._scratch: dict[int, str] = {}      # a partition's number in the specification -> a file with its contents
        self._folder = os.path.dirname(os.path.abspath(path))
        self.layout: Layout | None = None

    def plan(self) -> Layout:
        """Lay the disk out.  Errors: UsageError, OSError."""
        spec = self._spec
        if spec.table == "none" and len(spec.partitions) != 1:
            raise UsageError("table: without one, there is one partition: all of the image")
        if spec.table == "none" and spec.partitions[0].start:
            raise UsageError("table: without one, the partition starts at 0")
        self.layout = Layout(spec, self._needs, self._identities.guid)
        return self.layout

    def run(self) -> None:
        """Make it.  What goes wrong with files is said to the command.  Errors: UsageError, OSError."""
        from tempfile import mkstemp

        try:
            layout = self.layout or self.plan()
            descriptor, work = mkstemp(prefix=f".{os.path.basename(self._path)}.", dir=self._folder)
            try:
                try:
                    self._write_tables(descriptor, layout)
                finally:
                    os.close(descriptor)
                for index, (part, row) in enumerate(zip(self._spec.partitions, layout.rows, strict=True)):
                    self._fill(work, index, part, row)
                self._finish(work)
            finally:
                if os.path.exists(work):
                    os.unlink(work)
        finally:
            self.close()

    def close(self) -> None:
        """Remove what was put aside."""
        while self._scratch:
            os.unlink(self._scratch.popitem()[1])

    def _finish(self, work: str) -> None:
        """The image is complete, if nothing went wrong: it gets its name, and the permissions of a new file."""
        command = self._command
        command.session.release()
        if command.status or command.interrupted:
            return
        mask = os.umask(0o077)
        os.umask(mask)
        os.chmod(work, 0o666 & ~mask)
        if command.session.options.sync:
            with open(work, "rb") as file:
                os.fsync(file.fileno())
        os.replace(work, self._path)

    # ---- sizes -------------------------------------------------------------------------------------------------------

    def _needs(self, part: PartitionSpec) -> int:
        """How many bytes a partition takes for what is in it, which is put aside."""
        if part.file:
            return os.path.getsize(part.file)
        from tempfile import mkstemp

        descriptor, path = mkstemp(prefix=f".{os.path.basename(self._path)}.", dir=self._folder)
        os.close(descriptor)
        os.unlink(path)
        self._make(part, Operand(path, path, None, b"/"), ["auto", f"--headroom={part.headroom}"], 0)
        if self._command.status or not os.path.exists(path):
            raise ImageError(f"{part.where}: could not be made")
        self._scratch[self._spec.partitions.index(part)] = path
        return os.path.getsize(path)

    # ---- partitions --------------------------------------------------------------------------------------------------

    def _fill(self, work: str, index: int, part: PartitionSpec, row: Partition) -> None:
        """Put a partition's contents into its place."""
        if self._command.interrupted or self._command.status:
            return
        if part.file:
            self._copy(part, part.file, work, row)
        elif index in self._scratch and KINDS.get(part.format) != "msdosfs":
            self._copy(part, self._scratch[index], work, row)
        elif part.format:
            selector = None if self._spec.table == "none" else str(row.number)
            self._make(part, Operand(work, work, selector, b"/"), [], row.start)

    def _make(self, part: PartitionSpec, operand: Operand, size: list[str], start: int) -> None:
        """Make a file system, and fill it."""
        kind = KINDS.get(part.format, "")
        words = ["-t", part.format, *part.mkfs, *part.changes]
        if part.label:
            if kind not in _LABELS:
                raise UsageError(f"{part.where}: label: nobody knows how {part.format} is told its label; use mkfs")
            words += [_LABELS[kind], part.label]
        if kind == "msdosfs" and start:
            words += ["-h", str(start // self._spec.sector_size)]
        try:
            arguments = mkfs.parse([*words, operand.volume, *[word for word in size if word == "auto"],
                                    *[word for word in size if word != "auto"]])  # fmt: skip
        except UsageError as error:
            raise UsageError(f"{part.where}: {error}") from None
        tree = Contents(part.contents, arguments)
        recipe = Recipe(part.format, arguments, tree)
        recipe.options |= self._identities.of_file_system(recipe, arguments, part)
        told = _Told(self._command, operand, self._path)
        try:
            target = Target(told.session, operand.image or "", operand.partition)
            recipe.make(told, target, operand)
            told.session.release()
        except OSError as error:
            told.fail(operand, error)
        finally:
            recipe.close()
            self._command.status |= told.status

    def _copy(self, part: PartitionSpec, source: str, work: str, row: Partition) -> None:
        """Copy a file of the host to a partition's place; what is a hole there stays one."""
        size = os.path.getsize(source)
        if size > row.size:
            raise ImageError(f"{part.where}: {source} has {size} bytes, the partition {row.size}", e.ENOSPC)
        with open(source, "rb") as file, open(work, "r+b") as out:
            copy_data(file.fileno(), out.fileno(), row.start, size)

    # ---- tables ------------------------------------------------------------------------------------------------------

    def _write_tables(self, descriptor: int, layout: Layout) -> None:
        spec = self._spec
        os.ftruncate(descriptor, layout.size)
        code = b""
        if spec.boot_code:
            with open(spec.boot_code, "rb") as file:
                code = file.read(1 << 16)[: encode.CODE_MAX]
        for offset, data in self._tables(layout, code):
            os.pwrite(descriptor, data, offset)
        for blob in spec.blobs:
            self._write_blob(descriptor, layout, blob.file, blob.offset)

    def _tables(self, layout: Layout, code: bytes) -> tuple[tuple[int, bytes], ...]:
        spec = self._spec
        if spec.table == "none":
            return ()
        if spec.table == "mbr":
            signature = self._signature()
            return encode.mbr(layout.size, spec.sector_size, signature, layout.rows, gap=spec.alignment, code=code)
        hybrid = []
        for part, row in zip(spec.partitions, layout.rows, strict=True):
            if part.hybrid:
                kind = type_made(part.hybrid, "mbr")
                if kind is None:
                    raise UsageError(f"{part.where}: hybrid: {part.hybrid!r} is no type of an MBR")
                hybrid.append((row, int(kind, 16)))
        identity = spec.identity.lower() or self._identities.guid("disk")
        return encode.gpt(layout.size, spec.sector_size, identity, layout.rows, hybrid=hybrid, code=code)

    def _signature(self) -> int:
        text = self._spec.identity.lower().removeprefix("0x") or self._identities.guid("disk")[:8]
        if len(text) > 8 or not text or any(digit not in "0123456789abcdef" for digit in text):
            raise UsageError(f"id: {self._spec.identity!r} is no signature of an MBR, up to eight hexadecimal digits")
        return int(text, 16)

    def _write_blob(self, descriptor: int, layout: Layout, path: str, offset: int) -> None:
        """Put a file outside of the partitions and the tables."""
        size = os.path.getsize(path)
        spec = self._spec
        taken = [(row.start, row.start + row.size, f"partition {row.number}") for row in layout.rows]
        if spec.table == "gpt":
            first, behind = encode.gpt_bounds(layout.size, spec.sector_size)
            taken += [(0, first, "the partition table"), (behind, layout.size, "the second partition table")]
        elif spec.table == "mbr":
            taken.append((encode.CODE_MAX, 512, "the partition table"))
        for start, stop, what in taken:
            if offset < stop and start < offset + size:
                raise UsageError(f"raw: {path}: {size} bytes at {offset} would lie where {what} is")
        if offset + size > layout.size:
            raise UsageError(f"raw: {path}: ends at {offset + size}, the disk at {layout.size}")
        with open(path, "rb") as file:
            copy_data(file.fileno(), descriptor, offset, size)


class _Identities:
    """GUIDs, drawn at random, or derived from SOURCE_DATE_EPOCH and what they are for."""

    def __init__(self) -> None:
        self._epoch = os.environ.get("SOURCE_DATE_EPOCH", "")

    def guid(self, what: str) -> str:
        """A GUID in lower case."""
        from uuid import NAMESPACE_URL, uuid4, uuid5

        return str(uuid5(NAMESPACE_URL, f"rumpkernel:mkimage:{what}:{self._epoch}") if self._epoch else uuid4())

    def of_file_system(self, recipe: Recipe, arguments: object, part: PartitionSpec) -> dict[str, str]:
        """As the maker derives them; but two partitions with one label differ."""
        if not self._epoch:
            return {}
        options = recipe.maker.options(arguments)  # type: ignore[arg-type]
        options["label"] = f"{part.where}:{part.label}"
        return recipe.maker.derived(options)


class _Told(Command):
    """Speaks of the image by the name that it will have."""

    __slots__ = ("_from", "_to")

    def __init__(self, command: Command, operand: Operand, path: str) -> None:
        super().__init__(command.program, command.session, command.out, command.errors)
        self._from = os.fsencode(operand.image or "")
        self._to = os.fsencode(path)

    def warn(self, text: str | bytes | Operand, error: BaseException | str) -> None:
        name = text if isinstance(text, (str, bytes)) else text.text
        raw = os.fsencode(name) if isinstance(name, str) else name
        super().warn(raw.replace(self._from, self._to), error)


def copy_data(source: int, target: int, offset: int, size: int) -> None:
    """Copy `size` bytes of a host file to `offset` of another; holes are left out.  Errors: OSError."""
    for at, count in HostSource().parts(source, 0, size):
        stop = at + count
        while at < stop:
            data = os.pread(source, min(PIECE, stop - at), at)
            if not data:
                return
            os.pwrite(target, data, offset + at)
            at += len(data)
