# SPDX-License-Identifier: BSD-2-Clause
"""Multiple mount protection: a block in which whoever has the volume open for writing keeps counting.

The format and the protocol are the Linux documentation's filesystems/ext4, section "Multiple Mount Protection".  Here
the count moves with each commit, and nobody counts while nothing changes: another machine may take a volume that has
been idle for long.  The next commit sees that, and fails.
"""

from __future__ import annotations

from rump.kernel.errors import Corrupt, fault
from rump.kernel.structure import Structure
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.superblock import Geometry
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import b32, b64, u16, u32, u64
    from rump.kernel.vfs.volume import Services


class MmpBlock(Structure, order="<", size=120):
    """The block; all but its last four bytes, a checksum, is unused from here on."""

    magic: u32              # MAGIC
    seq: u32                # changes as long as the volume is in use, or CLEAN, or FSCK
    time: u64               # when it last changed, seconds since 1970
    nodename: b64           # who has the volume, padded with NUL
    bdevname: b32           # and by which name of the device
    check_interval: u16     # seconds within which it changes
    pad_a: u16
    pad_b: u32


MAGIC = 0x004D4D50
CLEAN = 0xFF4D4D50          # seq: nobody
FSCK = 0xE24D4D50           # a checker
MOST = 0xE24D4D4F           # the highest number to count with
SHORTEST = 5                # check_interval, seconds
LONGER = 60                 # seconds more than the interval that one waits at most
SUMMED = 0x3FC              # bytes before the checksum
NODE = b"rump"
SECOND = 10**9


class Mmp:
    """The protection of one volume."""

    def __init__(self, device: BlockDevice, geometry: Geometry, services: Services) -> None:
        """Errors: Corrupt - the superblock says where the block is, and it cannot be there."""
        block = geometry.raw.mmp_block
        if not geometry.has_data(block, 1) or block + 1 << geometry.shift > device.size:
            raise Corrupt(f"superblock: mmp_block is {block}")
        self._device = device
        self._geometry = geometry
        self._services = services
        self._block = block
        self._interval = 0
        self._written = b""

    def claim(self, wait: bool) -> None:
        """Make sure that nobody else has the volume, and say that we have it.

        Without `wait`, nobody else must be able to reach the device.
        Errors: EBUSY - somebody has it, named; Corrupt.
        """
        data, found = self._read()
        self._interval = max(self._geometry.raw.mmp_interval, SHORTEST, found.check_interval)
        if found.seq == FSCK:
            raise fault(e.EBUSY, f"the volume is being checked by {_node(found)}")
        if found.seq != CLEAN:
            self._watch(data, wait)
        self._write(data, self._number())
        self._device.sync(barrier=True)
        self._watch(self._written, wait)

    def _watch(self, data: bytes, wait: bool) -> None:
        """See whether anyone else writes the block."""
        if not wait:
            return
        self._services.sleep(min(2 * self._interval + 1, self._interval + LONGER) * SECOND)
        now, found = self._read()
        if now != data:
            raise fault(e.EBUSY, f"the volume is in use by {_node(found)}")

    def _number(self) -> int:
        """A number to begin with that another machine is unlikely to choose."""
        return 1 + int.from_bytes(self._services.random(4), "little") % MOST

    def count(self) -> None:
        """Show that the volume is in use still; no barrier.  Errors: EBUSY - somebody else has taken it."""
        data, found = self._read()
        if data != self._written:
            raise fault(e.EBUSY, f"the volume was taken by {_node(found)}")
        self._write(data, found.seq + 1 if found.seq < MOST else 1)

    def leave(self) -> None:
        """Nobody has the volume, unless somebody else has taken it; on stable storage when this returns."""
        if self._read()[0] != self._written:
            return
        self._write(self._written, CLEAN)
        self._device.sync(barrier=True)

    def _read(self) -> tuple[bytes, MmpBlock]:
        geometry = self._geometry
        data = self._device.read(self._block << geometry.shift, geometry.block_size)
        found = MmpBlock(data)
        if found.magic != MAGIC:
            raise Corrupt(f"MMP block {self._block}: magic {found.magic:#x}")
        if geometry.checksums and data[SUMMED : SUMMED + 4] != self._sum(data):
            raise Corrupt(f"MMP block {self._block}: checksum is wrong")
        return data, found

    def _write(self, data: bytes, seq: int) -> None:
        new = bytearray(data)
        values: tuple[tuple[str, int | bytes], ...] = (
            ("seq", seq), ("time", max(self._services.now() // SECOND, 0)), ("nodename", NODE),
            ("bdevname", self._device.name.encode("utf-8", "surrogateescape")[:31]),
            ("check_interval", self._interval),
        )  # fmt: skip
        for name, value in values:
            offset, form = MmpBlock.place(name)
            form.pack_into(new, offset, value)
        if self._geometry.checksums:
            new[SUMMED : SUMMED + 4] = self._sum(new)
        self._written = bytes(new)
        self._device.write(self._block << self._geometry.shift, self._written)

    def _sum(self, data: bytes | bytearray) -> bytes:
        return self._services.crc32c(self._geometry.seed, data[:SUMMED]).to_bytes(4, "little")


def _node(found: MmpBlock) -> str:
    name = found.nodename.partition(b"\0")[0].decode("utf-8", "backslashreplace") or "somebody"
    return f"{name} ({found.bdevname.partition(bytes(1))[0].decode('utf-8', 'backslashreplace')})"
