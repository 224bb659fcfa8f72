# SPDX-License-Identifier: BSD-2-Clause
"""Copying trees out of a kernel, into one, or inside it.

    target = HostTarget(KernelSource(lwp), archive())
    failures = copy_tree(b"/etc", target, b"/tmp/out")

The engine walks a source (`kernel_source`, `host_source`) by rows of whole directories and hands each file to a target
(`host`, `kernel`), small ones by the hundred where the target takes them so.
A target never follows a symbolic link: it works with directory descriptors only, and what is there already is
replaced by renaming a finished file over it.
"""

from __future__ import annotations

from rump.fsutils.copy.options import Keep, Rules, archive
from rump.fsutils.copy.tree import copy_tree

__all__ = ["Keep", "Rules", "archive", "copy_tree"]
