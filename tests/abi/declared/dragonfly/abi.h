/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DragonFly BSD's headers say of the numbers, layouts and calls that the backend uses, in our words.
 * Source: DragonFlyBSD/DragonFlyBSD, sys/sys/fcntl.h (revision 1c4819b614c6), sys/sys/diskslice.h (154b688dc54c),
 * sys/sys/errno.h (03eef8e3fb4f), sys/sys/ioccom.h, sys/sys/unistd.h, include/stdlib.h, include/pthread_np.h.  Errors: zig's std/c/dragonfly.zig.
 */
#include <stddef.h>
#include <stdint.h>

/* sys/ioccom.h */
#define _IOR(group, number, type) (0x40000000ul | (sizeof(type) & 0x1ffful) << 16 | (group) << 8 | (number))

/* sys/fcntl.h */
#define O_RDONLY 0x0000
#define O_WRONLY 0x0001
#define O_RDWR 0x0002
#define O_NONBLOCK 0x0004
#define O_APPEND 0x0008
#define O_SYNC 0x0080
#define O_NOFOLLOW 0x0100
#define O_CREAT 0x0200
#define O_TRUNC 0x0400
#define O_EXCL 0x0800
#define O_NOCTTY 0x8000
#define O_CLOEXEC 0x00020000
#define O_DIRECTORY 0x08000000
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 7
#define F_SETLK 8
#define F_SETLKW 9
#define F_RDLCK 1
#define F_UNLCK 2
#define F_WRLCK 3
#define LOCK_SH 0x01
#define LOCK_EX 0x02
#define LOCK_NB 0x04
#define LOCK_UN 0x08
struct flock {
    int64_t l_start, l_len;     /* off_t */
    int32_t l_pid;              /* pid_t */
    short l_type, l_whence;
};

/* sys/unistd.h */
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

/* sys/diskslice.h */
struct partinfo {
    uint64_t media_offset, media_size, media_blocks;
    int media_blksize;
    uint32_t skip_platform, skip_bsdlabel;
    int fstype;
    char fstypestr[16];
};
#define DIOCGPART _IOR('d', 104, struct partinfo)

/* sys/errno.h: two names for one number, of which Zig's table has one */
#define EAGAIN 35
#define EWOULDBLOCK EAGAIN
#define EOPNOTSUPP 45
#define ENOTSUP EOPNOTSUPP

/* stdlib.h */
void arc4random_buf(void *, size_t);
