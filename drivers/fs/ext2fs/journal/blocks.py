# SPDX-License-Identifier: BSD-2-Clause
"""The blocks of a log, as they are written: descriptors, revocations, commits, the superblock.

The format is the Linux documentation's filesystems/ext4, chapter "Journal (jbd2)"; all of it is big-endian.  Which of
its forms are used the features in the journal's superblock say.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs.journal import log as ring
from rump.drivers.fs.ext2fs.journal.recovery import ESCAPED, LAST, SAME_UUID, Commit, Tag64, TagV3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.journal.log import Log
    from rump.kernel.vfs.volume import Services

MAGIC = ring.MAGIC.to_bytes(4, "big")
UUID = 16                       # bytes, behind the first tag of a descriptor
REVOKE_HEADER = 16              # bytes: a header, then how many bytes are in use
SUMMED = 0xFFFFFFFF             # where the checksum of version 1 begins
_SUM = slice(Commit.place("checksum")[0], Commit.place("checksum")[0] + 4)
_SUPERBLOCK_SUM = slice(ring.LogSuperblock.place("checksum")[0], ring.LogSuperblock.place("checksum")[0] + 4)


class Blocks:
    """Makes the blocks of one journal.

    tags, revocations   how many fit into a block
    version1            there is a checksum over all of a transaction, in its commit block
    """

    def __init__(self, log: Log, services: Services) -> None:
        self._log = log
        self._services = services
        self._size = log.geometry.block_size
        self._wide = bool(log.incompat & ring.INCOMPAT_64BIT)
        self._v3 = bool(log.incompat & ring.INCOMPAT_CSUM_V3)
        self._v2 = bool(log.incompat & ring.INCOMPAT_CSUM_V2) and not self._v3
        self._sums = self._v2 or self._v3
        self.version1 = bool(log.compat & ring.COMPAT_CHECKSUM) and not self._sums
        if self._v3:
            tag = TagV3.struct.size
        else:
            tag = (Tag64.struct.size if self._wide else Tag64.place("blocknr_high")[0]) + (2 if self._v2 else 0)
        end = self._size - (ring.TAIL if self._sums else 0)
        self.tags = (end - ring.HEADER.size - UUID) // tag
        self.revocations = (end - REVOKE_HEADER) // (8 if self._wide else 4)

    def described(self, sequence: int, numbers: list[int], contents: list[bytes]) -> bytes:
        """A descriptor block, and behind it the copies of the blocks it describes, at most `tags`."""
        size = self._size
        body = b"".join(contents)
        escaped = [data.startswith(MAGIC) for data in contents]
        if True in escaped:
            array = bytearray(body)
            for index, found in enumerate(escaped):
                if found:
                    array[index * size : index * size + len(MAGIC)] = bytes(len(MAGIC))
            body = bytes(array)
        sums = [0] * len(numbers)
        if self._sums:
            seed = self._log.crc32c(sequence.to_bytes(4, "big"))
            sums = self._services.crc32c_many((seed,), body, 0, size, size, len(numbers))
        rows = []
        flags, last = 0, len(numbers) - 1
        for index, number in enumerate(numbers):
            rows.append(self._tag(number, flags | escaped[index] * ESCAPED | (LAST if index == last else 0),
                                  sums[index]))  # fmt: skip
            if index == 0:
                rows.append(self._log.uuid)
            flags = SAME_UUID
        return self._tailed(ring.HEADER.pack(ring.MAGIC, ring.DESCRIPTOR, sequence) + b"".join(rows)) + body

    def _tag(self, number: int, flags: int, checksum: int) -> bytes:
        if self._v3:
            return TagV3.struct.pack(number & 0xFFFFFFFF, flags, number >> 32, checksum)
        tag = Tag64.struct.pack(number & 0xFFFFFFFF, checksum & 0xFFFF, flags, number >> 32)
        return (tag if self._wide else tag[:8]) + (b"\0\0" if self._v2 else b"")

    def revoked(self, sequence: int, numbers: list[int]) -> bytes:
        """A revoke block of at most `revocations` blocks."""
        form = Struct(f">{len(numbers)}{'Q' if self._wide else 'I'}")
        head = ring.HEADER.pack(ring.MAGIC, ring.REVOKE, sequence) + (REVOKE_HEADER + form.size).to_bytes(4, "big")
        return self._tailed(head + form.pack(*numbers))

    def _tailed(self, data: bytes) -> bytes:
        """A whole block, with its checksum at the end if it has one."""
        block = data.ljust(self._size, b"\0")
        return block[: -ring.TAIL] + self._log.crc32c(block).to_bytes(4, "big") if self._sums else block

    def summed(self, value: int, data: bytes) -> int:
        """The checksum of version 1, continued."""
        return self._log.crc32_be(value, data)

    def commit(self, sequence: int, time: int, summed: int) -> bytes:
        """A commit block, of `time` nanoseconds since 1970; `summed` is the checksum of version 1."""
        seconds, nanoseconds = divmod(max(time, 0), 10**9)
        kind, length = (1, 4) if self.version1 else (0, 0)
        data = Commit.struct.pack(ring.MAGIC, ring.COMMIT, sequence, kind, length, 0, summed if self.version1 else 0,
                                  bytes(16), 0, 0, seconds, nanoseconds)  # fmt: skip
        block = bytearray(data.ljust(self._size, b"\0"))
        if self._sums:
            block[_SUM] = self._log.crc32c(bytes(block)).to_bytes(4, "big")
        return bytes(block)

    def superblock(self, start: int, sequence: int, errno: int) -> bytes:
        """The journal's superblock; start 0 says that the log is empty.

        All that changes lies in one sector, the checksum too: it is written whole or not at all.
        """
        log = self._log
        block = bytearray(log.superblock)
        values = {"sequence": sequence, "start": start, "errno": errno}
        if log.modern:
            values["feature_incompat"] = log.incompat
        for name, value in values.items():
            offset, form = ring.LogSuperblock.place(name)
            form.pack_into(block, offset, value)
        if self._sums:
            block[_SUPERBLOCK_SUM] = bytes(4)
            checksum = self._services.crc32c(0xFFFFFFFF, block[: ring.SUMMED])
            block[_SUPERBLOCK_SUM] = checksum.to_bytes(4, "big")
        return bytes(block)
