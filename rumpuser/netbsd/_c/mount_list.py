# SPDX-License-Identifier: BSD-2-Clause
"""getvfsstat(2), for the piece `mounts`; it does not wait for servers that do not answer."""

INCLUDES = """
#include <sys/types.h>
#include <sys/statvfs.h>
"""

CODE = """
#define RUMP_MOUNT struct statvfs
#define RUMP_MOUNT_LIST(mounts, size) getvfsstat(mounts, size, ST_NOWAIT)
"""
