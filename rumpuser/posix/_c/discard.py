# SPDX-License-Identifier: BSD-2-Clause
"""Holes in files.  A piece `punch` says how the host makes them: RUMP_PUNCH, 0 or -1 and errno."""

INCLUDES = """
#include <sys/types.h>
#include <errno.h>
#include <stdint.h>
"""

FUNCTIONS = """
int rump_punch(int descriptor, int64_t start, int64_t length);
"""

CODE = """
/* 0, or the host's errno. */
static int rump_punch(int descriptor, int64_t start, int64_t length)
{
    int failed;

    do
        failed = RUMP_PUNCH(descriptor, (off_t)start, (off_t)length);
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}
"""
