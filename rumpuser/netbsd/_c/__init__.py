# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of NetBSD."""

PIECES = (
    "posix/crc32c", "posix/random", "set_name", "posix/names", "punch", "posix/discard", "sync", "posix/append",
    "mount_list", "posix/mounts", "posix/swaps",
)  # fmt: skip
