# SPDX-License-Identifier: BSD-2-Clause
"""fdiscard(2), for files and disks."""

INCLUDES = """
#include <sys/types.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
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
        failed = fdiscard(descriptor, (off_t)start, (off_t)length);
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}
"""
