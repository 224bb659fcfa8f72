# SPDX-License-Identifier: BSD-2-Clause
"""getfsstat(2), without waiting for servers that do not answer."""

INCLUDES = """
#include <sys/types.h>
#include <sys/mount.h>
"""

TYPES = ""

FUNCTIONS = ""

CODE = """
typedef struct statfs rump_mount;

/* How many there are, of which as many are told as fit in size bytes; or -1 and errno. */
static int rump_mount_list(rump_mount *mounts, size_t size)
{
    return getfsstat(mounts, size, MNT_NOWAIT);
}
"""
