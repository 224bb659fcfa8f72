# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of FreeBSD."""

PIECES = (
    "posix/crc32c", "posix/random", "posix/set_name_bsd", "posix/names", "punch", "posix/discard", "posix/append",
    "posix/mount_list", "posix/mounts",
)  # fmt: skip
