# SPDX-License-Identifier: BSD-2-Clause
"""The lwp as programs have it: every system call there is."""

from __future__ import annotations

from rump.kernel.syscalls.descriptors import DescriptorCalls
from rump.kernel.syscalls.identity import IdentityCalls
from rump.kernel.vfs.syscalls.attributes import AttributeCalls
from rump.kernel.vfs.syscalls.bulk import BulkCalls
from rump.kernel.vfs.syscalls.mounts import MountCalls
from rump.kernel.vfs.syscalls.names import NameCalls
from rump.kernel.vfs.syscalls.opening import OpeningCalls
from rump.kernel.vfs.syscalls.xattrs import XattrCalls


class Lwp(
    DescriptorCalls, IdentityCalls, OpeningCalls, AttributeCalls, NameCalls, XattrCalls, MountCalls, BulkCalls
):
    """A light-weight process with the system calls of the base and of the file-system faction as its methods."""
