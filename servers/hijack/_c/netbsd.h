/* SPDX-License-Identifier: BSD-2-Clause */
/* NetBSD's numbers and layouts as a client for amd64 has them: its public headers, named at each group. */
#ifndef RUMP_HIJACK_NETBSD_H
#define RUMP_HIJACK_NETBSD_H

#include <stdint.h>

/* sys/syscall.h */
enum {
	NB_read = 3, NB_write = 4, NB_close = 6, NB_chdir = 12, NB_fchdir = 13, NB_sync = 36, NB_umask = 60,
	NB_fcntl = 92, NB_fsync = 95, NB_flock = 131, NB_pread = 173, NB_pwrite = 174, NB_lseek = 199,
	NB_truncate = 200, NB_ftruncate = 201, NB_fdatasync = 241, NB_getcwd = 296, NB_statvfs1 = 357,
	NB_fstatvfs1 = 358, NB_getdents = 390, NB_fstat = 440, NB_linkat = 457, NB_renameat = 458, NB_mkfifoat = 459,
	NB_mknodat = 460, NB_mkdirat = 461, NB_faccessat = 462, NB_fchmodat = 463, NB_fchownat = 464, NB_fstatat = 466,
	NB_utimensat = 467, NB_openat = 468, NB_readlinkat = 469, NB_symlinkat = 470, NB_unlinkat = 471,
	NB_futimens = 472, NB_posix_fallocate = 479, NB_fdiscard = 480, NB_fchmod = 124, NB_fchown = 123,
	NB_setxattr = 375, NB_lsetxattr = 376, NB_fsetxattr = 377, NB_getxattr = 378, NB_lgetxattr = 379,
	NB_fgetxattr = 380, NB_listxattr = 381, NB_llistxattr = 382, NB_flistxattr = 383, NB_removexattr = 384,
	NB_lremovexattr = 385, NB_fremovexattr = 386
};

/* sys/fcntl.h */
#define NB_O_NONBLOCK	0x4
#define NB_O_APPEND	0x8
#define NB_O_SYNC	0x80
#define NB_O_NOFOLLOW	0x100
#define NB_O_CREAT	0x200
#define NB_O_TRUNC	0x400
#define NB_O_EXCL	0x800
#define NB_O_DIRECTORY	0x200000
#define NB_AT_FDCWD	(-100)
#define NB_AT_EACCESS	0x100
#define NB_AT_SYMLINK_NOFOLLOW	0x200
#define NB_AT_SYMLINK_FOLLOW	0x400
#define NB_AT_REMOVEDIR	0x800
#define NB_F_GETFL	3
#define NB_F_SETFL	4
#define NB_F_GETLK	7
#define NB_F_SETLK	8
#define NB_F_SETLKW	9
#define NB_F_RDLCK	1
#define NB_F_UNLCK	2
#define NB_F_WRLCK	3

/* sys/stat.h: struct stat; UTIME_NOW and UTIME_OMIT */
#define NB_UTIME_NOW	((1 << 30) - 1)
#define NB_UTIME_OMIT	((1 << 30) - 2)

struct nb_timespec {
	int64_t tv_sec, tv_nsec;
};

struct nb_stat {
	uint64_t st_dev;
	uint32_t st_mode;
	uint64_t st_ino;
	uint32_t st_nlink, st_uid, st_gid;
	uint64_t st_rdev;
	struct nb_timespec st_atim, st_mtim, st_ctim, st_birthtim;
	int64_t st_size, st_blocks;
	uint32_t st_blksize, st_flags, st_gen, st_spare[2];
};
_Static_assert(sizeof(struct nb_stat) == 152, "struct stat of amd64");

/* sys/fcntl.h: struct flock */
struct nb_flock {
	int64_t l_start, l_len;
	int32_t l_pid;
	int16_t l_type, l_whence;
};

/* sys/dirent.h: struct dirent; the name has its NUL, records are multiples of 8 */
struct nb_dirent {
	uint64_t d_number;
	uint16_t d_reclen, d_namlen;
	uint8_t d_type;
	char d_name[];
};
#define NB_DIRENT_NAME	13

/* sys/statvfs.h: struct statvfs */
struct nb_statvfs {
	uint64_t f_flag, f_bsize, f_frsize, f_iosize;
	uint64_t f_blocks, f_bfree, f_bavail, f_bresvd;
	uint64_t f_files, f_ffree, f_favail, f_fresvd;
	uint64_t f_syncreads, f_syncwrites, f_asyncreads, f_asyncwrites;
	int32_t f_fsidx[2];
	uint64_t f_fsid, f_namemax;
	uint32_t f_owner, f_spare[4];
	char f_fstypename[32], f_mntonname[1024], f_mntfromname[1024];
};
_Static_assert(sizeof(struct nb_statvfs) == 2256, "struct statvfs of amd64");
#define NB_ST_RDONLY	0x1
#define NB_ST_NOSUID	0x8

/* sys/types.h: a device number, as kernel/abi.py packs it */
#define NB_MAJOR(d)	((unsigned)((d) >> 8 & 0xfff))
#define NB_MINOR(d)	((unsigned)(((d) >> 12 & 0xfff00) | ((d) & 0xff)))
#define NB_MAKEDEV(a, b)	(((uint64_t)(a) << 8 & 0xfff00) | ((uint64_t)(b) << 12 & 0xfff00000) | ((b) & 0xff))

#endif
