# SPDX-License-Identifier: BSD-2-Clause
"""Disks that another domain provides (io/blkif.h).

Data goes by way of pages that are granted once and for all: the other end, which is not trusted, never has a page with
anything else in it.  What it answers is checked; one that talks nonsense, goes away or falls silent is not asked again.
"""

from __future__ import annotations

from _thread import allocate_lock

from rump.rumpuser.bare.sectors import Sectors
from rump.rumpuser.bare.xen import abi
from rump.rumpuser.bare.xen.frontend import FrontEnd
from rump.rumpuser.bare.xen.ring import FrontRing
from rump.rumpuser.interface.errno import EIO, ENXIO, EOPNOTSUPP, EROFS, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, FT_BLK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.sectors import Request
    from rump.rumpuser.bare.xen.frontend import Domain

SLOTS = 16                              # requests under way
SLOT_BYTES = abi.BLOCK_SEGMENTS * abi.PAGE
SILENCE = 60 * 10**9
"""How long the other end may take for a response."""

LOOK = 10**9
"""How often it is looked whether the other end is still there, when it says nothing."""


class Slot:
    """Room for one request: pages, and their grants."""

    def __init__(self, number: int, view: memoryview, grants: list[int]) -> None:
        self.number, self.view, self.grants = number, view, grants


class Piece:
    """A request of ours that fits one of the ring, under way in a slot."""

    def __init__(self, operation: int, place: int, view: memoryview, offset: int) -> None:
        self.operation, self.place, self.view, self.offset = operation, place, view, offset


class Disk(Sectors):
    """A `Device`."""

    kind = FT_BLK

    def __init__(self, domain: Domain, path: bytes, name: bytes) -> None:
        """Connect to a disk.  Errors: EIO, ENXIO, ETIMEDOUT - it cannot be used."""
        self.name = name.decode("ascii", "replace")
        self.lock = allocate_lock()
        self._machine, self._events = domain.machine, domain.events
        self._front = FrontEnd(domain, path)
        self._dead = False
        self._under_way: dict[int, tuple[Slot, Piece]] = {}
        page = domain.page()
        self._ring = FrontRing(domain.machine, page, abi.BLOCK_RING, abi.BLOCK_ENTRY)
        self._handle = domain.store.read_number(path + b"/virtual-device") & 0xFFFF
        self._front.connect({b"ring-ref": page}, {b"protocol": abi.BLOCK_PROTOCOL, b"feature-persistent": b"1"})
        self._geometry()
        self._slots = [self._slot(number) for number in range(SLOTS)]
        self._front.connected()

    def _geometry(self) -> None:
        """What the other end says of the disk."""
        setting = self._front.setting
        self.sector = setting(b"sector-size")
        self.size = setting(b"sectors") * abi.BLOCK_SECTOR
        if self.sector not in (512, 1024, 2048, 4096) or self.size % self.sector:
            raise HostError(ENXIO, f"{self.name}: {self.size} bytes in sectors of {self.sector}")
        self.read_only = bool(setting(b"info", 0) & abi.BLOCK_INFO_READ_ONLY) or self._is_read_only()
        self._flush = (
            abi.BLOCK_FLUSH if setting(b"feature-flush-cache", 0)
            else abi.BLOCK_BARRIER if setting(b"feature-barrier", 0)
            else 0
        )  # fmt: skip
        self._discards = bool(setting(b"feature-discard", 0))
        self._granularity = max(self.sector, setting(b"discard-granularity", 0))

    def _is_read_only(self) -> bool:
        try:
            return b"w" not in self._front.domain.store.read(self._front.other + b"/mode")
        except HostError:
            return False

    def _slot(self, number: int) -> Slot:
        address = self._machine.pages(abi.BLOCK_SEGMENTS)
        grants = [self._front.share(address + index * abi.PAGE) for index in range(abi.BLOCK_SEGMENTS)]
        return Slot(number, self._machine.view(address, SLOT_BYTES), grants)

    def close(self) -> None:
        """Part from the other end."""
        with self.lock:
            self._dead = True
            self._front.disconnect()

    def resize(self, size: int) -> None:
        """Never asked of a disk."""

    def sync(self) -> None:
        """Everything written is on stable storage; an other end that offers no way to say so has nothing to flush."""
        if not self._flush or self.read_only:
            return
        with self.lock:
            failure = self._run([Piece(self._flush, 0, memoryview(b""), 0)])[0]
        if failure == EOPNOTSUPP:       # the offer was a mistake: blkif.h says not to ask again
            self._flush = 0
        elif failure:
            raise HostError(failure, self.name)

    def discard(self, start: int, length: int) -> None:
        """Give back the whole units of a range.  Errors: EOPNOTSUPP - the other end does not take it; EROFS."""
        if not self._discards or self.read_only:
            raise HostError(EROFS if self.read_only else EOPNOTSUPP, self.name)
        unit = self._granularity
        first, last = start + -start % unit, min(start + length, self.size)
        last -= last % unit
        if first < last:
            with self.lock:
                piece = Piece(abi.BLOCK_DISCARD, 0, memoryview(b""), first)
                failure = self._run([piece], last - first)[0]
            if failure:
                raise HostError(failure, self.name)

    # ---- requests ------------------------------------------------------------------------------------------------

    def carry_out(self, requests: list[Request]) -> list[int]:
        pieces = [
            Piece(
                abi.BLOCK_READ if operation == BIO_READ else abi.BLOCK_WRITE,
                place, view[begin : begin + SLOT_BYTES], offset + begin,
            )
            for place, (operation, view, offset) in enumerate(requests)
            for begin in range(0, len(view), SLOT_BYTES)
        ]  # fmt: skip
        return self._run(pieces, 0, len(requests))

    def _run(self, pieces: list[Piece], discarded: int = 0, places: int = 1) -> list[int]:
        """Carry pieces out; the errno of each place, 0 if all of its pieces went well."""
        results = [0] * places
        waiting = pieces[::-1]
        try:
            self._check()
            while waiting or self._under_way:
                self._start(waiting, discarded)
                for piece, status in self._responses():
                    results[piece.place] = results[piece.place] or _errno(status)
        except BaseException as error:
            # Nobody keeps the slots that are under way apart from the next requests: they are the other end's now.
            self._dead, self._under_way = True, {}
            if not isinstance(error, HostError):
                raise
            return [failure or error.errno or EIO for failure in results]
        return results

    def _check(self) -> None:
        if self._dead:
            raise HostError(EIO, f"{self.name} is no longer in use")

    def _start(self, waiting: list[Piece], discarded: int) -> None:
        """Put into the ring what there is room for."""
        if not waiting or not self._slots:
            return
        while waiting and self._slots:
            piece, slot = waiting.pop(), self._slots.pop()
            self._under_way[slot.number] = slot, piece
            self._ring.put(self._request(piece, slot, discarded))
        self._ring.push()
        self._events.send(self._front.port)

    def _request(self, piece: Piece, slot: Slot, discarded: int) -> bytes:
        sector, length = piece.offset // abi.BLOCK_SECTOR, len(piece.view)
        if piece.operation == abi.BLOCK_DISCARD:
            fields = piece.operation, 0, self._handle, slot.number, sector, discarded // abi.BLOCK_SECTOR
            return abi.BLOCK_DISCARD_REQUEST.pack(*fields)
        if piece.operation == abi.BLOCK_WRITE:
            slot.view[:length] = piece.view
        segments = []
        for index in range(-(-length // abi.PAGE)):
            last = min(abi.PAGE, length - index * abi.PAGE) // abi.BLOCK_SECTOR - 1
            segments.append(abi.BLOCK_SEGMENT.pack(slot.grants[index], 0, last))
        header = abi.BLOCK_REQUEST.pack(piece.operation, len(segments), self._handle, slot.number, sector)
        return header + b"".join(segments)

    def _responses(self) -> list[tuple[Piece, int]]:
        """Wait for responses; what they are to, and their status."""
        silent_until = self._machine.monotonic() + SILENCE
        while True:
            found = self._ring.take(abi.BLOCK_RESPONSE.size)
            if found:
                return [self._response(*abi.BLOCK_RESPONSE.unpack(data)) for data in found]
            self._ring.ask_for_event()
            found = self._ring.take(abi.BLOCK_RESPONSE.size)
            if found:
                return [self._response(*abi.BLOCK_RESPONSE.unpack(data)) for data in found]
            now = self._machine.monotonic()
            if not self._events.wait(self._front.port, now + LOOK) and (now >= silent_until or not self._front.alive()):
                raise HostError(EIO, f"{self.name} does not answer")

    def _response(self, identity: int, operation: int, status: int) -> tuple[Piece, int]:
        slot, piece = self._under_way.pop(identity, (None, None))
        if slot is None or piece is None or operation != piece.operation:
            raise HostError(EIO, f"{self.name} answers what was not asked")
        if operation == abi.BLOCK_READ and status == abi.BLOCK_OKAY:
            piece.view[:] = slot.view[: len(piece.view)]
        self._slots.append(slot)
        return piece, status


def _errno(status: int) -> int:
    return {abi.BLOCK_OKAY: 0, abi.BLOCK_UNSUPPORTED: EOPNOTSUPP}.get(status, EIO)


def disk_name(number: int) -> bytes:
    """The name of a disk by its number in the store (docs/man/xen-vbd-interface.7): xvda, xvda1 ... xvdaa ...

    >>> disk_name(51712), disk_name(51729), disk_name((1 << 28) + (27 << 8) + 3)
    (b'xvda', b'xvdb1', b'xvdab3')
    """
    if number >> 28 == 1:
        disk, partition = (number & 0xFFFFFFF) >> 8, number & 0xFF
    elif number >> 8 == 202:
        disk, partition = number >> 4 & 0xF, number & 0xF
    else:
        return b"vbd%d" % number
    letters = b""
    disk += 1
    while disk:
        disk, letter = divmod(disk - 1, 26)
        letters = bytes((97 + letter,)) + letters
    return b"xvd" + letters + (b"%d" % partition if partition else b"")


def find_disks(domain: Domain) -> list[tuple[bytes, Disk]]:
    """The disks that the tool stack has given this guest, by number; those that cannot be used are left out."""
    found = []
    for name in sorted((name for name in domain.store.list(b"device/vbd") if name.isdigit()), key=int):
        try:
            found.append((disk_name(int(name)), Disk(domain, b"device/vbd/" + name, disk_name(int(name)))))
        except HostError:
            continue
    return found
