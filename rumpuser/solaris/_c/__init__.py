# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of illumos and Solaris."""

PIECES = ("posix/crc32c", "posix/random", "posix/set_name", "posix/names", "watch")
