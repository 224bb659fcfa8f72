# SPDX-License-Identifier: BSD-2-Clause
"""pthread_set_name_np(3) of the BSDs; it cannot fail, and the kernel cuts what is too long."""

INCLUDES = """
#include <pthread.h>
#include <pthread_np.h>
"""

TYPES = ""

FUNCTIONS = """
int rump_thread_name(const char *name);
"""

CODE = """
/* Name the calling thread.  0, always. */
static int rump_thread_name(const char *name)
{
    pthread_set_name_np(pthread_self(), name);
    return 0;
}
"""
