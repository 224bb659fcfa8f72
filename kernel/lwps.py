# SPDX-License-Identifier: BSD-2-Clause
"""The lwp as programs have it: every system call there is.

The calls come in groups, a module each.  To type checkers `Lwp` derives from all of them; when running it takes the
groups in one after the other, as far as a call is asked for that it does not have yet: a program that only lists a
directory shall not load what removes extended attributes.
"""

from __future__ import annotations

from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import SYSCALLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.syscalls.descriptors import DescriptorCalls
    from rump.kernel.syscalls.identity import IdentityCalls
    from rump.kernel.vfs.syscalls.attributes import AttributeCalls
    from rump.kernel.vfs.syscalls.bulk import BulkCalls
    from rump.kernel.vfs.syscalls.filling import FillingCalls
    from rump.kernel.vfs.syscalls.locks import LockCalls
    from rump.kernel.vfs.syscalls.mounts import MountCalls
    from rump.kernel.vfs.syscalls.names import NameCalls
    from rump.kernel.vfs.syscalls.opening import OpeningCalls
    from rump.kernel.vfs.syscalls.xattrs import XattrCalls

    class Lwp(
        DescriptorCalls, IdentityCalls, OpeningCalls, AttributeCalls, NameCalls, XattrCalls, MountCalls, BulkCalls,
        FillingCalls, LockCalls,
    ):  # fmt: skip
        """A light-weight process with the system calls of the base and of the file-system faction as its methods."""

else:

    class Lwp(LwpBase):
        """A light-weight process with the system calls of the base and of the file-system faction as its methods."""

        def __getattr__(self, name):
            """Take groups in until one has the call."""
            while WAITING:
                if name in _take_in():
                    return getattr(self, name)
            if name in vars(Lwp):       # another thread was first
                return getattr(self, name)
            raise AttributeError(f"there is no system call {name}", name=name, obj=self)


GROUPS = (
    ("rump.kernel.vfs.syscalls.opening", "OpeningCalls"),
    ("rump.kernel.vfs.syscalls.mounts", "MountCalls"),
    ("rump.kernel.syscalls.descriptors", "DescriptorCalls"),
    ("rump.kernel.vfs.syscalls.bulk", "BulkCalls"),
    ("rump.kernel.vfs.syscalls.attributes", "AttributeCalls"),
    ("rump.kernel.vfs.syscalls.names", "NameCalls"),
    ("rump.kernel.vfs.syscalls.xattrs", "XattrCalls"),
    ("rump.kernel.syscalls.identity", "IdentityCalls"),
    ("rump.kernel.vfs.syscalls.filling", "FillingCalls"),
    ("rump.kernel.vfs.syscalls.locks", "LockCalls"),
)
"""The groups of system calls, those that every program needs first."""

WAITING = [*GROUPS]
"""The groups not taken in yet."""


def _take_in() -> dict[str, object]:
    """Give `Lwp` the next group's methods; what they are.  Threads may do it side by side: a group is waiting until its
    methods are there, and to give them twice does no harm."""
    waiting = next(iter(WAITING), None)
    if waiting is None:
        return {}
    module, group = waiting
    methods = vars(getattr(__import__(module, fromlist=[group]), group))
    found = {name: method for name, method in methods.items() if not name.startswith("__")}
    for name, method in found.items():
        setattr(Lwp, name, method)
    try:
        WAITING.remove(waiting)
    except ValueError:
        pass        # another thread has
    return found


def system_calls() -> dict[str, Callable[..., object]]:
    """All system calls by name."""
    while WAITING:
        _take_in()
    return SYSCALLS
