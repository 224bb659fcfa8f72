# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of DragonFly BSD."""

PIECES = (
    "posix/crc32c", "posix/random", "posix/set_name_bsd", "posix/names", "posix/append", "posix/mount_list",
    "posix/mounts",
)  # fmt: skip
