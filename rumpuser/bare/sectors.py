# SPDX-License-Identifier: BSD-2-Clause
"""Devices that move whole sectors only, made to move any range."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EROFS, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rump.rumpuser.bare.virtio.machine import Lock

    Request = tuple[int, memoryview, int]
    """BIO_READ or BIO_WRITE, the bytes, where on the device."""


class Sectors:
    """A `Device` but for its `carry_out`.

    name        for messages
    lock        held while requests are under way: one that is not of whole sectors must not overlap another
    """

    name: str
    lock: Lock
    sector: int
    read_only: bool

    def carry_out(self, requests: list[Request]) -> list[int]:
        """Requests of whole sectors, none empty, under way together; the errno of each, 0 if it went well.

        Requires: the lock is held.
        """
        raise NotImplementedError

    def read(self, buffer: memoryview, offset: int) -> None:
        self._alone((BIO_READ, buffer, offset))

    def write(self, data: memoryview, offset: int) -> None:
        self._alone((BIO_WRITE, data, offset))

    def _alone(self, request: Request) -> None:
        failure = self.submit([request])[0]
        if failure:
            raise HostError(failure, self.name)

    def submit(self, requests: Sequence[Request]) -> list[int]:
        """Reads and writes in any order; each one's errno, 0 if it went well."""
        with self.lock:
            return self._submit(requests)

    def _submit(self, requests: Sequence[Request]) -> list[int]:
        results = [0] * len(requests)
        whole: list[Request] = []
        places: list[int] = []
        for place, (operation, view, offset) in enumerate(requests):
            if operation == BIO_WRITE and self.read_only:
                results[place] = EROFS
            elif (offset | len(view)) % self.sector:
                results[place] = self._around(operation, view, offset)
            elif view:
                whole.append((operation, view, offset))
                places.append(place)
        for place, failure in zip(places, self.carry_out(whole) if whole else (), strict=True):
            results[place] = failure
        return results

    def _around(self, operation: int, view: memoryview, offset: int) -> int:
        """A range that does not begin and end with a sector: the sectors that it lies in are read, and written."""
        start, end = offset - offset % self.sector, offset + len(view)
        sectors = memoryview(bytearray(end + -end % self.sector - start))
        failure = self.carry_out([(BIO_READ, sectors, start)])[0]
        inside = sectors[offset - start : end - start]
        if operation == BIO_READ and not failure:
            view[:] = inside
        elif not failure:
            inside[:] = view
            failure = self.carry_out([(BIO_WRITE, sectors, start)])[0]
        return failure
