# SPDX-License-Identifier: BSD-2-Clause
"""Backends of systems that are not here, on models of them."""

from __future__ import annotations

from rump.conformance.machines.base import SIMULATED
from rump.conformance.machines.posix import PosixMachine
from rump.conformance.models import Simulation

SECTOR = 512


class Simulated(PosixMachine):
    """A modelled system.  `disks`: what is put there, if it is whole sectors, is shown as disks, not as files."""

    def __init__(self, name: str, compiled: bool = True, disks: bool = False) -> None:
        self.simulation = Simulation(name, compiled)
        self._disks = disks
        super().__init__(self.simulation.backend, SIMULATED)

    def put(self, name: str, data: bytes) -> bytes:
        path = super().put(name, data)
        if self._disks and data and not len(data) % SECTOR:
            self.simulation.system.present(path.decode(), path.decode())
        return path
