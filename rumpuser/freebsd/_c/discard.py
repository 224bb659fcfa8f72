# SPDX-License-Identifier: BSD-2-Clause
"""fspacectl(2), which FreeBSD has since release 14."""

INCLUDES = """
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_punch(int descriptor, int64_t start, int64_t length);
"""

CODE = """
/* 0, or the host's errno.  The system may do a part at a time, and says what is left. */
static int rump_punch(int descriptor, int64_t start, int64_t length)
{
#ifdef SPACECTL_DEALLOC
    struct spacectl_range range = { (off_t)start, (off_t)length };
    int failed = 0;

    while (range.r_len > 0 && (failed == 0 || errno == EINTR))
        failed = fspacectl(descriptor, SPACECTL_DEALLOC, &range, 0, &range);
    return failed ? errno : 0;
#else
    (void)descriptor, (void)start, (void)length;
    return EOPNOTSUPP;
#endif
}
"""
