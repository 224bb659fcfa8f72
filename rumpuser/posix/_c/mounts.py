# SPDX-License-Identifier: BSD-2-Clause
"""What is mounted where.  The host's own piece `mount_list` says how it tells: rump_mount, rump_mount_list."""

INCLUDES = """
#include <errno.h>
#include <stdlib.h>
"""

TYPES = ""

FUNCTIONS = """
long rump_mounts(char *list, long size);
"""

CODE = """
/*
 * Pairs of strings, source and mount point.  The bytes that all of them take, or -errno; where that is more than size,
 * some are missing.
 */
static long rump_mounts(char *list, long size)
{
    rump_mount *mounts;
    long used = 0;
    int count, n;

    if ((count = rump_mount_list(NULL, 0)) < 0)
        return -errno;
    count += 8;     /* some may come meanwhile */
    if ((mounts = calloc((size_t)count, sizeof *mounts)) == NULL)
        return -ENOMEM;
    if ((count = rump_mount_list(mounts, (size_t)count * sizeof *mounts)) < 0)
        used = -errno;
    for (n = 0; n < count; n++) {
        used = rump_append(list, size, used, mounts[n].f_mntfromname);
        used = rump_append(list, size, used, mounts[n].f_mntonname);
    }
    free(mounts);
    return used;
}
"""
