/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What illumos' headers say of the numbers, layouts and calls that the backend uses, in our words; programs of 64 bits.
 * Source: illumos/illumos-gate, usr/src/uts/common/sys/fcntl.h (revision 019c3c436f78), sys/dkio.h (0167b58cea98,
 * f0399df9e6a4), sys/port.h (12ef7bd6596e), sys/file.h, sys/errno.h, usr/src/head/unistd.h, stdlib.h, pthread.h.  Errors: zig's std/c.zig.
 */
#include <stddef.h>
#include <stdint.h>

/* sys/fcntl.h */
#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_APPEND 0x08
#define O_NONBLOCK 0x80
#define O_CREAT 0x100
#define O_TRUNC 0x200
#define O_EXCL 0x400
#define O_NOCTTY 0x800
#define O_NOFOLLOW 0x20000
#define O_CLOEXEC 0x800000
#define F_GETFL 3
#define F_SETFL 4
#define F_SETLK 6
#define F_SETLKW 7
#define F_FREESP 11
#define F_GETLK 14
#define F_RDLCK 01
#define F_WRLCK 02
#define F_UNLCK 03
struct flock {
    short l_type, l_whence;
    int64_t l_start, l_len;     /* off_t */
    int l_sysid;
    int32_t l_pid;              /* pid_t */
    long l_pad[4];
};

/* sys/file.h */
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

/* unistd.h */
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

/* sys/dkio.h */
#define DKIOC (0x04 << 8)
#define DKIOCEXTPARTINFO (DKIOC | 19)
#define DKIOCPARTINFO (DKIOC | 22)
#define DKIOCGMEDIAINFO (DKIOC | 42)
struct dk_minfo {
    unsigned dki_media_type, dki_lbsize;
    uint64_t dki_capacity;      /* diskaddr_t */
};
struct part_info {
    long p_start;               /* daddr_t */
    int p_length;
};
struct extpart_info {
    uint64_t p_start, p_length; /* diskaddr_t */
};

/* sys/port.h, usr/src/head/port.h */
#if __STDC_HOSTED__
#include <time.h>
#else
struct timespec {
    long tv_sec, tv_nsec;
};
#endif
typedef unsigned short ushort_t;
typedef struct timespec timespec_t, timestruc_t;
#define PORT_SOURCE_FILE 7
#define FILE_MODIFIED 0x2
#define FILE_ATTRIB 0x4
#define FILE_TRUNC 0x100000
typedef struct port_event {
    int portev_events;
    ushort_t portev_source, portev_pad;
    uintptr_t portev_object;
    void *portev_user;
} port_event_t;
typedef struct file_obj {
    timestruc_t fo_atime, fo_mtime, fo_ctime;
    uintptr_t fo_pad[3];
    char *fo_name;
} file_obj_t;
int port_create(void);
int port_associate(int, int, uintptr_t, int, void *);
int port_get(int, port_event_t *, const timespec_t *);

/* sys/errno.h: two names for one number, of which Zig's table has one */
#define EAGAIN 11
#define EWOULDBLOCK EAGAIN

/* stdlib.h, pthread.h */
void arc4random_buf(void *, size_t);
