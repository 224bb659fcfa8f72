# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of macOS."""

PIECES = ("posix/crc32c", "posix/random", "names", "posix/append", "mount_list", "posix/mounts")
