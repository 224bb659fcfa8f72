# SPDX-License-Identifier: BSD-2-Clause
"""The split virtqueue: a ring of buffers that driver and device hand each other.

Virtual I/O Device (VIRTIO) Version 1.2, OASIS Committee Specification 01, section 2.7: 2.7.5 descriptor table, 2.7.6
available ring, 2.7.8 used ring, 2.7.13 supplying buffers, 2.7.14 receiving used buffers.

The device is not trusted: what it puts in the used ring is checked against what it was given.
"""

from __future__ import annotations

from struct import pack_into

from rump.rumpuser.interface.errno import EIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    Piece: TypeAlias = tuple[int, int]      # address, length

_DESC = 16                  # struct virtq_desc: le64 addr, le32 len, le16 flags, le16 next
_DESC_FORMAT = "<QIHH"
_F_NEXT = 1                 # VIRTQ_DESC_F_NEXT
_F_WRITE = 2                # VIRTQ_DESC_F_WRITE: the device writes
_NO_INTERRUPT = 1           # VIRTQ_AVAIL_F_NO_INTERRUPT
_NO_NOTIFY = 1              # VIRTQ_USED_F_NO_NOTIFY
_USED = 8                   # struct virtq_used_elem: le32 id, le32 len
_COUNTER = 0xFFFF           # ring indices are 16 bits wide and wrap


def queue_bytes(size: int) -> int:
    """How much memory a queue of `size` descriptors takes (2.7, "Queue Size")."""
    return _used_offset(size) + 6 + _USED * size


def _used_offset(size: int) -> int:
    return (_DESC * size + 6 + 2 * size + 3) & ~3


class Queue:
    """A queue of `size` (a power of two) descriptors in `memory`, zeroed, which the device finds at `address`.

    Counters and flags are read and written in one access each: `struct` would go byte by byte, and the device sees
    every byte.  (Rings are little-endian, and so is every machine that a bare platform is made for.)
    """

    def __init__(self, size: int, memory: memoryview, address: int) -> None:
        used = _used_offset(size)
        self.size = size
        self.addresses = address, address + _DESC * size, address + used
        self._table = memory[: _DESC * size]
        self._available = memory[_DESC * size : _DESC * size + 6 + 2 * size].cast("H")  # flags, idx, ring, used_event
        self._used_counters = memory[used : used + 4].cast("H")                             # flags, idx
        self._used_ring = memory[used + 4 : used + 4 + _USED * size].cast("I")              # id, len ...
        self._available[0] = _NO_INTERRUPT
        self._free = list(range(size - 1, -1, -1))
        self._chains: dict[int, tuple[list[int], int]] = {}     # head -> its descriptors, bytes the device may write
        self._next_available = self._next_used = 0

    def __len__(self) -> int:
        """How many buffers the device has."""
        return len(self._chains)

    @property
    def room(self) -> int:
        """How many descriptors are free."""
        return len(self._free)

    @property
    def wants_notice(self) -> bool:
        """Whether the device asks to be told of new buffers."""
        return not self._used_counters[0] & _NO_NOTIFY

    def add(self, readable: Sequence[Piece], writable: Sequence[Piece]) -> int:
        """Hand the device one buffer of these pieces; the number that it will come back under.

        Requires: as much room as there are pieces, of which there is at least one.
        """
        pieces = [(*piece, 0) for piece in readable] + [(*piece, _F_WRITE) for piece in writable]
        numbers = [self._free.pop() for _ in pieces]
        for place, (address, length, flags) in enumerate(pieces):
            following = numbers[place + 1] if place + 1 < len(numbers) else 0
            flags |= _F_NEXT if place + 1 < len(numbers) else 0
            pack_into(_DESC_FORMAT, self._table, _DESC * numbers[place], address, length, flags, following)
        self._chains[numbers[0]] = numbers, sum(length for _, length in writable)
        self._available[2 + self._next_available % self.size] = numbers[0]
        self._next_available = (self._next_available + 1) & _COUNTER
        self._available[1] = self._next_available       # last: this is what makes the buffer the device's
        return numbers[0]

    def finished(self) -> Iterator[tuple[int, int]]:
        """Buffers that the device is done with: (number, how many bytes it wrote).

        Errors: EIO - the device returned what it was not given, or wrote more than there was room for.
        """
        while self._next_used != self._used_counters[1]:
            slot = 2 * (self._next_used % self.size)
            head, written = self._used_ring[slot], self._used_ring[slot + 1]
            numbers, room = self._chains.pop(head, ((), -1))
            if written > room:
                raise HostError(EIO, f"virtqueue: buffer {head}, {written} bytes written of {room}")
            self._free += reversed(numbers)
            self._next_used = (self._next_used + 1) & _COUNTER
            yield head, written
