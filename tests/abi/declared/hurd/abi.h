/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What glibc says of the numbers and layouts of GNU/Hurd that the backend uses, in our words.
 * Source: glibc 2.41, sysdeps/mach/hurd/bits/fcntl.h (struct flock; its first two members were int before),
 * bits/errno.h, io/fcntl.h, misc/sys/file.h.  All but the structure is also read out of glibc's own headers where
 * Debian's package glibc-source is installed.
 */
#include <stddef.h>
#include <stdint.h>

/* bits/fcntl.h, with _FILE_OFFSET_BITS 64 */
#define O_RDONLY 0x0001
#define O_WRONLY 0x0002
#define O_RDWR 0x0003
#define O_CREAT 0x0010
#define O_EXCL 0x0020
#define O_NOCTTY 0
#define O_NONBLOCK 0x0008
#define O_TRUNC 0x00010000
#define O_CLOEXEC 0x00400000
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 10
#define F_SETLK 11
#define F_SETLKW 12
#define F_RDLCK 1
#define F_WRLCK 2
#define F_UNLCK 3
struct flock {
    short l_type, l_whence;
    int64_t l_start, l_len;     /* off_t */
    int32_t l_pid;              /* pid_t */
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

/* bits/errno.h */
#define EPERM 0x40000001
#define ENOENT 0x40000002
#define ESRCH 0x40000003
#define EINTR 0x40000004
#define EIO 0x40000005
#define ENXIO 0x40000006
#define E2BIG 0x40000007
#define ENOEXEC 0x40000008
#define EBADF 0x40000009
#define ECHILD 0x4000000a
#define EDEADLK 0x4000000b
#define ENOMEM 0x4000000c
#define EACCES 0x4000000d
#define EFAULT 0x4000000e
#define ENOTBLK 0x4000000f
#define EBUSY 0x40000010
#define EEXIST 0x40000011
#define EXDEV 0x40000012
#define ENODEV 0x40000013
#define ENOTDIR 0x40000014
#define EISDIR 0x40000015
#define EINVAL 0x40000016
#define EMFILE 0x40000018
#define ENFILE 0x40000017
#define ENOTTY 0x40000019
#define ETXTBSY 0x4000001a
#define EFBIG 0x4000001b
#define ENOSPC 0x4000001c
#define ESPIPE 0x4000001d
#define EROFS 0x4000001e
#define EMLINK 0x4000001f
#define EPIPE 0x40000020
#define EDOM 0x40000021
#define ERANGE 0x40000022
#define EAGAIN 0x40000023
#define EWOULDBLOCK EAGAIN
#define EINPROGRESS 0x40000024
#define EALREADY 0x40000025
#define ENOTSOCK 0x40000026
#define EMSGSIZE 0x40000028
#define EPROTOTYPE 0x40000029
#define ENOPROTOOPT 0x4000002a
#define EPROTONOSUPPORT 0x4000002b
#define ESOCKTNOSUPPORT 0x4000002c
#define EOPNOTSUPP 0x4000002d
#define EPFNOSUPPORT 0x4000002e
#define EAFNOSUPPORT 0x4000002f
#define EADDRINUSE 0x40000030
#define EADDRNOTAVAIL 0x40000031
#define ENETDOWN 0x40000032
#define ENETUNREACH 0x40000033
#define ENETRESET 0x40000034
#define ECONNABORTED 0x40000035
#define ECONNRESET 0x40000036
#define ENOBUFS 0x40000037
#define EISCONN 0x40000038
#define ENOTCONN 0x40000039
#define EDESTADDRREQ 0x40000027
#define ESHUTDOWN 0x4000003a
#define ETOOMANYREFS 0x4000003b
#define ETIMEDOUT 0x4000003c
#define ECONNREFUSED 0x4000003d
#define ELOOP 0x4000003e
#define ENAMETOOLONG 0x4000003f
#define EHOSTDOWN 0x40000040
#define EHOSTUNREACH 0x40000041
#define ENOTEMPTY 0x40000042
#define EPROCLIM 0x40000043
#define EUSERS 0x40000044
#define EDQUOT 0x40000045
#define ESTALE 0x40000046
#define EREMOTE 0x40000047
#define EBADRPC 0x40000048
#define ERPCMISMATCH 0x40000049
#define EPROGUNAVAIL 0x4000004a
#define EPROGMISMATCH 0x4000004b
#define EPROCUNAVAIL 0x4000004c
#define ENOLCK 0x4000004d
#define EFTYPE 0x4000004f
#define EAUTH 0x40000050
#define ENEEDAUTH 0x40000051
#define ENOSYS 0x4000004e
#define ELIBEXEC 0x40000053
#define ENOTSUP 0x40000076
#define EILSEQ 0x4000006a
#define EBACKGROUND 0x40000064
#define EDIED 0x40000065
#define ED 0x40000066
#define EGREGIOUS 0x40000067
#define EIEIO 0x40000068
#define EGRATUITOUS 0x40000069
#define EBADMSG 0x4000006b
#define EIDRM 0x4000006c
#define EMULTIHOP 0x4000006d
#define ENODATA 0x4000006e
#define ENOLINK 0x4000006f
#define ENOMSG 0x40000070
#define ENOSR 0x40000071
#define ENOSTR 0x40000072
#define EOVERFLOW 0x40000073
#define EPROTO 0x40000074
#define ETIME 0x40000075
#define ECANCELED 0x40000077
#define EOWNERDEAD 0x40000078
#define ENOTRECOVERABLE 0x40000079
