# SPDX-License-Identifier: BSD-2-Clause
"""Volumes in processes of their own: the driver runs confined, the kernel asks it, and believes nothing it says.

`volume` is the kernel's side, a `Volume` like any other; `child` is what runs in the process, around the unmodified
driver; `broker` does for it what it may not do itself, within bounds; `shapes` looks at what it answers.
"""
