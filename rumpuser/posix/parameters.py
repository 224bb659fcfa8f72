# SPDX-License-Identifier: BSD-2-Clause
"""Parameters: from the environment of the program.

RUMP_NCPU is the number of virtual CPUs ("host": as many as the host has), one unless it says otherwise;
RUMP_HOSTNAME the kernel's host name, the host's own unless it says otherwise.
"""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EINVAL, ENOENT, HostError
from rump.rumpuser.interface.hypercalls import PARAM_HOSTNAME, PARAM_NCPU, Hypercalls


class Parameters(Hypercalls):
    """getparam over os.environ."""

    def getparam(self, name: str) -> str:
        if name == PARAM_NCPU:
            return _cpus(os.environ.get("RUMP_NCPU", ""))
        if name == PARAM_HOSTNAME:
            return os.environ.get("RUMP_HOSTNAME") or os.uname().nodename or "localhost"
        if name.startswith("_"):
            raise HostError(EINVAL, name)
        try:
            return os.environ[name]
        except (KeyError, ValueError):      # ValueError: not encodable, so not in any environment
            raise HostError(ENOENT, name) from None


def _cpus(wish: str) -> str:
    if wish == "host":
        return str(os.cpu_count() or 1)
    return str(int(wish)) if wish.isascii() and wish.isdigit() and int(wish) else "1"
