# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of a backend on a modelled system: what the C functions of `_ffi` do there."""

from __future__ import annotations

import ctypes
import os
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.conformance.models.system import System

_PUNCH_KEEPING_SIZE = 0x3
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def module(system: System) -> Any:
    """`_ffi`, or None where the backend has no pieces on this system."""
    functions = system.native()
    if not functions:
        return None
    return SimpleNamespace(lib=SimpleNamespace(**functions), ffi=SimpleNamespace(from_buffer=memoryview))


def punch(descriptor: int, start: int, length: int) -> None:
    """A hole in a file of Linux; zeros where its file system has none."""
    if _libc.fallocate(descriptor, _PUNCH_KEEPING_SIZE, start, length):
        end = min(start + length, os.fstat(descriptor).st_size)
        os.pwrite(descriptor, bytes(max(0, end - start)), start)


def random(buffer: memoryview, length: int) -> None:
    """arc4random_buf(3)."""
    buffer[:length] = os.urandom(length)


def thread_name(system: System) -> Callable[[bytes], int]:
    """pthread_setname_np(3) and its kin."""

    def name_it(name: bytes) -> int:
        system.thread_names.append(name.decode())
        return 0

    return name_it


def listed(texts: Callable[[], list[str]]) -> Callable[[memoryview, int], int]:
    """A function that writes strings, each with a zero byte behind it, as far as there is room; how much all take."""

    def write(buffer: memoryview, size: int) -> int:
        data = b"".join(os.fsencode(text) + b"\0" for text in texts())
        buffer[: min(size, len(data))] = data[:size]
        return len(data)

    return write


def mounts(system: System) -> Callable[[memoryview, int], int]:
    """getvfsstat(2), getfsstat(2): pairs of strings."""
    return listed(lambda: [text for pair in system.mounts for text in pair])


def swaps(system: System) -> Callable[[memoryview, int], int]:
    """swapctl(2), SWAP_STATS."""
    return listed(lambda: system.swaps)
