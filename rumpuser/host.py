# SPDX-License-Identifier: BSD-2-Clause
"""Which host this is.  The one place where the platform's name is read."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.interface.hypercalls import Hypercalls


def default() -> Hypercalls:
    """The backend of the platform this runs on.  Errors: NotImplementedError, naming a platform without one."""
    if sys.platform == "linux":
        from rump.rumpuser.linux import Linux

        return Linux()
    else:
        raise NotImplementedError(f"rumpkernel has no host backend for the platform {sys.platform!r}")
