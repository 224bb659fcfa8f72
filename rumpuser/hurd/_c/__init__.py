# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of GNU/Hurd."""

PIECES = ("posix/crc32c",)
