# SPDX-License-Identifier: BSD-2-Clause
"""What all parts of a mounted volume share: device, geometry, buffer cache, the kernel's services."""

from __future__ import annotations

from struct import pack

from rump.kernel.errors import Corrupt
from rump.kernel.vfs.buffer import BufferCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.superblock import Geometry
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Services

    Faults: TypeAlias = dict[int, str]
    Piece: TypeAlias = tuple[int, bytes, Faults]

# What a piece of metadata was checked as; with a number its owner.
PLAIN = 0               # nothing checked
INODES = 1              # of the group of that number
DIRECTORY = 2           # of the inode of that number
EXTENTS = 3             # likewise
XATTRS = 4              # shared by inodes
KINDS = 8

NO_FAULTS: Faults = {}


class Medium:
    """A device with its geometry.  Metadata is read through `read` and `piece`, which keep it in the buffer cache."""

    def __init__(self, device: BlockDevice, geometry: Geometry, services: Services, cache_bytes: int) -> None:
        self.device = device
        self.geometry = geometry
        self.services = services
        self.cache = BufferCache(device, cache_bytes)

    def log(self, text: str) -> None:
        """A line for the console."""
        self.services.log(f"ext2fs: {self.device.name}: {text}")

    def inode_seed(self, number: int, generation: int) -> int:
        """Where the checksums of an inode's own blocks start."""
        return self.services.crc32c(self.geometry.seed, pack("<II", number, generation))

    def read(self, offset: int, length: int, what: Callable[[], str]) -> bytes:
        """Bytes that need no check of their own.  `what` names them for errors."""
        return self.piece(offset, length, PLAIN, what, None)[1]

    def piece(
        self,
        offset: int,
        length: int,
        owner: int,
        what: Callable[[], str],
        check: Callable[[bytes], Faults] | None,
    ) -> Piece:
        """(owner, bytes, faults) of the piece at `offset`, checked when it comes in.

        `owner` is number * KINDS + kind.  `check` raises, or returns faults: index of a part -> what is wrong with it.
        Damaged volumes have blocks with several owners, or that serve as two kinds of structure: what was checked for
        one does not pass for another, nor with another length.

        Errors: Corrupt - the piece does not lie on the device (a truncated image).
        """
        if offset + length > self.device.size:
            raise Corrupt(f"{what()}: {length} bytes at {offset} are behind the end of {self.device.name}")

        def admit(_offset: int, data: bytes) -> Piece:
            return owner, data, NO_FAULTS if check is None else check(data)

        piece: Piece = self.cache.read(offset, length, admit)  # type: ignore[assignment]
        if piece[0] != owner or len(piece[1]) != length:
            piece = admit(offset, self.device.read(offset, length))
        return piece
