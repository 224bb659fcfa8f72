# SPDX-License-Identifier: BSD-2-Clause
"""swapctl(2) of NetBSD and OpenBSD: what is swapped to."""

INCLUDES = """
#include <sys/param.h>
#include <sys/swap.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
"""

FUNCTIONS = """
long rump_swaps(char *list, long size);
"""

CODE = """
/* A string for each.  The bytes that all of them take, or -errno; where that is more than size, some are missing. */
static long rump_swaps(char *list, long size)
{
    struct swapent *entries;
    long used = 0;
    int count, n;

    if ((count = swapctl(SWAP_NSWAP, NULL, 0)) <= 0)
        return count ? -errno : 0;
    if ((entries = calloc((size_t)count, sizeof *entries)) == NULL)
        return -ENOMEM;
    if ((count = swapctl(SWAP_STATS, entries, count)) < 0)
        used = -errno;
    for (n = 0; n < count; n++)
        used = rump_append(list, size, used, entries[n].se_path);
    free(entries);
    return used;
}
"""
