# SPDX-License-Identifier: BSD-2-Clause
"""CPython on WASI: one folder that the embedder gave, as /tmp."""

from __future__ import annotations

from rump.conformance.machines.posix import PosixMachine
from rump.rumpuser.wasi import Wasi


class WasiMachine(PosixMachine):
    """WASI, as it is given to the interpreter."""

    def __init__(self) -> None:
        super().__init__(Wasi)
