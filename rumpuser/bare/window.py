# SPDX-License-Identifier: BSD-2-Clause
"""Part of a block device, as a device."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, EOPNOTSUPP, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import Device

    Request = tuple[int, memoryview, int]


class Window:
    """`size` bytes of a device from `start`, a multiple of its sector; nothing outside them is read or written."""

    def __init__(self, device: Device, start: int, size: int) -> None:
        if start < 0 or size < 0 or start % device.sector or start + size > device.size:
            raise HostError(EINVAL, f"{size} bytes from {start} of a device of {device.size}")
        self._device, self._start, self.size = device, start, size
        self.kind, self.sector, self.read_only = device.kind, device.sector, device.read_only

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise HostError(EINVAL, "outside the window")

    def read(self, buffer: memoryview, offset: int) -> None:
        self._check(offset, len(buffer))
        self._device.read(buffer, self._start + offset)

    def write(self, data: memoryview, offset: int) -> None:
        self._check(offset, len(data))
        self._device.write(data, self._start + offset)

    def submit(self, requests: list[Request]) -> list[int]:
        """All of them together, if the device can do that."""
        from rump.rumpuser.bare import carry_out

        for _, view, offset in requests:
            self._check(offset, len(view))
        return carry_out(self._device, [(kind, view, self._start + offset) for kind, view, offset in requests])

    def resize(self, size: int) -> None:
        """Never asked of a block device."""

    def sync(self) -> None:
        self._device.sync()

    def discard(self, start: int, length: int) -> None:
        """Errors: EOPNOTSUPP - the device cannot."""
        self._check(start, length)
        give_back = getattr(self._device, "discard", None)
        if give_back is None:
            raise HostError(EOPNOTSUPP, "discard")
        give_back(self._start + start, length)
