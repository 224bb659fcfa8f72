# SPDX-License-Identifier: BSD-2-Clause
"""Numbers of ioctl requests: asm-generic/ioctl.h, and the architectures with codes of their own."""

from __future__ import annotations

import os

_READS = 0x80000000
_WRITES = 0x40000000
_NEITHER = 0x20000000       # elsewhere; here it is 0
_ELSEWHERE = ("alpha", "mips", "parisc", "ppc", "sparc")        # where the two are the other way round


def _turned() -> bool:
    return os.uname().machine.startswith(_ELSEWHERE)


def io(group: int, number: int) -> int:
    """_IO: no size is told."""
    return (_NEITHER if _turned() else 0) | group << 8 | number


def ior(group: int, number: int, size: int) -> int:
    """_IOR: the kernel fills in `size` bytes."""
    return (_WRITES if _turned() else _READS) | size << 16 | group << 8 | number


def iow(group: int, number: int, size: int) -> int:
    """_IOW: the kernel looks at `size` bytes."""
    return (_READS if _turned() else _WRITES) | size << 16 | group << 8 | number
