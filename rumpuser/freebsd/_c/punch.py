# SPDX-License-Identifier: BSD-2-Clause
"""fspacectl(2), which FreeBSD has since release 14."""

INCLUDES = """
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
"""

CODE = """
/* The system may do a part at a time, and says what is left. */
static int rump_deallocate(int descriptor, off_t start, off_t length)
{
#ifdef SPACECTL_DEALLOC
    struct spacectl_range range = { start, length };
    int failed = 0;

    while (range.r_len > 0 && !failed)
        failed = fspacectl(descriptor, SPACECTL_DEALLOC, &range, 0, &range);
    return failed;
#else
    (void)descriptor, (void)start, (void)length;
    errno = EOPNOTSUPP;
    return -1;
#endif
}

#define RUMP_PUNCH rump_deallocate
"""
