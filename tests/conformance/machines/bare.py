# SPDX-License-Identifier: BSD-2-Clause
"""A machine with no operating system: images are on a real disk of its, a window each; other host files are memory.

The disk is the one called "scratch", or the first.  Imported on such a machine only.
"""

from __future__ import annotations

from rump.conformance.machines.base import Fixed, Machine
from rump.rumpuser.bare.memory import MemoryFile
from rump.rumpuser.bare.window import Window
from rump.rumpuser.host import default
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Hypercalls

PIECE = 1 << 20
CARD = b"net0"
_BOUNDARY = 4096            # where windows begin


class OnDisk(Machine):
    """Whatever bare machine this is."""

    def __init__(self) -> None:
        bare: Any = default()
        self._bare = bare
        files = bare.platform.files
        self._disk = files.get(b"scratch") or files[b"disk0"]
        self._end = 0           # of the windows so far
        self._names: set[bytes] = set()

    def hypercalls(self) -> Hypercalls:
        return Fixed(self._bare)

    def contract_host(self) -> Hypercalls:
        host: Hypercalls = self._bare
        return host

    def address(self, view: memoryview) -> int | None:
        from rump.rumpuser.bare import _hyper

        return _hyper.physical(view)

    def network(self) -> tuple[bytes, bytes, bytes] | None:
        """QEMU's own network: its addresses are always these ("Using the user mode network stack", QEMU's manual)."""
        try:
            self._bare.nic_close(self._bare.nic_open(CARD))
        except HostError:
            return None
        return CARD, bytes((10, 0, 2, 15)), bytes((10, 0, 2, 2))

    def path(self, name: str) -> bytes:
        path = name.encode()
        self._names.add(path)
        return path

    def put(self, name: str, data: bytes) -> bytes:
        path = self.path(name)
        if len(data) % self._disk.sector or not data:
            self._bare.platform.files[path] = MemoryFile(data)
            return path
        window = Window(self._disk, self._end, len(data))
        self._end += len(data) + -len(data) % _BOUNDARY
        self._fill(window, data)
        self._bare.platform.files[path] = window
        return path

    def _fill(self, window: Window, data: bytes) -> None:
        """The disk is as whoever had it before left it."""
        if getattr(self._disk, "zeroes", False):
            self._disk.zero(self._end - len(data) - -len(data) % _BOUNDARY, len(data))
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if not getattr(self._disk, "zeroes", False) or piece.count(0) != len(piece):
                window.write(memoryview(piece), start)

    def get(self, name: str) -> bytes | bytearray:
        device = self._bare.platform.files[name.encode()]
        data = bytearray(device.size)
        device.read(memoryview(data), 0)
        return data

    def open_handles(self) -> int:
        return len(self._bare._open)

    def __exit__(self, *exception: object) -> None:
        for name in self._names:
            self._bare.platform.files.pop(name, None)
