/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on names that change them, and the working directory. */
#include "hijack.h"
#include "netbsd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

REAL(int, mkdirat, int, const char *, mode_t)
REAL(int, mkfifoat, int, const char *, mode_t)
REAL(int, mknodat, int, const char *, mode_t, dev_t)
REAL(int, unlinkat, int, const char *, int)
REAL(int, renameat2, int, const char *, int, const char *, unsigned)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, symlinkat, const char *, int, const char *)
REAL(ssize_t, readlinkat, int, const char *, char *, size_t)
REAL(int, faccessat, int, const char *, int, int)
REAL(int, truncate64, const char *, off64_t)
REAL(int, chdir, const char *)
REAL(int, fchdir, int)
REAL(char *, getcwd, char *, size_t)
REAL(char *, realpath, const char *, char *)
REAL(void, sync, void)

static int one_name(int number, int directory, const char *path, uint64_t more, uint64_t even_more, int count)
{
	const struct region name = NAME(path);
	const uint64_t slots[] = {SIGNED(directory), POINTER(path), more, even_more};

	return (int)rump_call(number, slots, count, &name, 1);
}

PUBLIC int mkdirat(int directory, const char *path, mode_t mode)
{
	int there;
	const char *name = inside(directory, path, &there);
	return name == NULL ? next_mkdirat()(directory, path, mode) : one_name(NB_mkdirat, there, name, mode, 0, 3);
}

PUBLIC int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

PUBLIC int mkfifoat(int directory, const char *path, mode_t mode)
{
	int there;
	const char *name = inside(directory, path, &there);
	return name == NULL ? next_mkfifoat()(directory, path, mode) : one_name(NB_mkfifoat, there, name, mode, 0, 3);
}

PUBLIC int mkfifo(const char *path, mode_t mode)
{
	return mkfifoat(AT_FDCWD, path, mode);
}

PUBLIC int mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
	int there, made;
	const char *name = inside(directory, path, &there);

	if (name == NULL)
		return next_mknodat()(directory, path, mode, device);
	if (S_ISREG(mode) || (mode & S_IFMT) == 0) {
		made = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL, mode & 07777);
		return made < 0 ? -1 : close(made);
	}
	/* mknodat has a slot that pads before the device's number (sys/kern/syscalls.master). */
	const struct region region = NAME(name);
	return (int)rump_call(NB_mknodat, SLOTS(SIGNED(there), POINTER(name), mode, 0,
	    NB_MAKEDEV(major(device), minor(device))), &region, 1);
}

PUBLIC int mknod(const char *path, mode_t mode, dev_t device)
{
	return mknodat(AT_FDCWD, path, mode, device);
}

PUBLIC int unlinkat(int directory, const char *path, int flags)
{
	int there;
	const char *name = inside(directory, path, &there);
	if (name == NULL)
		return next_unlinkat()(directory, path, flags);
	return one_name(NB_unlinkat, there, name, flags & AT_REMOVEDIR ? NB_AT_REMOVEDIR : 0, 0, 3);
}

PUBLIC int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

PUBLIC int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

PUBLIC int remove(const char *path)
{
	int status = unlink(path);

	return status < 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : status;
}

/* ---- two names ------------------------------------------------------------------------------------------------ */

static int two_names(int number, int from, const char *old, int to, const char *new, uint64_t flag, int count)
{
	const struct region names[] = {NAME(old), NAME(new)};
	const uint64_t slots[] = {SIGNED(from), POINTER(old), SIGNED(to), POINTER(new), flag};

	return (int)rump_call(number, slots, count, names, 2);
}

static int apart(void)
{
	errno = EXDEV;
	return -1;
}

static int taken(int directory, const char *path)
{
	struct stat found;

	if (fstatat(directory, path, &found, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	errno = EEXIST;
	return -1;
}

PUBLIC int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
	int from_there, to_there;
	const char *old_name = inside(from, old, &from_there), *new_name = inside(to, new, &to_there);

	if (old_name == NULL && new_name == NULL)
		return next_renameat2()(from, old, to, new, flags);
	if (old_name == NULL || new_name == NULL)
		return apart();
	if (flags & ~(unsigned)RENAME_NOREPLACE) {
		errno = EINVAL;
		return -1;
	}
	if (flags & RENAME_NOREPLACE && taken(to, new) < 0)
		return -1;
	return two_names(NB_renameat, from_there, old_name, to_there, new_name, 0, 4);
}

PUBLIC int renameat(int from, const char *old, int to, const char *new)
{
	return renameat2(from, old, to, new, 0);
}

PUBLIC int rename(const char *old, const char *new)
{
	return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

PUBLIC int linkat(int from, const char *old, int to, const char *new, int flags)
{
	int from_there, to_there;
	const char *old_name = inside(from, old, &from_there), *new_name = inside(to, new, &to_there);

	if (old_name == NULL && new_name == NULL)
		return next_linkat()(from, old, to, new, flags);
	if (old_name == NULL || new_name == NULL)
		return apart();
	return two_names(NB_linkat, from_there, old_name, to_there, new_name,
	    flags & AT_SYMLINK_FOLLOW ? NB_AT_SYMLINK_FOLLOW : 0, 5);
}

PUBLIC int link(const char *old, const char *new)
{
	return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

PUBLIC int symlinkat(const char *target, int directory, const char *path)
{
	int there;
	const char *name = inside(directory, path, &there);

	if (name == NULL)
		return next_symlinkat()(target, directory, path);
	const struct region names[] = {NAME(target), NAME(name)};
	return (int)rump_call(NB_symlinkat, SLOTS(POINTER(target), SIGNED(there), POINTER(name)), names, 2);
}

PUBLIC int symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

PUBLIC ssize_t readlinkat(int directory, const char *path, char *buffer, size_t length)
{
	int there;
	const char *name = inside(directory, path, &there);

	if (name == NULL)
		return next_readlinkat()(directory, path, buffer, length);
	const struct region regions[] = {NAME(name), {buffer, length, OUT}};
	return (ssize_t)rump_call(NB_readlinkat, SLOTS(SIGNED(there), POINTER(name), POINTER(buffer), length), regions, 2);
}

PUBLIC ssize_t readlink(const char *path, char *buffer, size_t length)
{
	return readlinkat(AT_FDCWD, path, buffer, length);
}

PUBLIC ssize_t __readlink_chk(const char *path, char *buffer, size_t length, size_t room)
{
	if (length > room)
		abort();
	return readlinkat(AT_FDCWD, path, buffer, length);
}

PUBLIC ssize_t __readlinkat_chk(int directory, const char *path, char *buffer, size_t length, size_t room)
{
	if (length > room)
		abort();
	return readlinkat(directory, path, buffer, length);
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

PUBLIC int faccessat(int directory, const char *path, int mode, int flags)
{
	int there;
	const char *name = inside(directory, path, &there);
	uint64_t wanted = (flags & AT_EACCESS ? NB_AT_EACCESS : 0)
	    | (flags & AT_SYMLINK_NOFOLLOW ? NB_AT_SYMLINK_NOFOLLOW : 0);

	if (name == NULL)
		return next_faccessat()(directory, path, mode, flags);
	return one_name(NB_faccessat, there, name, (uint64_t)mode, wanted, 4);
}

PUBLIC int access(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, 0);
}

PUBLIC int eaccess(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

PUBLIC int euidaccess(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

PUBLIC int truncate64(const char *path, off64_t length)
{
	int there;
	const char *name = inside(AT_FDCWD, path, &there);

	if (name == NULL)
		return next_truncate64()(path, length);
	const struct region region = NAME(name);
	return (int)rump_call(NB_truncate, SLOTS(POINTER(name), 0, SIGNED(length)), &region, 1);
}

PUBLIC int truncate(const char *path, off_t length)
{
	return truncate64(path, length);
}

PUBLIC void sync(void)
{
	if (proxy_connected())
		rump_call(NB_sync, NULL, 0, NULL, 0);
	next_sync()();
}

/* ---- the working directory ------------------------------------------------------------------------------------ */

static int went(int status, int inside_now)
{
	if (status == 0)
		working_inside = inside_now;
	return status;
}

PUBLIC int chdir(const char *path)
{
	int there;
	const char *name = inside(AT_FDCWD, path, &there);

	if (name == NULL)
		return went(next_chdir()(path), 0);
	const struct region region = NAME(name);
	return went((int)rump_call(NB_chdir, SLOTS(POINTER(name)), &region, 1), 1);
}

PUBLIC int fchdir(int descriptor)
{
	int server = server_descriptor(descriptor);

	if (server < 0)
		return went(next_fchdir()(descriptor), 0);
	return went((int)rump_call(NB_fchdir, SLOTS((uint64_t)server), NULL, 0), 1);
}

/* getcwd(3): memory is made for the caller who gives none. */
char *given(const char *path, char *buffer, size_t length)
{
	size_t needed = strlen(path) + 1;

	if (buffer == NULL)
		buffer = malloc(length > needed ? length : needed);
	else if (length < needed) {
		errno = ERANGE;
		return NULL;
	}
	return buffer == NULL ? NULL : strcpy(buffer, path);
}

PUBLIC char *getcwd(char *buffer, size_t length)
{
	char there[PATH_MAX], here[PATH_MAX + 256];
	const struct region region = {there, sizeof there, OUT};

	setting_begin();
	if (!working_inside)
		return next_getcwd()(buffer, length);
	if (rump_call(NB_getcwd, SLOTS(POINTER(there), sizeof there), &region, 1) < 0)
		return NULL;
	there[sizeof there - 1] = 0;
	return outside(there, here, sizeof here) == NULL ? NULL : given(here, buffer, length);
}

PUBLIC char *__getcwd_chk(char *buffer, size_t length, size_t room)
{
	if (length > room)
		abort();
	return getcwd(buffer, length);
}

PUBLIC char *get_current_dir_name(void)
{
	return getcwd(NULL, 0);
}

PUBLIC char *realpath(const char *path, char *resolved)
{
	int there;
	const char *name = inside(AT_FDCWD, path, &there);

	if (name == NULL)
		return next_realpath()(path, resolved);
	return real_path_inside(name, resolved);
}

PUBLIC char *__realpath_chk(const char *path, char *resolved, size_t room)
{
	if (room < PATH_MAX)
		abort();
	return realpath(path, resolved);
}

PUBLIC char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}
