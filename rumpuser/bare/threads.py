# SPDX-License-Identifier: BSD-2-Clause
"""Threads on a machine without an operating system, if the interpreter was built with some."""

from __future__ import annotations

from rump.rumpuser.bare import Bare
from rump.rumpuser.pure.threads import Threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import Platform


class Threaded(Threads, Bare):
    """A host whose `block_until` lets other threads run."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.traits.threads = True
