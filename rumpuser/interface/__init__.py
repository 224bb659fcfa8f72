# SPDX-License-Identifier: BSD-2-Clause
"""rumpuser: the contract between the kernel and whatever it runs on.  Imports nothing of a host.

``errno`` is the one error space, ``hypercalls`` declares the calls a host offers, what a host says of itself
(`Traits`) and the few calls in the other direction (`Upcalls`).
"""

from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import VERSION, Hypercalls, Traits, Upcalls

__all__ = ["VERSION", "HostError", "Hypercalls", "Traits", "Upcalls"]
