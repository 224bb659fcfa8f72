# SPDX-License-Identifier: BSD-2-Clause
"""The name of the calling thread.  A piece before this one says how the host sets it.

RUMP_NAME_SIZE is the longest name it takes, with the zero byte; RUMP_SET_NAME sets one: 0, or the host's errno.
"""

INCLUDES = """
#include <string.h>
"""

FUNCTIONS = """
int rump_thread_name(const char *name);
"""

CODE = """
/* 0, or the host's errno.  Some hosts refuse a name that does not fit: hence the cut. */
static int rump_thread_name(const char *name)
{
    char held[RUMP_NAME_SIZE] = "";

    strncat(held, name, sizeof held - 1);
    return RUMP_SET_NAME(held);
}
"""
