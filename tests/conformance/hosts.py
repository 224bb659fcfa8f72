# SPDX-License-Identifier: BSD-2-Clause
"""The hosts under test: a row for each, name and how its `Machine` is made.

A host joins with a row here and, if it is not like another, a module in `rump.conformance.machines`; that is imported
when the host is asked for and not before, since where there is no operating system not all can be.
"""

from __future__ import annotations

from rump.conformance.machines.base import NOW, SEED, Fixed, Machine
from rump.conformance.machines.memory import MemoryMachine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HOSTS", "NOW", "SEED", "Fixed", "Machine", "MemoryMachine"]


class Lazily:
    """Makes a machine of a class in `rump.conformance.machines`."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self._module = module
        self._name = name
        self._arguments = arguments

    def __call__(self) -> Machine:
        module = __import__(f"rump.conformance.machines.{self._module}", fromlist=[self._name])
        machine: Machine = getattr(module, self._name)(*self._arguments)
        return machine


HOSTS: dict[str, Callable[[], Machine]] = {
    "linux": Lazily("posix", "Native"),
    "linux-pure": Lazily("posix", "Pure"),
    "linux-isolated": Lazily("posix", "Isolated"),
    "linux-remote": Lazily("posix", "Remote"),
    "native": Lazily("posix", "Default"),
    "linux-tap": Lazily("tap", "TapMachine"),
    "bare-memory": MemoryMachine,
    "metal": Lazily("bare", "OnDisk"),
    "xen": Lazily("bare", "OnDisk"),
    "wasi": Lazily("wasi", "WasiMachine"),
    **{
        f"simulated-{system}": Lazily("simulated", "Simulated", system)
        for system in ("netbsd", "dragonfly", "solaris", "cygwin", "hurd", "freebsd", "openbsd", "macos")
    },
}
