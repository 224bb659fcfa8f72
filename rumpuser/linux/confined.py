# SPDX-License-Identifier: BSD-2-Clause
"""The host of a confined process of Linux."""

from __future__ import annotations

from rump.rumpuser.linux.confinement import confine
from rump.rumpuser.posix.confined_child import ConfinedHost


class LinuxConfinedHost(ConfinedHost):
    """Confined by no_new_privs, Landlock and seccomp, as far as the kernel has them."""

    folder = "linux"

    def confine(self) -> tuple[str, ...]:
        return confine()
