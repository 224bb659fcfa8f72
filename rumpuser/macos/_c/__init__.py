# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of macOS."""

PIECES = (
    "posix/crc32c", "posix/random", "set_name", "posix/names", "posix/append", "posix/mount_list", "posix/mounts",
)  # fmt: skip
