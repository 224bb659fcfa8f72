# SPDX-License-Identifier: BSD-2-Clause
"""Lists of strings, for the pieces that make some."""

INCLUDES = """
#include <string.h>
"""

CODE = """
/* Append a string with its NUL if it fits.  The length of the list with it, whether or not it fitted. */
static long rump_append(char *list, long size, long used, const char *string)
{
    long length = (long)strlen(string) + 1;

    if (used <= size && length <= size - used)
        memcpy(list + used, string, (size_t)length);
    return used + length;
}
"""
