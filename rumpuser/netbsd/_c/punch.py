# SPDX-License-Identifier: BSD-2-Clause
"""fdiscard(2), for files and disks."""

INCLUDES = """
#include <unistd.h>
"""

CODE = """
#define RUMP_PUNCH fdiscard
"""
