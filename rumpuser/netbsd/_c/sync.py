# SPDX-License-Identifier: BSD-2-Clause
"""fsync_range(2): a part of a file, and on through the disk's own cache."""

INCLUDES = """
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
"""

FUNCTIONS = """
int rump_sync_range(int descriptor, int how, int64_t start, int64_t length);
"""

CODE = """
/* how: 1, the data and what is needed to read it; 2, all of the file's metadata too.  0, or the host's errno. */
static int rump_sync_range(int descriptor, int how, int64_t start, int64_t length)
{
    int failed, flags = (how == 1 ? FDATASYNC : FFILESYNC) | FDISKSYNC;

    do
        failed = fsync_range(descriptor, flags, (off_t)start, (off_t)length);
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}
"""
