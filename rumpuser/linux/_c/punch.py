# SPDX-License-Identifier: BSD-2-Clause
"""fallocate(2) as far as it makes holes."""

INCLUDES = """
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <linux/falloc.h>
"""

CODE = """
#define RUMP_PUNCH(descriptor, start, length) \\
    fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, length)
"""
