# SPDX-License-Identifier: BSD-2-Clause
"""What newfs makes structures with, and the way its bytes take to the device."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import Structure
    from rump.kernel.vfs.volume import Services

PIECE = 1 << 20     # most bytes gathered for one write


def encode(kind: type[Structure], **values: int | bytes) -> bytes:
    """A structure with these values; zeros in the fields not given."""
    fields = kind.fields.items()
    row = [values.pop(name, b"" if code.endswith("s") else 0) for name, code in fields]
    assert not values, values
    return kind.struct.pack(*row)


class Sums:
    """Checksums of metadata_csum.  Without the feature all are 0.

    seed   where they start; the inodes' own go on with number and generation
    """

    def __init__(self, services: Services, uuid: bytes, on: bool) -> None:
        self._crc32c = services.crc32c
        self.many = services.crc32c_many
        self.on = on
        self.seed = services.crc32c(0xFFFFFFFF, uuid) if on else 0

    def of(self, data: bytes, seed: int | None = None) -> int:
        """The checksum of bytes."""
        return self._crc32c(self.seed if seed is None else seed, data) if self.on else 0

    def inode_seed(self, number: int) -> int:
        """Where those of an inode's blocks start; a new inode's generation is 0."""
        return self.of(number.to_bytes(4, "little") + bytes(4))


class Writer:
    """Gathers writes that adjoin.

    count  bytes written so far
    """

    def __init__(self, device: BlockDevice | None) -> None:
        self._device = device
        self._pieces: list[bytes] = []
        self._start = self._end = 0
        self.count = 0

    def write(self, offset: int, data: bytes) -> None:
        """Write at a byte offset, now or later."""
        if offset != self._end or self._end - self._start >= PIECE:
            self.flush()
            self._start = offset
        self._pieces.append(data)
        self._end = offset + len(data)
        self.count += len(data)

    def zero(self, offset: int, length: int) -> None:
        """Write zeros."""
        zeros = bytes(min(PIECE, length))
        for start in range(0, length, PIECE):
            self.write(offset + start, zeros[: length - start])

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._pieces and self._device is not None:
            self._device.write(self._start, b"".join(self._pieces))
        self._pieces.clear()
        self._start = self._end = 0
