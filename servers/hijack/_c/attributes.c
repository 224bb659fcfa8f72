/* SPDX-License-Identifier: BSD-2-Clause */
/* What files have: stat and its kin, modes, owners, times, extended attributes. */
#include "hijack.h"
#include "netbsd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

REAL(int, fstat64, int, struct stat64 *)
REAL(int, fstatat64, int, const char *, struct stat64 *, int)
REAL(int, statx, int, const char *, int, unsigned, struct statx *)
REAL(int, statvfs64, const char *, struct statvfs64 *)
REAL(int, fstatvfs64, int, struct statvfs64 *)
REAL(int, statfs64, const char *, struct statfs64 *)
REAL(int, fstatfs64, int, struct statfs64 *)
REAL(int, fchmod, int, mode_t)
REAL(int, fchmodat, int, const char *, mode_t, int)
REAL(int, fchown, int, uid_t, gid_t)
REAL(int, fchownat, int, const char *, uid_t, gid_t, int)
REAL(int, futimens, int, const struct timespec *)
REAL(int, utimensat, int, const char *, const struct timespec *, int)

/* Device numbers that no file system of the host has: else cp and tar would take two files for one. */
#define APART	0x7275000000000000ULL

static int ask(int server, int directory, const char *name, int follow, struct nb_stat *found)
{
	const struct region out = {found, sizeof *found, OUT};

	if (name == NULL)
		return (int)rump_call(NB_fstat, SLOTS((uint64_t)server, POINTER(found)), &out, 1);
	const struct region both[] = {NAME(name), out};
	return (int)rump_call(NB_fstatat, SLOTS(SIGNED(directory), POINTER(name), POINTER(found),
	    follow ? 0 : NB_AT_SYMLINK_NOFOLLOW), both, 2);
}

static struct timespec moment(struct nb_timespec time)
{
	return (struct timespec){.tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec};
}

static int fill(int status, const struct nb_stat *found, struct stat64 *host)
{
	if (status < 0)
		return -1;
	memset(host, 0, sizeof *host);
	host->st_dev = APART | found->st_dev;
	host->st_ino = found->st_ino;
	host->st_mode = found->st_mode;
	host->st_nlink = found->st_nlink;
	host->st_uid = found->st_uid;
	host->st_gid = found->st_gid;
	host->st_rdev = makedev(NB_MAJOR(found->st_rdev), NB_MINOR(found->st_rdev));
	host->st_size = found->st_size;
	host->st_blksize = found->st_blksize;
	host->st_blocks = found->st_blocks;
	host->st_atim = moment(found->st_atim);
	host->st_mtim = moment(found->st_mtim);
	host->st_ctim = moment(found->st_ctim);
	return 0;
}

PUBLIC int fstat64(int descriptor, struct stat64 *host)
{
	struct nb_stat found;
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fstat64()(descriptor, host) : fill(ask(server, 0, NULL, 1, &found), &found, host);
}

PUBLIC int fstatat64(int directory, const char *path, struct stat64 *host, int flags)
{
	struct nb_stat found;
	int there;
	const char *name;

	if (flags & AT_EMPTY_PATH && *path == 0 && directory != AT_FDCWD)
		return fstat64(directory, host);
	name = inside(directory, path, &there);
	if (name == NULL)
		return next_fstatat64()(directory, path, host, flags);
	return fill(ask(-1, there, name, !(flags & AT_SYMLINK_NOFOLLOW), &found), &found, host);
}

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout, as where off_t has 64 bits");

PUBLIC int stat64(const char *path, struct stat64 *host)
{
	return fstatat64(AT_FDCWD, path, host, 0);
}

PUBLIC int lstat64(const char *path, struct stat64 *host)
{
	return fstatat64(AT_FDCWD, path, host, AT_SYMLINK_NOFOLLOW);
}

PUBLIC int stat(const char *path, struct stat *host)
{
	return fstatat64(AT_FDCWD, path, (struct stat64 *)host, 0);
}

PUBLIC int lstat(const char *path, struct stat *host)
{
	return fstatat64(AT_FDCWD, path, (struct stat64 *)host, AT_SYMLINK_NOFOLLOW);
}

PUBLIC int fstat(int descriptor, struct stat *host)
{
	return fstat64(descriptor, (struct stat64 *)host);
}

PUBLIC int fstatat(int directory, const char *path, struct stat *host, int flags)
{
	return fstatat64(directory, path, (struct stat64 *)host, flags);
}

/* Programs linked before glibc 2.33 say so. */
PUBLIC int __xstat(int version, const char *path, struct stat *host) { (void)version; return stat(path, host); }
PUBLIC int __xstat64(int version, const char *path, struct stat64 *host) { (void)version; return stat64(path, host); }
PUBLIC int __lxstat(int version, const char *path, struct stat *host) { (void)version; return lstat(path, host); }
PUBLIC int __lxstat64(int version, const char *path, struct stat64 *host) { (void)version; return lstat64(path, host); }
PUBLIC int __fxstat(int version, int descriptor, struct stat *host) { (void)version; return fstat(descriptor, host); }
PUBLIC int __fxstat64(int version, int descriptor, struct stat64 *host)
{
	(void)version;
	return fstat64(descriptor, host);
}
PUBLIC int __fxstatat(int version, int directory, const char *path, struct stat *host, int flags)
{
	(void)version;
	return fstatat(directory, path, host, flags);
}
PUBLIC int __fxstatat64(int version, int directory, const char *path, struct stat64 *host, int flags)
{
	(void)version;
	return fstatat64(directory, path, host, flags);
}

static struct statx_timestamp stamp(struct nb_timespec time)
{
	return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

static int fill_extended(int status, const struct nb_stat *found, struct statx *host)
{
	if (status < 0)
		return -1;
	memset(host, 0, sizeof *host);
	host->stx_mask = STATX_BASIC_STATS | (found->st_birthtim.tv_sec != 0 ? STATX_BTIME : 0);
	host->stx_blksize = found->st_blksize;
	host->stx_nlink = found->st_nlink;
	host->stx_uid = found->st_uid;
	host->stx_gid = found->st_gid;
	host->stx_mode = (uint16_t)found->st_mode;
	host->stx_ino = found->st_ino;
	host->stx_size = (uint64_t)found->st_size;
	host->stx_blocks = (uint64_t)found->st_blocks;
	host->stx_atime = stamp(found->st_atim);
	host->stx_btime = stamp(found->st_birthtim);
	host->stx_ctime = stamp(found->st_ctim);
	host->stx_mtime = stamp(found->st_mtim);
	host->stx_rdev_major = NB_MAJOR(found->st_rdev);
	host->stx_rdev_minor = NB_MINOR(found->st_rdev);
	host->stx_dev_major = major(APART | found->st_dev);
	host->stx_dev_minor = minor(APART | found->st_dev);
	return 0;
}

PUBLIC int statx(int directory, const char *path, int flags, unsigned mask, struct statx *host)
{
	struct nb_stat found;
	int there, server = directory == AT_FDCWD ? -1 : server_descriptor(directory);
	const char *name;

	if (flags & AT_EMPTY_PATH && *path == 0 && server >= 0)
		return fill_extended(ask(server, 0, NULL, 1, &found), &found, host);
	name = inside(directory, path, &there);
	if (name == NULL)
		return next_statx()(directory, path, flags, mask, host);
	return fill_extended(ask(-1, there, name, !(flags & AT_SYMLINK_NOFOLLOW), &found), &found, host);
}

/* ---- the file system ------------------------------------------------------------------------------------------ */

/* A directory is its own file system's; so is the one that a name is looked up in, which opening it finds. */
static int ask_system(int server, const char *name, struct nb_statvfs *found)
{
	const struct region out = {found, sizeof *found, OUT};

	if (name == NULL)
		return (int)rump_call(NB_fstatvfs1, SLOTS((uint64_t)server, POINTER(found), 1), &out, 1);
	const struct region both[] = {NAME(name), out};
	return (int)rump_call(NB_statvfs1, SLOTS(POINTER(name), POINTER(found), 1), both, 2);
}

static int fill_system(int status, const struct nb_statvfs *found, struct statvfs64 *host)
{
	if (status < 0)
		return -1;
	memset(host, 0, sizeof *host);
	host->f_bsize = found->f_bsize;
	host->f_frsize = found->f_frsize;
	host->f_blocks = found->f_blocks;
	host->f_bfree = found->f_bfree;
	host->f_bavail = found->f_bavail;
	host->f_files = found->f_files;
	host->f_ffree = found->f_ffree;
	host->f_favail = found->f_favail;
	host->f_fsid = found->f_fsid;
	host->f_namemax = found->f_namemax;
	host->f_flag = (found->f_flag & NB_ST_RDONLY ? ST_RDONLY : 0) | (found->f_flag & NB_ST_NOSUID ? ST_NOSUID : 0);
	return 0;
}

static int fill_statfs(int status, const struct nb_statvfs *found, struct statfs64 *host)
{
	if (status < 0)
		return -1;
	memset(host, 0, sizeof *host);
	host->f_type = 0x72756d70;		/* none of Linux's */
	host->f_bsize = (long)found->f_bsize;
	host->f_frsize = (long)found->f_frsize;
	host->f_blocks = found->f_blocks;
	host->f_bfree = found->f_bfree;
	host->f_bavail = found->f_bavail;
	host->f_files = found->f_files;
	host->f_ffree = found->f_ffree;
	host->f_namelen = (long)found->f_namemax;
	return 0;
}

PUBLIC int statvfs64(const char *path, struct statvfs64 *host)
{
	struct nb_statvfs found;
	int there;
	const char *name = inside(AT_FDCWD, path, &there);
	return name == NULL ? next_statvfs64()(path, host) : fill_system(ask_system(-1, name, &found), &found, host);
}

PUBLIC int fstatvfs64(int descriptor, struct statvfs64 *host)
{
	struct nb_statvfs found;
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fstatvfs64()(descriptor, host)
	    : fill_system(ask_system(server, NULL, &found), &found, host);
}

PUBLIC int statvfs(const char *path, struct statvfs *host) { return statvfs64(path, (struct statvfs64 *)host); }
PUBLIC int fstatvfs(int descriptor, struct statvfs *host) { return fstatvfs64(descriptor, (struct statvfs64 *)host); }

PUBLIC int statfs64(const char *path, struct statfs64 *host)
{
	struct nb_statvfs found;
	int there;
	const char *name = inside(AT_FDCWD, path, &there);
	return name == NULL ? next_statfs64()(path, host) : fill_statfs(ask_system(-1, name, &found), &found, host);
}

PUBLIC int fstatfs64(int descriptor, struct statfs64 *host)
{
	struct nb_statvfs found;
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fstatfs64()(descriptor, host)
	    : fill_statfs(ask_system(server, NULL, &found), &found, host);
}

PUBLIC int statfs(const char *path, struct statfs *host) { return statfs64(path, (struct statfs64 *)host); }
PUBLIC int fstatfs(int descriptor, struct statfs *host) { return fstatfs64(descriptor, (struct statfs64 *)host); }

/* ---- modes, owners, times ------------------------------------------------------------------------------------- */

static uint64_t link_flag(int flags)
{
	return flags & AT_SYMLINK_NOFOLLOW ? NB_AT_SYMLINK_NOFOLLOW : 0;
}

PUBLIC int fchmod(int descriptor, mode_t mode)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fchmod()(descriptor, mode)
	    : (int)rump_call(NB_fchmod, SLOTS((uint64_t)server, mode), NULL, 0);
}

PUBLIC int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
	int there;
	const char *name = inside(directory, path, &there);

	if (name == NULL)
		return next_fchmodat()(directory, path, mode, flags);
	const struct region region = NAME(name);
	return (int)rump_call(NB_fchmodat, SLOTS(SIGNED(there), POINTER(name), mode, link_flag(flags)), &region, 1);
}

PUBLIC int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }
PUBLIC int lchmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW); }

PUBLIC int fchown(int descriptor, uid_t user, gid_t group)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fchown()(descriptor, user, group)
	    : (int)rump_call(NB_fchown, SLOTS((uint64_t)server, user, group), NULL, 0);
}

PUBLIC int fchownat(int directory, const char *path, uid_t user, gid_t group, int flags)
{
	int there;
	const char *name;

	if (flags & AT_EMPTY_PATH && *path == 0 && directory != AT_FDCWD)
		return fchown(directory, user, group);
	name = inside(directory, path, &there);
	if (name == NULL)
		return next_fchownat()(directory, path, user, group, flags);
	const struct region region = NAME(name);
	return (int)rump_call(NB_fchownat, SLOTS(SIGNED(there), POINTER(name), user, group, link_flag(flags)), &region, 1);
}

PUBLIC int chown(const char *path, uid_t user, gid_t group) { return fchownat(AT_FDCWD, path, user, group, 0); }
PUBLIC int lchown(const char *path, uid_t user, gid_t group)
{
	return fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

static const struct nb_timespec *there_times(const struct timespec *host, struct nb_timespec times[2])
{
	if (host == NULL)
		return NULL;
	for (int at = 0; at < 2; at++) {
		times[at].tv_sec = host[at].tv_sec;
		times[at].tv_nsec = host[at].tv_nsec == UTIME_NOW ? NB_UTIME_NOW
		    : host[at].tv_nsec == UTIME_OMIT ? NB_UTIME_OMIT : host[at].tv_nsec;
	}
	return times;
}

PUBLIC int futimens(int descriptor, const struct timespec host[2])
{
	struct nb_timespec times[2];
	int server = server_descriptor(descriptor);

	if (server < 0)
		return next_futimens()(descriptor, host);
	const struct nb_timespec *given_times = there_times(host, times);
	const struct region region = {times, sizeof times, IN};
	return (int)rump_call(NB_futimens, SLOTS((uint64_t)server, POINTER(given_times)), &region, 1);
}

PUBLIC int utimensat(int directory, const char *path, const struct timespec host[2], int flags)
{
	struct nb_timespec times[2];
	int there;
	const char *name;

	name = inside(directory, path, &there);
	if (name == NULL)
		return next_utimensat()(directory, path, host, flags);
	const struct nb_timespec *given_times = there_times(host, times);
	const struct region regions[] = {NAME(name), {times, sizeof times, IN}};
	return (int)rump_call(NB_utimensat, SLOTS(SIGNED(there), POINTER(name), POINTER(given_times), link_flag(flags)),
	    regions, 2);
}

static const struct timespec *fine(const struct timeval *coarse, struct timespec times[2])
{
	if (coarse == NULL)
		return NULL;
	for (int at = 0; at < 2; at++)
		times[at] = (struct timespec){.tv_sec = coarse[at].tv_sec, .tv_nsec = coarse[at].tv_usec * 1000};
	return times;
}

PUBLIC int futimesat(int directory, const char *path, const struct timeval coarse[2])
{
	struct timespec times[2];
	return utimensat(directory, path, fine(coarse, times), 0);
}

PUBLIC int utimes(const char *path, const struct timeval coarse[2])
{
	return futimesat(AT_FDCWD, path, coarse);
}

PUBLIC int lutimes(const char *path, const struct timeval coarse[2])
{
	struct timespec times[2];
	return utimensat(AT_FDCWD, path, fine(coarse, times), AT_SYMLINK_NOFOLLOW);
}

PUBLIC int futimes(int descriptor, const struct timeval coarse[2])
{
	struct timespec times[2];
	return futimens(descriptor, fine(coarse, times));
}

PUBLIC int utime(const char *path, const struct utimbuf *coarse)
{
	struct timespec times[2];

	if (coarse != NULL) {
		times[0] = (struct timespec){.tv_sec = coarse->actime};
		times[1] = (struct timespec){.tv_sec = coarse->modtime};
	}
	return utimensat(AT_FDCWD, path, coarse == NULL ? NULL : times, 0);
}
