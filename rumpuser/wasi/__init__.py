# SPDX-License-Identifier: BSD-2-Clause
"""WASI: WebAssembly with files and clocks (wasm32-wasip1), as CPython for it has them.

There are no threads, locks, holes, watches and network cards, and no way to see who else uses a file.  WASI cannot
duplicate a descriptor: `adopt` fails with EOPNOTSUPP.  What an embedder did not give the program - a folder, a clock -
it does not have; the errors say so.
"""

from __future__ import annotations

import os
import stat
import time

from rump.rumpuser.interface.errno import EBADF, EISDIR, EOPNOTSUPP, HostError
from rump.rumpuser.interface.hypercalls import OPEN_ACCMODE, OPEN_CREATE, OPEN_RDONLY, Condition, Mutex, Traits
from rump.rumpuser.posix.clock import Clock, resolution, sleep_until
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.copy import Copy
from rump.rumpuser.posix.crc import Checksums
from rump.rumpuser.posix.entropy import Entropy
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.no_discard import NoDiscard
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.posix.no_locks import NoLocks
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory
from rump.rumpuser.pure.no_threads import FlagMutex, LonelyCondition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


class Wasi(
    NoHoles, NoLocks, Copy, NoDiscard, Clock, Entropy, Parameters, Console, Components, Checksums, Inflation,
    AlignedMemory,
):  # fmt: skip
    """The WASI backend: one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.traits = Traits("wasi", clock_resolution=resolution(), absent=absences(type(self)))

    def mutex_create(self) -> Mutex:
        return FlagMutex()

    def condition_create(self, mutex: Mutex) -> Condition:
        return LonelyCondition(mutex, lambda nanoseconds: sleep_until(time.monotonic_ns() + nanoseconds))

    def _open(self, path: bytes, flags: int) -> int:
        # A file that may be created is opened for writing, too, whatever was asked for.
        if flags & OPEN_CREATE and flags & OPEN_ACCMODE == OPEN_RDONLY:
            os.close(super()._open(path, flags))
            flags = OPEN_RDONLY
        return super()._open(path, flags)

    @blocking
    def adopt(self, descriptor: int) -> int:
        os.fstat(descriptor)        # EBADF, if it is none
        raise HostError(EOPNOTSUPP, "adopt")

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        try:
            return super().read(handle, buffer, offset)
        except HostError as error:
            # A folder has no right to be read, and WASI says just that.
            if error.errno == EBADF and self._is_folder(handle):
                raise HostError(EISDIR) from error
            raise

    def _is_folder(self, handle: int) -> bool:
        return handle in self._descriptors and stat.S_ISDIR(os.fstat(self._descriptors[handle]).st_mode)
