/* SPDX-License-Identifier: BSD-2-Clause */
/* sys/mount.h needs it on the system itself; nothing of it is used. */
