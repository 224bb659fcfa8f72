# SPDX-License-Identifier: BSD-2-Clause
"""A host's compiled module `_ffi`, if it is there, and what all hosts make of it.

The module is optional.  Which pieces are in it shows in its functions; a piece that is not there is done without.
"""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.interface.hypercalls import Hypercalls
from rump.rumpuser.posix.crc import Checksums
from rump.rumpuser.posix.getrandom import GetRandom
from rump.rumpuser.posix.no_discard import NoDiscard, refused
from rump.rumpuser.pure.threads import Threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from typing_extensions import Buffer

    from rump.rumpuser.posix.crc import Many, Single

PIECES = {
    "crc32c": "rump_crc32c",
    "discard": "rump_punch",
    "mounts": "rump_mounts",
    "names": "rump_thread_name",
    "random": "rump_random",
    "swaps": "rump_swaps",
    "sync": "rump_sync_range",
    "watch": "rump_watch_open",
}
"""Piece -> a function that is there if the piece is."""


def compiled(folder: str) -> Any:
    """The compiled module of the host in rumpuser/`folder`, or None: not installed, not loadable here, or turned off
    by RUMP_NATIVE=0.
    """
    if os.environ.get("RUMP_NATIVE") == "0":
        return None
    try:
        return __import__(f"rump.rumpuser.{folder}._ffi", fromlist=["lib"])
    except ImportError:
        return None


class Compiled(Hypercalls):
    """A host that may have compiled pieces; `folder` is its own below rumpuser."""

    folder = ""

    def _module(self, piece: str) -> Any:
        """The compiled module if it holds a piece, else None."""
        module = compiled(self.folder)
        return module if module is not None and hasattr(module.lib, PIECES[piece]) else None


def compiled_names(folder: str) -> tuple[str, ...]:
    """The names of a host's compiled pieces, sorted."""
    module = compiled(folder)
    return tuple(piece for piece in sorted(PIECES) if module is not None and hasattr(module.lib, PIECES[piece]))


class CompiledChecksums(Checksums, Compiled):
    """CRC-32C by the processor's instruction where it has one, else by tables in C, else in Python."""

    def _checksums(self) -> tuple[Single, Many]:
        module = self._module("crc32c")
        return bind_checksums(module.ffi, module.lib) if module else super()._checksums()


class CompiledDiscard(NoDiscard, Compiled):
    """discard by a call of the host's C library."""

    def _punch(self, descriptor: int, start: int, length: int) -> None:
        module = self._module("discard")
        if module is None:
            super()._punch(descriptor, start, length)
        elif number := module.lib.rump_punch(descriptor, start, length):
            raise refused(number)


class Arc4Random(GetRandom, Compiled):
    """arc4random_buf(3), which never waits and never fails."""

    def _draw(self, length: int, flags: int) -> bytes:
        module = self._module("random")
        if module is None:
            return super()._draw(length, flags)
        drawn = bytearray(length)
        module.lib.rump_random(module.ffi.from_buffer(drawn), length)
        return bytes(drawn)


class NamedThreads(Threads, Compiled):
    """Threads whose names the host's ps and debuggers show."""

    def _name_thread(self, name: str) -> None:
        module = self._module("names")
        if module is not None:
            module.lib.rump_thread_name(name.encode("utf-8", "replace"))


def bind_checksums(ffi: Any, lib: Any) -> tuple[Single, Many]:
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
