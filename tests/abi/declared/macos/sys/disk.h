/* SPDX-License-Identifier: BSD-2-Clause */
/* apple-oss-distributions/xnu, bsd/sys/disk.h (revision e6231be02a03): the numbers that the backend uses. */
#include <stdint.h>
#include <sys/ioctl.h>

#define DKIOCGETBLOCKSIZE _IOR('d', 24, uint32_t)
#define DKIOCGETBLOCKCOUNT _IOR('d', 25, uint64_t)
