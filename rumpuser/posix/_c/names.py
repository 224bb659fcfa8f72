# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of two arguments, as glibc has it and others have taken it over."""

INCLUDES = """
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <string.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_thread_name(const char *name);
"""

CODE = """
/* Name the calling thread.  0, or the host's errno.  All of these hosts hold 15 bytes; some refuse a longer name. */
static int rump_thread_name(const char *name)
{
    char held[16] = "";

    strncat(held, name, sizeof held - 1);
    return pthread_setname_np(pthread_self(), held);
}
"""
