/* SPDX-License-Identifier: BSD-2-Clause */
/* DragonFlyBSD/DragonFlyBSD, sys/sys/mount.h: the members that the backend uses, and the call. */
#include <stddef.h>

#define MNT_NOWAIT 2

struct statfs {
    char f_mntonname[80], f_mntfromname[80];
};

int getfsstat(struct statfs *, long, int);
