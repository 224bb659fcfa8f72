# SPDX-License-Identifier: BSD-2-Clause
"""C structures and ioctl numbers, for what the standard library hands over as bytes.

A layout is computed by the rules of the machine it runs on (natural alignment, as the C ABIs of all our hosts have
it), from members in the order in which a header declares them.
"""

from __future__ import annotations

import struct

_IN = 0x80000000
_OUT = 0x40000000
_NONE = 0x20000000
_SIZE_MASK = 0x1FFF


class Layout:
    """A C structure: its type's name, size, and members as name -> (offset, code of `struct`)."""

    def __init__(self, ctype: str, *members: tuple[str, str]) -> None:
        self.ctype = ctype
        self.fields: dict[str, tuple[int, str]] = {}
        codes = "@"
        for name, code in members:
            codes += code
            self.fields[name] = (struct.calcsize(codes) - struct.calcsize(code), code)
        widest = max((code[-1] for _, code in members), key=struct.calcsize)
        self.size = struct.calcsize(f"{codes}0{widest}")

    def pack(self, **values: int) -> bytearray:
        """A structure with these members, and zeros elsewhere."""
        data = bytearray(self.size)
        for name, value in values.items():
            offset, code = self.fields[name]
            struct.pack_into(code, data, offset, value)
        return data

    def get(self, data: bytes | bytearray, name: str) -> int:
        """One member, a number."""
        offset, code = self.fields[name]
        (value,) = struct.unpack_from(code, data, offset)
        return int(value)


def ior(group: str, number: int, size: int) -> int:
    """_IOR of <sys/ioccom.h>, which all systems with 4.4BSD's ioctls have alike: the kernel writes `size` bytes."""
    return _OUT | (size & _SIZE_MASK) << 16 | ord(group) << 8 | number


def iowr(group: str, number: int, size: int) -> int:
    """_IOWR of <sys/ioccom.h>: the kernel reads and writes `size` bytes."""
    return _IN | ior(group, number, size)


def io(group: str, number: int) -> int:
    """_IO of <sys/ioccom.h>: no argument."""
    return _NONE | ord(group) << 8 | number
