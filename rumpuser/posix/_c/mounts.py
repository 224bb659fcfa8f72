# SPDX-License-Identifier: BSD-2-Clause
"""What is mounted where.  A piece `mount_list` says how the host tells.

RUMP_MOUNT is a structure with f_mntfromname and f_mntonname; RUMP_MOUNT_LIST fills as many as fit in size bytes: how
many there are, or -1 and errno.
"""

INCLUDES = """
#include <errno.h>
#include <stdlib.h>
"""

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
    RUMP_MOUNT *mounts;
    long used = 0;
    int count, n;

    if ((count = RUMP_MOUNT_LIST(NULL, 0)) < 0)
        return -errno;
    count += 8;     /* some may come meanwhile */
    if ((mounts = calloc((size_t)count, sizeof *mounts)) == NULL)
        return -ENOMEM;
    if ((count = RUMP_MOUNT_LIST(mounts, (size_t)count * sizeof *mounts)) < 0)
        used = -errno;
    for (n = 0; n < count; n++) {
        used = rump_append(list, size, used, mounts[n].f_mntfromname);
        used = rump_append(list, size, used, mounts[n].f_mntonname);
    }
    free(mounts);
    return used;
}
"""
