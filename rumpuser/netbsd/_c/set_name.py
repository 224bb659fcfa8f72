# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of NetBSD, which takes a format and one argument for it."""

INCLUDES = """
#include <pthread.h>
"""

CODE = """
#define RUMP_NAME_SIZE PTHREAD_MAX_NAMELEN_NP
#define RUMP_SET_NAME(name) pthread_setname_np(pthread_self(), "%s", name)
"""
