# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of macOS, which knows only the calling thread."""

INCLUDES = """
#include <errno.h>
#include <pthread.h>
#include <string.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_thread_name(const char *name);
"""

CODE = """
/* Name the calling thread.  0, or the host's errno.  64 bytes with the NUL (MAXTHREADNAMESIZE of sys/proc_info.h). */
static int rump_thread_name(const char *name)
{
    char held[64] = "";

    strncat(held, name, sizeof held - 1);
    return pthread_setname_np(held) ? errno : 0;
}
"""
