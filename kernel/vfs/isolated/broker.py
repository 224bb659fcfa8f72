# SPDX-License-Identifier: BSD-2-Clause
"""What an isolated driver may have the kernel do: reach its own device, within its bounds, and the kernel's services.

Whatever it asks for is checked; what makes no sense is its end (`Lie`).
"""

from __future__ import annotations

from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.isolated.protocol import PIECE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Services

CALLOUTS = 4096
"""How many callouts a driver may have at a time."""
LINES = 10_000
"""How many lines it may have for the console in all."""
_LONGEST_LINE = 1000
_LONGEST_SLEEP = 600 * 10**9    # nanoseconds
_MOST_RANDOM = 1 << 16


class Lie(Fault):
    """The other process said what no driver says; what was at fault."""

    def __init__(self, detail: str) -> None:
        super().__init__(e.EIO, detail)


class Broker:
    """Answers one driver.

    device     what it was given; None: it needs none
    writable   whether it may change that
    callout    is called with the number of a callout that is due
    """

    def __init__(
        self, device: BlockDevice | None, writable: bool, services: Services, callout: Callable[[int], object]
    ) -> None:
        self.device = device
        self._writable = writable
        self._services = services
        self._callout = callout
        self._scheduled: set[int] = set()
        self._lines = 0

    def close(self) -> None:
        """Nobody is there any more to be answered or called."""
        self._callout = lambda number: None

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self._services.now()

    def answer(self, name: object, arguments: object) -> Any:
        """Do what was asked for.  Errors: `Lie` - it is nothing that can be asked; those of the device."""
        call = getattr(self, f"_do_{name}", None) if isinstance(name, str) else None
        if call is None or not isinstance(arguments, tuple):
            raise Lie("an unknown request")
        try:
            return call(*arguments)
        except (TypeError, ValueError) as error:
            raise Lie(f"a request that makes no sense: {name}: {error}") from error

    # ---- the device ----------------------------------------------------------------------------------------------

    def _range(self, offset: object, length: object) -> BlockDevice:
        """The device, if a range lies on it.  Errors: EIO - it does not."""
        if self.device is None or type(offset) is not int or type(length) is not int or length < 0:
            raise Lie("a request for bytes that makes no sense")
        if length > PIECE:
            raise Lie(f"a request for {length} bytes")
        if not 0 <= offset <= self.device.size - length:
            raise fault(e.EIO, f"{self.device.name}: bytes {offset}-{offset + length} lie outside")
        return self.device

    def _changing(self, offset: object, length: object) -> BlockDevice:
        device = self._range(offset, length)
        if not self._writable:
            raise fault(e.EROFS, device.name)
        return device

    def _do_read(self, offset: int, length: int) -> bytes:
        return self._range(offset, length).read(offset, length)

    def _do_write(self, requests: tuple[tuple[int, bytes], ...]) -> None:
        for offset, data in requests:
            if type(data) is not bytes:
                raise Lie("a request to write what is no bytes")
            self._changing(offset, len(data))
        self._changing(0, 0).write_many(requests)

    def _do_discard(self, offset: int, length: int) -> None:
        device = self._changing(offset, 0)
        if type(length) is not int or not 0 <= length <= device.size - offset:
            raise fault(e.EIO, f"{device.name}: bytes {offset}-{offset + length} lie outside")
        device.discard(offset, length)

    def _do_sync(self, barrier: bool) -> None:
        self._changing(0, 0).sync(barrier is True)

    # ---- services ------------------------------------------------------------------------------------------------

    def _do_now(self) -> int:
        return self._services.now()

    def _do_random(self, length: object) -> bytes:
        if not isinstance(length, int) or not 0 <= length <= _MOST_RANDOM:
            raise Lie(f"a request for {length} random bytes")
        return self._services.random(length)

    def _do_log(self, line: object) -> None:
        if not isinstance(line, str):
            raise Lie("a line that is no text")
        self._lines += 1
        if self._lines > LINES:
            raise Lie(f"more than {LINES} lines for the console")
        self._services.log("".join([mark if mark.isprintable() else "?" for mark in line[:_LONGEST_LINE]]))

    def _do_sleep(self, nanoseconds: int) -> None:
        if type(nanoseconds) is not int or not 0 <= nanoseconds <= _LONGEST_SLEEP:
            raise Lie(f"a request to sleep for {nanoseconds}")
        self._services.sleep(nanoseconds)

    def _do_schedule(self, number: int, delay: int) -> None:
        if type(number) is not int or type(delay) is not int or not 0 <= delay < 1 << 62:
            raise Lie("a callout that makes no sense")
        if number in self._scheduled:       # else there could be any number of the same
            raise Lie("a callout that is there already")
        if len(self._scheduled) >= CALLOUTS:
            raise Lie(f"more than {CALLOUTS} callouts")
        self._scheduled.add(number)
        self._services.schedule(delay, lambda: self._due(number))

    def _due(self, number: int) -> None:
        self._scheduled.discard(number)
        self._callout(number)
