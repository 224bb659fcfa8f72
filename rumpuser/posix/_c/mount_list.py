# SPDX-License-Identifier: BSD-2-Clause
"""getfsstat(2), for the piece `mounts`; it does not wait for servers that do not answer."""

INCLUDES = """
#include <sys/param.h>
#include <sys/ucred.h>
#include <sys/mount.h>
"""

CODE = """
#define RUMP_MOUNT struct statfs
#define RUMP_MOUNT_LIST(mounts, size) getfsstat(mounts, size, MNT_NOWAIT)
"""
