# SPDX-License-Identifier: BSD-2-Clause
"""Block devices as drivers and the kernel see them: a range of bytes, read and written at byte offsets.

A `BlockDevice` is a window [base, base + size) on something behind it, and never reaches outside the window,
whatever it is asked.  Where the bytes come from is its subclass's business (`kernel.dev.disk`).
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer


class BlockDevice:
    """A device.

    name         for messages: "sd0", "sd0 partition 2"
    size         in bytes; not always a multiple of the sector size (a truncated image)
    sector_size  in bytes, a power of two
    read_only    whether write raises EROFS
    """

    name: str
    size: int
    sector_size: int
    read_only: bool

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; the caller owns them.

        Errors: EIO - part of the range is outside the device, or the medium cannot be read.
        """
        buffer = bytearray(length)
        self.readinto(offset, buffer)
        return bytes(buffer)

    def readinto(self, offset: int, buffer: Buffer) -> None:
        """Fill the whole of `buffer` from `offset`.  Errors: as `read`."""
        raise fault(e.ENODEV, self.name)

    def readinto_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        """Fill every buffer from its offset; the device may reorder them.  Errors: as `read`."""
        for offset, buffer in requests:
            self.readinto(offset, buffer)

    def write(self, offset: int, data: Buffer) -> None:
        """Write all of `data` at `offset`.

        Errors: EROFS; EIO - part of the range is outside the device, or the medium cannot be written.
        """
        raise fault(e.ENODEV, self.name)

    def write_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        """Write every buffer at its offset; the device may reorder them.  Errors: as `write`; any may be written."""
        for offset, data in requests:
            self.write(offset, data)

    def discard(self, offset: int, length: int) -> None:
        """Nobody needs the bytes of a range any more; what is read there afterwards is unspecified.

        Errors: as `write`; ENOTSUP - it cannot.
        """
        raise fault(e.ENOTSUP, self.name)

    def sync(self, barrier: bool = False) -> None:
        """What was written reaches stable storage; with `barrier`, before anything written later."""
        raise fault(e.ENODEV, self.name)

    def copy_to(self, offset: int, handle: int, target: int, length: int) -> int:
        """Copy device bytes into an adopted host file at `target`, inside the host; how many.  ENOTSUP: it cannot."""
        raise fault(e.ENOTSUP, self.name)

    def copy_from(self, offset: int, handle: int, source: int, length: int) -> int:
        """Copy bytes of an adopted host file from `source` on to the device, inside the host; how many, short only at
        the file's end.  Errors: as `write`; ENOTSUP - it cannot."""
        raise fault(e.ENOTSUP, self.name)

    def descriptor(self) -> tuple[int, int] | None:
        """The host's handle by which the device can be read, and where it begins there; None where there is none, or
        it could write as well."""
        return None

    def claim(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        """Keep others off a part of the device (None: to its end) while it is in use: writers, or with `exclusive`
        everybody who claims.

        Errors: EBUSY - exclusively, and another program uses it.  A device that nobody else can reach does nothing.
        """

    def release(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        """Give up what a claim with the same arguments got; nothing where it got nothing.  Never fails."""

    def close(self) -> None:
        """Give up what is behind the device.  Windows leave it to the device they are on."""
