# SPDX-License-Identifier: BSD-2-Clause
"""zisofs, versions 1 and 2: files compressed block by block (libisofs, doc/zisofs_format.txt, doc/zisofs2_format.txt).

A file is: a header, the offsets of all blocks and of the end, the blocks.  A block without bytes is all zeros.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct, unpack

from rump.drivers.fs.cd9660 import bmap
from rump.drivers.fs.cd9660 import disk_susp as s
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.cd9660.inode import File
    from rump.drivers.fs.cd9660.medium import Medium

SHIFTS = range(15, 21)      # of block sizes
READ_MOST = 1 << 20         # compressed bytes read at once, and at least one block

_FIELDS: Callable[..., tuple[bytes, int, int, bytes]] = s.Compressed.narrow(
    "algorithm", "header_words", "block_shift", "size"
).unpack_from
_UNSUPPORTED = {b"xz": "XZ", b"XZ": "XZ", b"L4": "LZ4", b"l4": "LZ4", b"ZD": "Zstandard", b"zd": "Zstandard",
                b"B2": "bzip2", b"b2": "bzip2"}  # fmt: skip


class CompressedFile:
    """A compressed file, being read."""

    def __init__(self, medium: Medium, file: File, entry: bytes, inflate: Callable[[bytes, int], bytes]) -> None:
        """Errors: EOPNOTSUPP - another algorithm; Corrupt - entry and file do not fit."""
        self._medium = medium
        self._file = file
        self._inflate = inflate
        self._where = f"block {file.extents[0][0] // medium.block_size}: zisofs"
        self._stored = sum(extent[1] for extent in file.extents)
        algorithm, words, shift, _ = _FIELDS(entry)
        if algorithm not in (s.ZF_DEFLATE, s.ZF_DEFLATE2):
            what = _UNSUPPORTED.get(algorithm) or algorithm.decode("latin-1")
            raise fault(e.EOPNOTSUPP, f"{self._where}: compressed with {what}")
        if shift not in SHIFTS:
            raise Corrupt(f"{self._where}: blocks of 1 << {shift} bytes")
        self._header = words * 4
        self._block = 1 << shift
        self._pointer = Struct("<I" if algorithm == s.ZF_DEFLATE else "<Q").size
        self._check(algorithm, shift)
        self._last: tuple[int, bytes] = (-1, b"")

    def _check(self, algorithm: bytes, shift: int) -> None:
        """The file's own header must say the same."""
        form = s.ZisofsHeader if algorithm == s.ZF_DEFLATE else s.Zisofs2Header
        magic = s.ZISOFS_MAGIC if algorithm == s.ZF_DEFLATE else s.ZISOFS2_MAGIC
        if self._stored < form.struct.size:
            raise Corrupt(f"{self._where}: {self._stored} bytes")
        header = form(bmap.read(self._medium, self._file, 0, form.struct.size))
        said = header.magic, header.header_words * 4, header.block_shift, header.size
        if said != (magic, self._header, shift, self._file.size) or self._header < form.struct.size:
            raise Corrupt(f"{self._where}: header: {said[0].hex()}, {said[1:]}")

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the data."""
        end = min(offset + length, self._file.size)
        parts: list[bytes] = []
        while offset < end:
            number, within = divmod(offset, self._block)
            count = min(-(-end // self._block) - number, max(1, READ_MOST // self._block))
            for block in self._blocks(number, count):
                piece = block[within : within + end - offset]
                parts.append(piece)
                offset += len(piece)
                within = 0
        return b"".join(parts)

    def _blocks(self, first: int, count: int) -> list[bytes]:
        """Some blocks, whole."""
        if count == 1 and self._last[0] == first:
            return [self._last[1]]
        pointers = self._pointers(first, count + 1)
        start = pointers[0]
        data = bmap.read(self._medium, self._file, start, pointers[-1] - start)
        blocks = []
        for number in range(count):
            wanted = min(self._block, self._file.size - (first + number) * self._block)
            packed = data[pointers[number] - start : pointers[number + 1] - start]
            blocks.append(self._unpack(first + number, packed, wanted))
        self._last = first + count - 1, blocks[-1]
        return blocks

    def _pointers(self, first: int, count: int) -> tuple[int, ...]:
        """Where blocks begin in the file."""
        size = self._pointer
        table = self._header + (-(-self._file.size // self._block) + 1) * size
        at = self._header + first * size
        if at + count * size > self._stored:
            raise Corrupt(f"{self._where}: pointers of {self._file.size} bytes in {self._stored}")
        data = bmap.read(self._medium, self._file, at, count * size)
        pointers: tuple[int, ...] = unpack(f"<{count}{'I' if size == 4 else 'Q'}", data)
        longest = self._block + self._block // 2
        ends = pairwise(pointers)
        if pointers[0] < table or pointers[-1] > self._stored or any(not 0 <= b - a <= longest for a, b in ends):
            raise Corrupt(f"{self._where}: pointers of blocks {first} to {first + count - 2}")
        return pointers

    def _unpack(self, number: int, packed: bytes, wanted: int) -> bytes:
        """A block of `wanted` bytes."""
        if not packed:
            return bytes(wanted)
        try:
            data = self._inflate(packed, wanted)
        except OSError as error:
            raise Corrupt(f"{self._where}: data block {number}: {error}") from error
        if len(data) != wanted:
            raise Corrupt(f"{self._where}: data block {number}: {len(data)} bytes, not {wanted}")
        return data
