# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of NetBSD, which takes a format and one argument for it."""

INCLUDES = """
#include <pthread.h>
#include <string.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_thread_name(const char *name);
"""

CODE = """
/* Name the calling thread.  0, or the host's errno.  A name that does not fit is refused: hence the cut. */
static int rump_thread_name(const char *name)
{
    char held[PTHREAD_MAX_NAMELEN_NP] = "";

    strncat(held, name, sizeof held - 1);
    return pthread_setname_np(pthread_self(), "%s", held);
}
"""
