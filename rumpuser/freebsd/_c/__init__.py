# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of FreeBSD."""

PIECES = ("posix/crc32c", "posix/random", "posix/names_bsd", "discard", "posix/append", "mount_list", "posix/mounts")
