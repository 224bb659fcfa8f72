# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of OpenBSD."""

PIECES = (
    "posix/crc32c", "posix/random", "posix/names_bsd", "posix/append", "mount_list", "posix/mounts", "posix/swaps",
)  # fmt: skip
