# SPDX-License-Identifier: BSD-2-Clause
"""What a system call of the original's protocol takes at its caller's end: argument slots, and memory to copy from."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.sysproxy import frames as f
from rump.kernel.sysproxy.sysent import NUMBERS, SYSENT, layout
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.sysproxy.frames import Frame
    from rump.servers.client.link import Link

FIRST = 0x10000         # where the memory of a call begins
ROOM_MAX = 64 << 20     # bytes that a server may ask to be mapped for one call
_U64 = (1 << 64) - 1


class Guest:
    """The caller of one system call.  Addresses are made up; the server hands them back."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._areas: dict[int, bytearray] = {}
        self._top = FIRST
        self._left = ROOM_MAX

    def place(self, data: bytes | int) -> int:
        """Put data (or so many zeros) into memory; the address."""
        address, area = self._top, bytearray(data)
        self._areas[address] = area
        self._top += -(-(len(area) + 1) // 64) * 64
        return address

    def data(self, address: int, length: int) -> bytes:
        """What is in memory there.  Errors: EFAULT."""
        if length < 0:
            raise fault(e.EPROTO, f"a length of {length}")
        area, at = self._find(address, length)
        return bytes(memoryview(area)[at : at + length])

    def _find(self, address: int, length: int) -> tuple[bytearray, int]:
        for start, area in self._areas.items():
            if start <= address and address + length <= start + len(area):
                return area, address - start
        raise fault(e.EFAULT, f"the server asks for {address:#x}")

    def call(self, name: str, *arguments: int | bytes) -> tuple[int, int]:
        """Make the system call of that name; its two values.  Bytes are placed, with a NUL behind them.

        Errors: the call's own; ConnectionLost.
        """
        number = NUMBERS[name]
        slots = SYSENT[number][1]
        values = []
        for slot, argument in zip(slots.replace("_", ""), arguments, strict=True):
            value = argument if isinstance(argument, int) else self.place(argument + b"\0")
            if slot in "Qp":
                value &= _U64
            elif slot == "u":
                value &= 0xFFFFFFFF
            values.append(value)
        answer = self._link.ask(f.SYSCALL, number, layout(slots).pack(*values), self._serve)
        if len(answer) != f.RESULT.size:
            raise fault(e.EPROTO, f"an answer of {len(answer)} bytes")
        error, one, two = f.RESULT.unpack(answer)
        if error:
            raise fault(error)
        return one, two

    def _serve(self, frame: Frame) -> bytes | None:
        """Answer a request of the server's.  Errors: EFAULT - it is not about the memory of this call."""
        if frame.type == f.ANONMMAP and len(frame.payload) >= f.ADDRESS.size:
            length = f.ADDRESS.unpack_from(frame.payload)[0]
            if length > self._left:
                return f.ADDRESS.pack(0)
            self._left -= length + ROOM_MAX // 1024     # a thousand of them, however small
            return f.ADDRESS.pack(self.place(length))
        if len(frame.payload) < f.COPY.size:
            return None                 # a signal, which we have no use for
        length, address = f.COPY.unpack_from(frame.payload)
        if frame.type == f.COPYIN:
            return self.data(address, length)
        if frame.type == f.COPYINSTR:
            area, at = self._find(address, 0)
            end = area.find(b"\0", at)
            return bytes(area[at : end + 1 if end >= 0 else len(area)][:length])
        if frame.type in (f.COPYOUT, f.COPYOUTSTR):
            data = frame.payload[f.COPY.size :]
            area, at = self._find(address, len(data))
            area[at : at + len(data)] = data
        return None
