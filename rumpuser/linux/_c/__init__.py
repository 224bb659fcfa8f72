# SPDX-License-Identifier: BSD-2-Clause
"""The compiled pieces of Linux: shared ones by their folder, own ones by name; a piece stands after those it calls."""

PIECES = ("posix/crc32c", "punch", "posix/discard", "watch")
