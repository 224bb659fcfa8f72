# SPDX-License-Identifier: BSD-2-Clause
"""A virtio block device.  VIRTIO 1.2, section 5.2.

Data goes between device and caller's buffer without a copy, several requests at a time.
"""

from __future__ import annotations

from struct import pack_into

from rump.rumpuser.bare.sectors import Sectors
from rump.rumpuser.bare.virtio.device import QUEUE_MAX, Driver
from rump.rumpuser.interface.errno import EIO, ENXIO, EOPNOTSUPP, EROFS, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, FT_BLK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.virtio.machine import Machine

F_SIZE_MAX = 1 << 1         # feature bits, 5.2.3
F_SEG_MAX = 1 << 2
F_RO = 1 << 5
F_BLK_SIZE = 1 << 6
F_FLUSH = 1 << 9
F_DISCARD = 1 << 13
F_WRITE_ZEROES = 1 << 14
WANTED = F_SIZE_MAX | F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH | F_DISCARD | F_WRITE_ZEROES

# struct virtio_blk_config, 5.2.4: (offset, width)
_CAPACITY = ((0, 4), (4, 4))        # in units of 512 bytes, whatever the block size
_SIZE_MAX = (8, 4)
_SEG_MAX = (12, 4)
_BLK_SIZE = (20, 4)
_MAX_DISCARD = ((36, 4), (40, 4))           # sectors in a segment, segments
_MAX_WRITE_ZEROES = ((48, 4), (52, 4))

T_IN, T_OUT, T_FLUSH, T_GET_ID, T_DISCARD, T_WRITE_ZEROES = 0, 1, 4, 8, 11, 13     # request types, 5.2.6
_FAILURES = {1: EIO, 2: EOPNOTSUPP}     # VIRTIO_BLK_S_IOERR, _UNSUPP; anything else is no status
_TYPES = {BIO_READ: T_IN, BIO_WRITE: T_OUT}

_UNIT = 512
_QUEUE_MIN = 4              # header, data, status
_HEADER = 16                # le32 type, le32 reserved, le64 sector
_SLOT = 32                  # where a request's header is, and behind it its status
_SEGMENT = 1 << 20          # of one descriptor, unless the device says less
_REQUEST = 4 << 20          # of one request: with longer ones fewer are under way at a time
_IDENTITY = 20              # bytes of a serial number, 5.2.6.1
_RANGE = "<QII"             # struct virtio_blk_discard_write_zeroes: sector, sectors, flags
_UNMAP = 1


class Block(Sectors):
    """A `Device` of the bare backend.

    serial      what the device is called by whoever provides it, b"" if it has no name
    """

    kind = FT_BLK

    def __init__(self, transport: Transport, machine: Machine) -> None:
        """Errors: ENODEV, ENXIO, EIO - it cannot be used."""
        self.name = transport.name
        self._driver = Driver(transport, machine, WANTED)
        has = self._driver.features
        self.read_only = bool(has & F_RO)
        low, high = self._driver.read(*_CAPACITY)
        self.size = (high << 32 | low) * _UNIT
        self.sector = self._driver.read(_BLK_SIZE)[0] if has & F_BLK_SIZE else _UNIT
        if self.sector < _UNIT or self.sector & (self.sector - 1):
            raise HostError(ENXIO, f"{transport.name}: blocks of {self.sector} bytes")
        self._driver.start(QUEUE_MAX)
        self._queue = self._driver.queues[0]
        if self._queue.size < _QUEUE_MIN:
            raise HostError(ENXIO, f"{transport.name}: a queue of {self._queue.size}")
        self._limits(has)
        self._headers = machine.memory(_SLOT * self._queue.size)
        self._address = machine.physical(self._headers)
        self._slots = list(range(self._queue.size))
        self._machine, self.lock = machine, machine.lock()
        self.serial = self._identity()

    def _limits(self, has: int) -> None:
        """How much goes into one descriptor, one request, one discard."""
        size_max = self._driver.read(_SIZE_MAX)[0] if has & F_SIZE_MAX else _SEGMENT
        self._segment = max(self.sector, min(size_max, _SEGMENT) // self.sector * self.sector)
        segments = self._driver.read(_SEG_MAX)[0] if has & F_SEG_MAX else 1
        self._segments = max(1, min(segments, self._queue.size - 2))
        self._discards = self._driver.read(*_MAX_DISCARD)[0] if has & F_DISCARD else 0
        self._zeroes = self._driver.read(*_MAX_WRITE_ZEROES)[0] if has & F_WRITE_ZEROES else 0

    def _identity(self) -> bytes:
        name = bytearray(_IDENTITY)
        failure = self._carry_out([(T_GET_ID, memoryview(name), 0)])[0]
        return b"" if failure else bytes(name).partition(b"\0")[0]

    # ---- the device ----------------------------------------------------------------------------------------------

    def carry_out(self, requests: list[tuple[int, memoryview, int]]) -> list[int]:
        return self._carry_out([(_TYPES[operation], view, offset) for operation, view, offset in requests])

    def resize(self, size: int) -> None:
        """Never asked of a block device."""

    def sync(self) -> None:
        """What was written is on stable storage; a device that cannot be asked has no cache that could lose it."""
        if self._driver.features & F_FLUSH and not self.read_only:
            self._command(T_FLUSH, memoryview(b""))

    def discard(self, start: int, length: int) -> None:
        """Give back the whole sectors of a range.  Errors: EOPNOTSUPP - the device does not take it; EROFS."""
        if not self._discards:
            raise HostError(EOPNOTSUPP, "discard")
        self._ranges(T_DISCARD, start, length, self._discards, 0)

    @property
    def zeroes(self) -> bool:
        """Whether the device can `zero`."""
        return bool(self._zeroes)

    def zero(self, start: int, length: int) -> None:
        """Make a range of whole sectors zeros, and give the space back.  Errors: EOPNOTSUPP, EROFS."""
        if not self._zeroes:
            raise HostError(EOPNOTSUPP, "zero")
        self._ranges(T_WRITE_ZEROES, start, length, self._zeroes, _UNMAP)

    def _ranges(self, kind: int, start: int, length: int, most: int, flags: int) -> None:
        if self.read_only:
            raise HostError(EROFS)
        most = max(self.sector, most * _UNIT // self.sector * self.sector)
        end = min(self.size, start + length)
        start, end = start + -start % self.sector, end - end % self.sector
        for begin in range(start, end, most):
            piece = memoryview(bytearray(16))
            pack_into(_RANGE, piece, 0, begin // _UNIT, (min(end, begin + most) - begin) // _UNIT, flags)
            self._command(kind, piece)

    def _command(self, kind: int, data: memoryview) -> None:
        with self.lock:
            failure = self._carry_out([(kind, data, 0)])[0]
        if failure:
            raise HostError(failure, self.name)

    # ---- requests ------------------------------------------------------------------------------------------------

    def _carry_out(self, requests: list[tuple[int, memoryview, int]]) -> list[int]:
        """Requests of the device: (type, data, offset); errno or 0 of each."""
        results = [0] * len(requests)
        waiting = [(place, *piece) for place, request in enumerate(requests) for piece in self._pieces(*request)]
        waiting.reverse()
        under_way: dict[int, tuple[int, int, int]] = {}     # head -> place, slot, bytes the device must write
        try:
            self._driver.check()
            while waiting or under_way:
                fresh = False
                while waiting and self._queue.room >= 2 + self._descriptors(waiting[-1][2]):
                    place, kind, view, offset = waiting.pop()
                    under_way.update([self._start(place, kind, view, offset)])
                    fresh = True
                if fresh:
                    self._driver.notify(0)
                for head, written in self._driver.wait(0):
                    place, slot, due = under_way.pop(head)
                    results[place] = results[place] or self._outcome(slot, written, due)
        except HostError as error:
            for place in [item[0] for item in waiting] + [item[0] for item in under_way.values()]:
                results[place] = error.errno or EIO
        except BaseException:
            self._driver.give_up()      # or it goes on writing to buffers that nobody keeps
            raise
        return results

    def _pieces(self, kind: int, view: memoryview, offset: int) -> list[tuple[int, memoryview, int]]:
        """A request cut into what one may be."""
        most = min(_REQUEST // self._segment or 1, self._segments) * self._segment
        if len(view) <= most:
            return [(kind, view, offset)]
        return [(kind, view[begin : begin + most], offset + begin) for begin in range(0, len(view), most)]

    def _descriptors(self, view: memoryview) -> int:
        return -(-len(view) // self._segment)

    def _start(self, place: int, kind: int, view: memoryview, offset: int) -> tuple[int, tuple[int, int, int]]:
        slot = self._slots.pop()
        header = self._address + _SLOT * slot
        pack_into("<IIQB", self._headers, _SLOT * slot, kind, 0, offset // _UNIT, 0xFF)
        address = self._machine.physical(view) if view else 0
        data = [
            (address + begin, min(self._segment, len(view) - begin)) for begin in range(0, len(view), self._segment)
        ]
        incoming = kind in (T_IN, T_GET_ID)
        head = self._queue.add(
            [(header, _HEADER), *([] if incoming else data)], [*(data if incoming else []), (header + _HEADER, 1)]
        )
        return head, (place, slot, len(view) + 1 if kind == T_IN else 1)

    def _outcome(self, slot: int, written: int, due: int) -> int:
        """The errno of a request that ended: a good status means that all the data came."""
        self._slots.append(slot)
        status = self._headers[_SLOT * slot + _HEADER]
        if status == 0:
            return 0 if written >= due else EIO
        return _FAILURES.get(status, EIO)
