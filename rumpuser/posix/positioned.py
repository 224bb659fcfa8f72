# SPDX-License-Identifier: BSD-2-Clause
"""preadv(2) and pwritev(2) by pread(2) and pwrite(2), for hosts without them: one buffer is all we ever give."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer


def preadv(descriptor: int, buffers: Sequence[Buffer], offset: int) -> int:
    """Into the only buffer, as much as comes; how much that was."""
    (buffer,) = buffers
    view = memoryview(buffer).cast("B")
    data = os.pread(descriptor, view.nbytes, offset)
    view[: len(data)] = data
    return len(data)


def pwritev(descriptor: int, buffers: Sequence[Buffer], offset: int) -> int:
    """From the only buffer, as much as goes; how much that was."""
    (buffer,) = buffers
    return os.pwrite(descriptor, buffer, offset)
