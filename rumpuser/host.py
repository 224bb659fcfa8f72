# SPDX-License-Identifier: BSD-2-Clause
"""Which host this is.  The one place where the platform's name is read."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.interface.hypercalls import Hypercalls

BACKENDS = {
    "linux": ("linux", "Linux"),
    "netbsd": ("netbsd", "NetBSD"),
    "dragonfly": ("dragonfly", "DragonFly"),
    "sunos": ("solaris", "Solaris"),
    "cygwin": ("cygwin", "Cygwin"),
    "gnu": ("hurd", "Hurd"),
    "freebsd": ("freebsd", "FreeBSD"),
    "openbsd": ("openbsd", "OpenBSD"),
    "darwin": ("macos", "MacOS"),
    "wasi": ("wasi", "Wasi"),
    "metal": ("bare.metal.host", "MetalHost"),
    "xen": ("bare.xen.host", "XenHost"),
}
"""sys.platform without its number, or what our own kernel says it runs on -> the backend's module, its class there."""


def default() -> Hypercalls:
    """The backend of the platform this runs on.  Errors: NotImplementedError, naming a platform without one."""
    name = sys.platform.rstrip("0123456789.")
    if "_hyper" in sys.builtin_module_names:    # an interpreter that was compiled for Linux, and is the only program
        from rump.rumpuser.bare._hyper import MACHINE

        name = MACHINE
    found = BACKENDS.get(name)
    if found is None:
        raise NotImplementedError(f"rumpkernel has no host backend for the platform {sys.platform!r}")
    module, kind = found
    made: Hypercalls = getattr(__import__(f"rump.rumpuser.{module}", fromlist=[kind]), kind)()
    return made
