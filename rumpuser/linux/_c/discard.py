# SPDX-License-Identifier: BSD-2-Clause
"""fallocate(2) as far as it makes holes."""

INCLUDES = """
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <linux/falloc.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_punch(int descriptor, int64_t start, int64_t length);
"""

CODE = """
/* 0, or the host's errno. */
static int rump_punch(int descriptor, int64_t start, int64_t length)
{
    int failed;

    do
        failed = fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start, (off_t)length);
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}
"""
