# SPDX-License-Identifier: BSD-2-Clause
"""Decompression, by the interpreter's zlib where it has one."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.interface.hypercalls import Hypercalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from typing_extensions import Buffer

    Inflate: TypeAlias = Callable[[Buffer, int], bytes]


class Inflation(Hypercalls):
    """On the first call the implementation is looked up; from then on it stands in the instance itself."""

    def inflate(self, data: Buffer, limit: int) -> bytes:
        self.__dict__["inflate"] = found = implementation()
        return found(data, limit)


def implementation() -> Inflate:
    """zlib's, or the one in plain Python."""
    try:
        import zlib
    except ImportError:
        from rump.rumpuser.pure.inflate import inflate

        return inflate

    def by_zlib(data: Buffer, limit: int) -> bytes:
        if limit < 0:
            raise HostError(EINVAL, "inflate: limit")
        stream = zlib.decompressobj()
        try:
            out = stream.decompress(data, limit + 1)
        except zlib.error as error:
            raise HostError(EINVAL, f"inflate: {error}") from None
        if len(out) > limit:
            raise HostError(EINVAL, f"inflate: more than {limit} bytes")
        if not stream.eof:
            raise HostError(EINVAL, "inflate: truncated")
        return out

    return by_zlib
