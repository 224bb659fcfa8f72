# SPDX-License-Identifier: BSD-2-Clause
"""An image that lies on any fsspec file system, as the medium of a block device: read in blocks that are kept."""

from __future__ import annotations

from threading import Lock

from fsspec.implementations.cached import CachingFileSystem
from fsspec.spec import AbstractBufferedFile

from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.middleware.objects import Medium

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Any

    from fsspec.spec import AbstractFileSystem

BLOCK_SIZE = 1 << 18        # bytes; what one request brings at least
CACHE_SIZE = 1 << 26        # bytes; how much of the image is kept
AHEAD = 1 << 22             # bytes; how far reading ahead goes at most
_VERSION = ("ETag", "etag", "size", "mtime", "Last-Modified", "LastModified", "last_modified", "md5", "md5Hash",
            "content_md5", "generation", "version", "ino")  # fmt: skip


class RemoteImage(Medium):
    """A file of an fsspec file system.

    The blocks that several requests miss are fetched by one `cat_ranges`, neighbours as one range; whoever reads on
    where the last fetch ended gets more each time.  What was used last is kept.

    changed  the file is not the one it was: nothing more is read from it
    """

    def __init__(
        self, fs: AbstractFileSystem, path: str, block_size: int = BLOCK_SIZE, cache_size: int = CACHE_SIZE
    ) -> None:
        """Errors: OSError, and what else the file system raises; ValueError - sizes that are no sizes."""
        if block_size < 512 or block_size & (block_size - 1) or cache_size < 0:
            raise ValueError("block_size is a power of two of at least 512, and cache_size is not negative")
        self._fs = fs
        self._path = path
        self._block_size = block_size
        self._room = max(2, cache_size // block_size)
        self._blocks: dict[int, bytes] = {}             # the least recently used first
        self._lock = Lock()
        self._end = -1                                  # the block behind the last fetch
        self._ahead = 0                                 # how many blocks more it brought than were asked for
        self._file: IO[bytes] | None = None
        self.changed = False
        info = self._info()
        if not isinstance(info.get("size"), int):
            raise OSError(f"{self.name}: the size of the image cannot be told")
        if info.get("partial") is False:
            raise OSError(f"{self.name}: the server does not send parts of a file; put simplecache:: in front of it")
        self.size: int = info["size"]
        self._version = self._version_of(info)
        self._condition = _condition(fs, info)

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self._fs.unstrip_protocol(self._path))

    # ---- which version it is -------------------------------------------------------------------------------------

    def _info(self) -> dict[str, Any]:
        self._fs.invalidate_cache(self._path)
        info: dict[str, Any] = self._fs.info(self._path)
        return info

    def _version_of(self, info: dict[str, Any]) -> tuple[object, ...]:
        """What changes when the file does."""
        found = [(key, info[key]) for key in _VERSION if info.get(key) is not None]
        if len(found) < 2:                              # a size says little
            try:
                found.append(("modified", self._fs.modified(self._path)))
            except (NotImplementedError, OSError):
                pass
        return tuple(found)

    def check(self) -> None:
        """Errors: HostError ESTALE - it is another file now, or none."""
        try:
            self.changed |= self._version_of(self._info()) != self._version
        except FileNotFoundError:
            self.changed = True
        if self.changed:
            raise self._stale()

    def _stale(self) -> HostError:
        return HostError(e.ESTALE, f"{self.name}: the image has changed since it was opened")

    # ---- reading -------------------------------------------------------------------------------------------------

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        with self._lock:
            if self.changed:
                raise self._stale()
            wanted = sorted({block for offset, length in ranges for block in self._covering(offset, length)})
            found = self._recall(wanted)
            missing = [block for block in wanted if block not in found]
            if missing:
                found |= self._fetch(missing)
            return [self._cut(found, offset, length) for offset, length in ranges]

    def _covering(self, offset: int, length: int) -> range:
        return range(offset // self._block_size, (offset + length - 1) // self._block_size + 1)

    def _cut(self, blocks: dict[int, bytes], offset: int, length: int) -> bytes:
        covering = self._covering(offset, length)
        joined = b"".join([blocks[block] for block in covering]) if len(covering) > 1 else blocks[covering[0]]
        start = offset - covering[0] * self._block_size
        return joined[start : start + length]

    def _recall(self, wanted: list[int]) -> dict[int, bytes]:
        """Those that are kept, which are then the most recently used."""
        found = {block: self._blocks.pop(block) for block in wanted if block in self._blocks}
        self._blocks |= found
        return found

    def _fetch(self, missing: list[int]) -> dict[int, bytes]:
        """Get blocks, and some behind them when they are being read in order."""
        last = (self.size - 1) // self._block_size
        if missing[0] == self._end:
            self._ahead = min(max(1, 2 * self._ahead), AHEAD // self._block_size, self._room // 2)
            missing = missing + [
                block for block in range(missing[-1] + 1, min(missing[-1] + self._ahead, last) + 1)
                if block not in self._blocks
            ]  # fmt: skip
        else:
            self._ahead = 0
        self._end = missing[-1] + 1
        size = self._block_size
        found: dict[int, bytes] = {}
        runs = _runs(missing)
        pieces = self._get([(first * size, min((end) * size, self.size)) for first, end in runs])
        for (first, end), piece in zip(runs, pieces, strict=True):
            for block in range(first, end):
                found[block] = piece[(block - first) * size : (block - first + 1) * size]
        self._keep(found)
        return found

    def _keep(self, found: dict[int, bytes]) -> None:
        self._blocks |= found
        while len(self._blocks) > self._room:
            del self._blocks[next(iter(self._blocks))]

    def _get(self, runs: list[tuple[int, int]]) -> list[bytes]:
        """The bytes of each (start, end).  Errors: HostError - EIO; ESTALE."""
        try:
            if self._file is not None:
                return [self._read_from(self._file, start, end) for start, end in runs]
            if len(runs) == 1:
                pieces = [self._fs.cat_file(self._path, runs[0][0], runs[0][1], **self._condition)]
            else:
                starts, ends = [start for start, _ in runs], [end for _, end in runs]
                pieces = self._fs.cat_ranges([self._path] * len(runs), starts, ends, on_error="raise",
                                             **self._condition)  # fmt: skip
        except Exception as error:
            raise self._failure(error) from error
        if not self._condition:
            self.check()
        for (start, end), piece in zip(runs, pieces, strict=True):
            if len(piece) != end - start:
                raise HostError(e.EIO, f"{self.name}: {len(piece)} of the {end - start} bytes at {start} came")
        return pieces

    def _failure(self, error: Exception) -> HostError:
        if isinstance(error, FileNotFoundError) or getattr(error, "status", None) == 412:
            self.changed = True         # 412 Precondition Failed (RFC 9110, section 15.5.13)
            return self._stale()
        return HostError(e.EIO, f"{self.name}: {type(error).__name__}: {error}")

    @staticmethod
    def _read_from(file: IO[bytes], start: int, end: int) -> bytes:
        file.seek(start)
        return file.read(end - start)

    # ---- writing -------------------------------------------------------------------------------------------------

    def open_for_writing(self) -> None:
        """Errors: OSError EROFS - no part of the file can be written, and why."""
        why = f"{type(self._fs).__name__} cannot write parts of a file"
        if isinstance(self._fs, CachingFileSystem):
            raise HostError(e.EROFS, f"{self.name}: {type(self._fs).__name__} would change its own copy only")
        try:
            file = self._fs.open(self._path, "r+b")
        except (NotImplementedError, ValueError, OSError) as error:
            raise HostError(e.EROFS, f"{self.name}: {why} ({type(error).__name__}: {error})") from error
        if isinstance(file, AbstractBufferedFile) or not (file.writable() and file.seekable()):
            file.close()
            raise HostError(e.EROFS, f"{self.name}: {why}")
        self._file = file
        self.writable = True

    def write(self, offset: int, data: bytes) -> None:
        with self._lock:
            if self._file is None:
                raise HostError(e.EROFS, self.name)
            for block in self._covering(offset, len(data)) if data else ():
                self._blocks.pop(block, None)
            try:
                self._file.seek(offset)
                view = memoryview(data)
                while view:
                    view = view[self._file.write(view) or 0 :]
            except Exception as error:
                raise self._failure(error) from error

    def flush(self) -> None:
        with self._lock:
            try:
                if self._file is not None:
                    self._file.flush()
            except Exception as error:
                raise self._failure(error) from error

    def close(self) -> None:
        """Give the file up, if it was opened for writing.  Errors: HostError EIO."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except Exception as error:
                raise self._failure(error) from error


def _runs(blocks: list[int]) -> list[tuple[int, int]]:
    """Sorted blocks as (first, end) of neighbours; a gap of one is bridged: fetching it costs less than a request."""
    runs: list[tuple[int, int]] = []
    for block in blocks:
        if runs and block - runs[-1][1] <= 1:
            runs[-1] = runs[-1][0], block + 1
        else:
            runs.append((block, block + 1))
    return runs


def _condition(fs: AbstractFileSystem, info: dict[str, Any]) -> dict[str, Any]:
    """What a web server is told so that it sends parts of this version only: If-Match (RFC 9110, section 13.1.1)."""
    protocol = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    tag = info.get("ETag")
    if "http" not in protocol or not tag or tag.startswith("W/"):
        return {}
    return {"headers": {**fs.kwargs.get("headers", {}), "If-Match": tag}}
