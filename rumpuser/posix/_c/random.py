# SPDX-License-Identifier: BSD-2-Clause
"""arc4random_buf(3): the C library's generator, which the kernel seeds; it neither waits nor fails."""

INCLUDES = """
#include <stddef.h>
#include <stdlib.h>
"""

FUNCTIONS = """
void rump_random(void *buffer, size_t length);
"""

CODE = """
static void rump_random(void *buffer, size_t length)
{
    arc4random_buf(buffer, length);
}
"""
