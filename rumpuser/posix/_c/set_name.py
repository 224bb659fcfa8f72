# SPDX-License-Identifier: BSD-2-Clause
"""pthread_setname_np(3) of two arguments, as glibc has it and others have taken it over."""

INCLUDES = """
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
"""

CODE = """
#define RUMP_NAME_SIZE 16
#define RUMP_SET_NAME(name) pthread_setname_np(pthread_self(), name)
"""
