# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces, if they are there, and the checksums made of them."""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.posix.crc import Checksums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from typing_extensions import Buffer

    from rump.rumpuser.posix.crc import Many, Single


def compiled() -> Any:
    """The compiled module, or None: not installed, not loadable here, or turned off by RUMP_NATIVE=0."""
    if os.environ.get("RUMP_NATIVE") == "0":
        return None
    try:
        from rump.rumpuser.linux import _ffi
    except ImportError:
        return None
    return _ffi


def compiled_names() -> tuple[str, ...]:
    """The names of the pieces in it, sorted."""
    return ("crc32c", "discard") if compiled() else ()


class LinuxChecksums(Checksums):
    """CRC-32C by the processor's instruction where it has one, else by tables in C, else in Python."""

    def _checksums(self) -> tuple[Single, Many]:
        module = compiled()
        return _bind(module.ffi, module.lib) if module else super()._checksums()


def _bind(ffi: Any, lib: Any) -> tuple[Single, Many]:
    """The two accelerators over the C functions."""
    from_buffer, new, unpack = ffi.from_buffer, ffi.new, ffi.unpack
    one, many = lib.rump_crc32c, lib.rump_crc32c_many
    lib.rump_crc32c_prepare()

    def crc32c(seed: int, data: Buffer) -> int:
        try:
            view = from_buffer("uint8_t[]", data)
            result: int = one(seed, view, len(view))
        except OverflowError:
            raise HostError(EINVAL, "crc32c seed") from None
        return result

    def crc32c_many(
        seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int
    ) -> list[int]:
        if min(offset, stride, length, count) < 0 or len(seeds) not in (1, count):
            raise HostError(EINVAL, "crc32c_many")
        view = from_buffer("uint8_t[]", data)
        if not count:
            return []
        if offset + (count - 1) * stride + length > len(view):
            raise HostError(EINVAL, "crc32c_many: a piece outside the buffer")
        try:
            states = new("uint32_t[]", seeds if len(seeds) == count else (*seeds,) * count)
        except OverflowError:
            raise HostError(EINVAL, "crc32c_many: a seed outside 32 bits") from None
        many(states, view, offset, stride, length, count)
        result: list[int] = unpack(states, count)
        return result

    return crc32c, crc32c_many
