# SPDX-License-Identifier: BSD-2-Clause
"""Host models: backends on the documented behaviour of systems that are not here.  *Simulated*, never more.

`Simulation("netbsd")` loads the backend's own modules, unmodified, on a model of NetBSD: its numbers, layouts and
ioctls, the calls it lacks, what it does otherwise than Linux - each taken from the system's headers and manual pages,
which the model's docstring cites - and Linux' files under it.  What a model shows is that a backend's translation is
right by these documents; not that the documents, or the model, are.
"""

from __future__ import annotations

from rump.conformance.models import modules, native, sockets
from rump.conformance.models.loader import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.conformance.models.system import System

CLASSES = {
    "cygwin": "Cygwin",
    "dragonfly": "DragonFly",
    "freebsd": "FreeBSD",
    "hurd": "Hurd",
    "macos": "MacOS",
    "netbsd": "NetBSD",
    "openbsd": "OpenBSD",
    "solaris": "Solaris",
}
"""Folder below rumpuser -> the backend's class there, and the model's class in the module of that name here."""


class Simulation:
    """A machine that runs a modelled system, and the backend's modules on it.

    compiled   with the compiled pieces of the backend, as the model has them
    """

    def __init__(self, host: str, compiled: bool = True) -> None:
        self.host = host
        module = __import__(f"rump.conformance.models.{host}", fromlist=[CLASSES[host]])
        self.system: System = getattr(module, CLASSES[host])()
        given = modules.modules(self.system)
        given["socket"] = sockets.sockets(self.system)
        given[f"rump.rumpuser.{host}._ffi"] = native.module(self.system) if compiled else None
        if given[f"rump.rumpuser.{host}._ffi"] is None:
            del given[f"rump.rumpuser.{host}._ffi"]
        self.world = World(host, given, self.system.open_text)

    def backend(self) -> Any:
        """Another object of the backend's class; all share the machine."""
        return getattr(self.world.load(f"rump.rumpuser.{self.host}"), CLASSES[self.host])()
