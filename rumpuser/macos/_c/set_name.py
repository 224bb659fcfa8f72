# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of macOS, which knows only the calling thread; 64 is MAXTHREADNAMESIZE of sys/proc_info.h."""

INCLUDES = """
#include <errno.h>
#include <pthread.h>
"""

CODE = """
#define RUMP_NAME_SIZE 64
#define RUMP_SET_NAME(name) (pthread_setname_np(name) ? errno : 0)
"""
