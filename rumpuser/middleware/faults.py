# SPDX-License-Identifier: BSD-2-Clause
"""Faults: the n-th hypercall fails.

A test runs its body with nth = 1, 2, 3 ... until a run ends in which nothing was touched (`fired` is False): then
every call that the body makes has failed once.
"""

from __future__ import annotations

from rump.rumpuser.interface.errno import EIO, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, Hypercalls
from rump.rumpuser.middleware.base import CARDS, CONFINED, FILES, STREAMS, WATCHES, Middleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ANY = (*FILES, *WATCHES, *CARDS, *STREAMS, *CONFINED, "getrandom")
"""What "any call" means: those that the contract lets fail although the caller did nothing wrong."""


class Faults(Middleware):
    """Counts calls and makes some of them fail before they reach the host.

    counts      how often each hypercall was made
    fired       whether anything was made to fail
    """

    def __init__(
        self,
        host: Hypercalls,
        call: str | None = None,
        nth: int = 0,
        errno: int = EIO,
        *,
        forever: bool = False,
        truncate_reads_after: int | None = None,
    ) -> None:
        """call: the name of a hypercall, None for any of `ANY`; nth: which of them fails, the first being 1, 0 none;
        forever: all later ones, too; truncate_reads_after: so many reads are whole, later ones end half way, as if
        the device did (a request of submit counts as a read).
        """
        super().__init__(host)
        self.counts: dict[str, int] = {}
        self.fired = False
        self._targets = ANY if call is None else (call,)
        self._nth = nth
        self._errno = errno
        self._forever = forever
        self._whole_reads = truncate_reads_after

    def _call(self, name: str, *arguments: Any) -> Any:
        self.counts[name] = self.counts.get(name, 0) + 1
        if not self._due(name):
            return self._submit(*arguments) if name == "submit" else self._one(name, *arguments)
        self.fired = True
        if name != "submit":
            raise HostError(self._errno, f"injected into {name}")
        # What befalls a request is in its result: the first one fails, the others are carried out.
        return (-self._errno, *self._submit(arguments[0], arguments[1][1:]))[: len(arguments[1])]

    def _due(self, name: str) -> bool:
        if name not in self._targets or not self._nth:
            return False
        count = sum(self.counts.get(target, 0) for target in self._targets)
        return count == self._nth or (self._forever and count > self._nth)

    def _one(self, name: str, *arguments: Any) -> Any:
        if name != "read" or self._whole_reads is None:
            return super()._call(name, *arguments)
        if self._whole_reads > 0:
            self._whole_reads -= 1
            return super()._call(name, *arguments)
        self.fired = True
        handle, buffer, offset = arguments
        view = memoryview(buffer).cast("B")
        return super()._call(name, handle, view[: len(view) // 2], offset)

    def _submit(self, handle: int, requests: Any) -> tuple[int, ...]:
        if self._whole_reads is None or not requests:
            results: tuple[int, ...] = super()._call("submit", handle, requests)
            return results
        return tuple([self._request(handle, *request) for request in requests])

    def _request(self, handle: int, operation: int, buffer: Any, offset: int) -> int:
        if operation != BIO_READ:
            (result,) = super()._call("submit", handle, [(operation, buffer, offset)])
            return int(result)
        try:
            return int(self._one("read", handle, buffer, offset))
        except HostError as error:
            return -(error.errno or EIO)
