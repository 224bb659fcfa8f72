# SPDX-License-Identifier: BSD-2-Clause
"""The light-weight kernel: a base, and the factions vfs, net and dev, each needing only the base.

`boot` starts one; as many as wanted live in one process, independent of one another.  Nothing in here reaches a
host except through the hypercalls that the kernel was booted with.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.errors import Corrupt, Fault
    from rump.kernel.init import Kernel, boot

__all__ = ["Corrupt", "Fault", "Kernel", "boot"]


def __getattr__(name: str) -> object:
    """The public names, loaded when first asked for: importing a part must not cost the whole."""
    if name in ("boot", "Kernel"):
        from rump.kernel import init

        return getattr(init, name)
    if name in ("Fault", "Corrupt"):
        from rump.kernel import errors

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
