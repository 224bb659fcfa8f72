# SPDX-License-Identifier: BSD-2-Clause
"""Disks: block devices over host files (what rumpblk is in the original)."""

from __future__ import annotations

from rump.kernel.dev.block import BlockDevice
from rump.kernel.dev.claims import Claims
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface import hypercalls as h

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    from rump.rumpuser.interface.hypercalls import Hypercalls


class Disk(BlockDevice):
    """A host file, or the part of one from `base` on, opened and closed by the disk."""

    def __init__(
        self,
        host: Hypercalls,
        name: str,
        path: bytes,
        base: int,
        size: int | None,
        read_only: bool,
        *,
        force: bool = False,
        log: Callable[[str], object] = lambda line: None,
    ) -> None:
        """`size` None: to the end of the file; `force`: others may be using it (`kernel.dev.claims`); `log` takes
        warnings.

        Errors: what open brings; EISDIR, ENOTBLK - not a file with blocks; EINVAL - the part begins behind the end;
        EBUSY - for writing, and somebody else uses the file: who.
        """
        self._host = host
        self.name = name
        self.read_only = read_only
        self.handle = host.open(path, (h.OPEN_RDONLY if read_only else h.OPEN_RDWR) | h.OPEN_BIO)
        try:
            total, kind, self.sector_size = host.getfileinfo(self.handle)
            if kind == h.FT_DIR:
                raise fault(e.EISDIR)
            if kind not in (h.FT_REG, h.FT_BLK):
                raise fault(e.ENOTBLK, "neither a regular file nor a block device")
            if not 0 <= base <= total or (size is not None and not 0 <= size <= total - base):
                raise fault(e.EINVAL, f"the part from {base} lies outside the {total} bytes there are")
            self._claims = Claims(host, self.handle, path.decode("utf-8", "backslashreplace"), force, log)
            if not read_only:
                self._claims.open_for_writing()
        except BaseException:
            host.close(self.handle)
            raise
        self.base = base
        self.size = total - base if size is None else size

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or not 0 <= length <= self.size - offset:
            raise fault(e.EIO, f"{self.name}: bytes {offset}-{offset + length} lie outside its {self.size}")

    def readinto(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer)
        length = view.nbytes
        if offset < 0 or length > self.size - offset:
            self._check(offset, length)
        count = self._host.read(self.handle, view, self.base + offset)
        if count != length:
            raise fault(e.EIO, f"{self.name}: only {count} of {length} bytes at {offset}")

    def readinto_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        self._submit(h.BIO_READ, requests)

    def _submit(self, operation: int, requests: Sequence[tuple[int, Buffer]]) -> None:
        batch = []
        for offset, buffer in requests:
            self._check(offset, memoryview(buffer).nbytes)
            batch.append((operation, buffer, self.base + offset))
        for (_, buffer, where), count in zip(batch, self._host.submit(self.handle, batch), strict=True):
            if count < 0:
                raise fault(-count, f"{self.name}: at {where - self.base}")
            if count != memoryview(buffer).nbytes:
                raise fault(e.EIO, f"{self.name}: only {count} bytes at {where - self.base}")

    def _check_write(self, offset: int, length: int) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        self._check(offset, length)

    def write(self, offset: int, data: Buffer) -> None:
        length = memoryview(data).nbytes
        self._check_write(offset, length)
        if self._host.write(self.handle, data, self.base + offset) != length:
            raise fault(e.EIO, f"{self.name}: not all of {length} bytes at {offset}")

    def write_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        self._submit(h.BIO_WRITE, requests)

    def discard(self, offset: int, length: int) -> None:
        self._check_write(offset, length)
        self._host.discard(self.handle, self.base + offset, length)

    def sync(self, barrier: bool = False) -> None:
        if not self.read_only:
            flags = h.SYNC_ALL | h.SYNC_BARRIER if barrier else h.SYNC_ALL
            self._host.sync(self.handle, flags, self.base, self.size)

    def descriptor(self) -> tuple[int, int] | None:
        return (self.handle, self.base) if self.read_only else None

    def claim(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        if exclusive and self.read_only:
            raise fault(e.EROFS, self.name)
        self._claims.claim(self.base + offset, self.size - offset if length is None else length, exclusive)

    def release(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        self._claims.release(self.base + offset, self.size - offset if length is None else length, exclusive)

    def copy_to(self, offset: int, handle: int, target: int, length: int) -> int:
        self._check(offset, length)
        return self._host.copy_range(self.handle, self.base + offset, handle, target, length)

    def copy_from(self, offset: int, handle: int, source: int, length: int) -> int:
        self._check_write(offset, length)
        return self._host.copy_range(handle, source, self.handle, self.base + offset, length)

    def close(self) -> None:
        handle, self.handle = self.handle, -1
        if handle >= 0:
            self._host.close(handle)
