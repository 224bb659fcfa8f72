# SPDX-License-Identifier: BSD-2-Clause
"""A volume behind a wall: every argument and result goes through `marshal`, every error through numbers and text.

What works this way works in another process; the test suite runs so.  A driver that smuggles an object through, or
a view of a buffer it goes on using, fails here at once.
"""

from __future__ import annotations

import marshal

from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

OPERATIONS = tuple(name for name, value in vars(Volume).items() if callable(value) and not name.startswith("_"))
"""The names of all volume operations."""


class MarshalledVolume(Volume):
    """Stands for another volume, reached by bytes only."""

    def __init__(self, volume: Volume) -> None:
        self.capabilities = volume.capabilities
        for name in OPERATIONS:
            setattr(self, name, _through_bytes(getattr(volume, name)))


def _through_bytes(operation: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        request = marshal.dumps(tuple(bytes(a) if isinstance(a, memoryview | bytearray) else a for a in arguments))
        error, result = marshal.loads(_answer(operation, request))
        if error is not None:
            raise fault(*error)
        return result

    return call


def _answer(operation: Callable[..., Any], request: bytes) -> bytes:
    try:
        return marshal.dumps((None, operation(*marshal.loads(request))))
    except Fault as problem:
        return marshal.dumps(((problem.errno, problem.detail), None))
