# SPDX-License-Identifier: BSD-2-Clause
"""Where an archive goes: standard output, or a file that gets its name when it is complete; compressed on the way."""

from __future__ import annotations

import os

from rump.fsutils.archive.pax import END, RECORD
from rump.fsutils.copy.paths import is_stream
from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol


    class Compressor(Protocol):
        def compress(self, data: bytes, /) -> bytes: ...
        def flush(self) -> bytes: ...


COMPRESSIONS = ("gzip", "bzip2", "xz", "zstd")
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"      # no name, no time: the same files give the same archive


class _Gzip:
    """RFC 1952 around zlib's deflate, without a time."""

    def __init__(self) -> None:
        import zlib

        self._zlib = zlib
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._head = _GZIP_HEADER
        self._crc = 0
        self._size = 0

    def compress(self, data: bytes, /) -> bytes:
        self._crc = self._zlib.crc32(data, self._crc)
        self._size += len(data)
        head, self._head = self._head, b""
        return head + self._deflate.compress(data)

    def flush(self) -> bytes:
        size = self._size & 0xFFFFFFFF
        return self._head + self._deflate.flush() + self._crc.to_bytes(4, "little") + size.to_bytes(4, "little")


def compressor(kind: str | None) -> Compressor | None:
    """A compressor, loaded only now.  Errors: UsageError - this Python has none of that kind."""
    try:
        if kind == "gzip":
            return _Gzip()
        if kind == "bzip2":
            from bz2 import BZ2Compressor

            return BZ2Compressor()
        if kind == "xz":
            from lzma import LZMACompressor

            return LZMACompressor()
        if kind == "zstd":
            from importlib import import_module

            return _zstd(import_module)
    except ImportError as error:
        raise UsageError(f"--{kind}: {error}") from None
    return None


def _zstd(load: Callable[[str], object]) -> Compressor:
    try:
        module = load("compression.zstd")
    except ImportError:
        module = load("backports.zstd")
    made: Compressor = module.ZstdCompressor()  # type: ignore[attr-defined]
    return made


class ArchiveFile:
    """The bytes of an archive."""

    def __init__(self, write: Callable[[bytes], object], kind: str | None) -> None:
        self._sink = write
        self._compressor = compressor(kind)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add to the archive."""
        self.size += len(data)
        if self._compressor is not None:
            data = self._compressor.compress(data)
        if data:
            self._sink(data)

    def end(self) -> None:
        """The end marker, and what makes the archive a multiple of its record."""
        self.write(END + bytes(-(self.size + len(END)) % RECORD))
        if self._compressor is not None:
            self._sink(self._compressor.flush())


class OutputError(Exception):
    """The archive cannot be written; `error` is the host's OSError."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class HostFile:
    """A file of the host, under another name until it is complete; what is no file is written to as it stands.

    Errors: OSError - it cannot be opened; afterwards `OutputError`.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._now = path
        flags = os.O_WRONLY
        if not is_stream(path):
            self._now = b"%b.%d.fsu" % (path, os.getpid())
            flags |= os.O_CREAT | os.O_EXCL
        self._fd = os.open(self._now, flags, 0o666)
        self._pieces: list[bytes] = []
        self._waiting = 0

    def write(self, data: bytes) -> None:
        """Write; small pieces wait for company."""
        self._pieces.append(data)
        self._waiting += len(data)
        if self._waiting >= 1 << 18:
            self._flush()

    def _flush(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            raise OutputError(error) from None

    def _write_all(self) -> None:
        view = memoryview(b"".join(self._pieces))
        self._pieces.clear()
        self._waiting = 0
        while view:
            view = view[os.write(self._fd, view):]

    def finish(self) -> None:
        """All is written: the file gets its name."""
        self._flush()
        fd, self._fd = self._fd, -1
        try:
            os.close(fd)
            if self._now != self._path:
                os.replace(self._now, self._path)
        except OSError as error:
            raise OutputError(error) from None
        self._now = self._path

    def abandon(self) -> None:
        """Something went wrong, or nothing did: remove what is unfinished."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._now != self._path:
            os.unlink(self._now)
            self._now = self._path
