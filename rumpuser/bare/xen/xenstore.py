# SPDX-License-Identifier: BSD-2-Clause
"""Xenstore: the names and values by which domains find one another (docs/misc/xenstore.txt, io/xs_wire.h).

Requests and answers are messages in two rings of one page.  One request is under way at a time.  Changes are noticed by
looking again: the few that matter come once, while a device is connected.
"""

from __future__ import annotations

from _thread import allocate_lock

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface import errno
from rump.rumpuser.interface.errno import EAGAIN, EINVAL, EIO, ENOENT, ETIMEDOUT, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.rumpuser.bare.xen.events import Events
    from rump.rumpuser.bare.xen.machine import Machine

SECOND = 10**9
PATIENCE = 30 * SECOND
"""How long the daemon may take for an answer."""

LOOK_AGAIN = SECOND // 100
TRIES = 20


class StoreRing:
    """The bytes of the two rings at `address`.  The other end is not trusted: indices that cannot be are EIO."""

    def __init__(self, machine: Machine, address: int) -> None:
        self._machine, self._address = machine, address
        self._bytes = machine.view(address, abi.STORE_INDICES)

    def _indices(self, which: int) -> tuple[int, int, int]:
        """Consumer, producer, and how many bytes lie between them; `which` 0 are the requests', 2 the responses'."""
        start = self._address + abi.STORE_INDICES + 4 * which
        consumer, producer = self._machine.load(start, 4), self._machine.load(start + 4, 4)
        filled = (producer - consumer) % (1 << 32)
        if filled > abi.STORE_RING:
            raise HostError(EIO, "xenstore's ring is damaged")
        return consumer, producer, filled

    def put(self, data: bytes) -> int:
        """Put as many bytes of a request as there is room for; how many."""
        _, producer, filled = self._indices(0)
        at = producer % abi.STORE_RING
        count = min(len(data), abi.STORE_RING - filled, abi.STORE_RING - at)
        self._bytes[abi.STORE_REQUESTS + at : abi.STORE_REQUESTS + at + count] = data[:count]
        self._machine.store(self._address + abi.STORE_INDICES + 4, 4, (producer + count) % (1 << 32))
        return count

    def get(self, most: int) -> bytes:
        """Take up to `most` bytes of what was answered."""
        consumer, _, filled = self._indices(2)
        at = consumer % abi.STORE_RING
        count = min(most, filled, abi.STORE_RING - at)
        data = bytes(self._bytes[abi.STORE_RESPONSES + at : abi.STORE_RESPONSES + at + count])
        self._machine.barrier()
        self._machine.store(self._address + abi.STORE_INDICES + 8, 4, (consumer + count) % (1 << 32))
        return data


class Store:
    """The store, over the page at `address` and an event channel.  Paths and values are bytes.

    Relative paths are relative to this domain's own folder.  Errors: ENOENT, EACCES ... as the daemon says; EIO -
    it talks nonsense; ETIMEDOUT - it does not talk.
    """

    def __init__(self, machine: Machine, events: Events, address: int, port: int) -> None:
        self._ring = StoreRing(machine, address)
        self._machine, self._events, self._port = machine, events, port
        self._lock = allocate_lock()
        self._number = 0
        self._broken = False

    # ---- what people ask for -------------------------------------------------------------------------------------

    def read(self, path: bytes, transaction: int = 0) -> bytes:
        """A node's value."""
        return self._ask(abi.STORE_READ, _path(path), transaction)

    def read_number(self, path: bytes, default: int | None = None) -> int:
        """A node's value as a number; `default` if there is no such node or no number in it."""
        try:
            text = self.read(path)
            if not text.isdigit() or len(text) > 20:
                raise HostError(EINVAL, f"{path!r} is no number: {text!r}")
        except HostError as error:
            if default is None or error.errno not in (ENOENT, EINVAL):
                raise
            return default
        return int(text)

    def list(self, path: bytes) -> list[bytes]:
        """The names in a node, sorted; none if it is not there."""
        try:
            found = self._ask(abi.STORE_DIRECTORY, _path(path))
        except HostError as error:
            if error.errno == ENOENT:
                return []
            raise
        return sorted(name for name in found.split(b"\0") if name)

    def write(self, path: bytes, value: bytes, transaction: int = 0) -> None:
        """Set a node's value; the node comes into being."""
        self._ask(abi.STORE_WRITE, _path(path) + value, transaction)

    def remove(self, path: bytes) -> None:
        """Remove a node with what is in it."""
        self._ask(abi.STORE_RM, _path(path))

    def write_all(self, values: dict[bytes, bytes]) -> None:
        """Set many nodes at once: whoever looks sees none or all."""
        for _ in range(TRIES):
            transaction = int(self._ask(abi.STORE_TRANSACTION_START, b"\0").rstrip(b"\0") or b"0")
            try:
                for path, value in values.items():
                    self.write(path, value, transaction)
            except HostError:
                self._ask(abi.STORE_TRANSACTION_END, b"F\0", transaction)
                raise
            try:
                self._ask(abi.STORE_TRANSACTION_END, b"T\0", transaction)
            except HostError as error:
                if error.errno == EAGAIN:       # somebody changed what we looked at
                    continue
                raise
            return
        raise HostError(EAGAIN, "xenstore: the transaction was never let through")

    def wait_for(self, path: bytes, wanted: Callable[[int], bool], until: int) -> int:
        """Wait for a node to hold a number that is wanted; that number.  Errors: ETIMEDOUT."""
        while True:
            value = self.read_number(path, 0)
            if wanted(value):
                return value
            now = self._machine.monotonic()
            if now >= until:
                raise HostError(ETIMEDOUT, f"{path!r} is {value}")
            self._machine.wait(min(until, now + LOOK_AGAIN))

    # ---- messages ------------------------------------------------------------------------------------------------

    def _ask(self, kind: int, payload: bytes, transaction: int = 0) -> bytes:
        if len(payload) > abi.STORE_PAYLOAD_MAX:
            raise HostError(EINVAL, "xenstore: a message too long")
        with self._lock:
            if self._broken:
                raise HostError(EIO, "xenstore no longer makes sense")
            self._number = (self._number + 1) % (1 << 32)
            self._broken = True         # unless all of the answer comes: the next would be mistaken for it
            until = self._machine.monotonic() + PATIENCE
            header = abi.STORE_HEADER.pack(kind, self._number, transaction, len(payload))
            self._send(header + payload, until)
            found, answer = self._answer(until)
            self._broken = False
        if found == abi.STORE_ERROR:
            name = answer.rstrip(b"\0").decode("ascii", "replace")
            raise HostError(getattr(errno, name, EIO) if name.startswith("E") else EIO, f"xenstore: {payload[:80]!r}")
        if found != kind:
            raise HostError(EIO, f"xenstore answers {found} to {kind}")
        return answer

    def _answer(self, until: int) -> tuple[int, bytes]:
        """The answer to the last request: its type and payload.  News of watches that nobody set are passed over."""
        while True:
            kind, number, _, length = abi.STORE_HEADER.unpack(self._receive(abi.STORE_HEADER.size, until))
            if length > abi.STORE_PAYLOAD_MAX:
                raise HostError(EIO, f"xenstore answers with {length} bytes")
            payload = self._receive(length, until)
            if kind != abi.STORE_WATCH_EVENT:
                break
        if number != self._number:
            raise HostError(EIO, f"xenstore answers request {number} instead of {self._number}")
        return kind, payload

    def _send(self, data: bytes, until: int) -> None:
        while data:
            count = self._ring.put(data)
            data = data[count:]
            self._events.send(self._port)
            if not count:
                self._wait(until)

    def _receive(self, length: int, until: int) -> bytes:
        data = b""
        while len(data) < length:
            piece = self._ring.get(length - len(data))
            data += piece
            if piece:
                self._events.send(self._port)
            else:
                self._wait(until)
        return data

    def _wait(self, until: int) -> None:
        if not self._events.wait(self._port, until):
            raise HostError(ETIMEDOUT, "xenstore does not answer")


def _path(path: bytes) -> bytes:
    if not path or b"\0" in path or len(path) > abi.STORE_PATH_MAX:
        raise HostError(EINVAL, f"xenstore: {path[:80]!r}")
    return path + b"\0"
