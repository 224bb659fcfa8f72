# SPDX-License-Identifier: BSD-2-Clause
"""pthread_set_name_np(3) of the BSDs; it cannot fail, and cuts what is too long."""

INCLUDES = """
#include <pthread.h>
#include <pthread_np.h>
"""

CODE = """
#define RUMP_NAME_SIZE 64
#define RUMP_SET_NAME(name) (pthread_set_name_np(pthread_self(), name), 0)
"""
