# SPDX-License-Identifier: BSD-2-Clause
"""getvfsstat(2), without waiting for servers that do not answer."""

INCLUDES = """
#include <sys/types.h>
#include <sys/statvfs.h>
"""

TYPES = ""

FUNCTIONS = ""

CODE = """
typedef struct statvfs rump_mount;

/* How many there are, of which as many are told as fit in size bytes; or -1 and errno. */
static int rump_mount_list(rump_mount *mounts, size_t size)
{
    return getvfsstat(mounts, size, ST_NOWAIT);
}
"""
