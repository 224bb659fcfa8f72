/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: NetBSD has Linux's calls (sys/xattr.h), with names in the same form. */
#include "hijack.h"
#include "netbsd.h"

#include <fcntl.h>
#include <sys/xattr.h>

REAL(ssize_t, getxattr, const char *, const char *, void *, size_t)
REAL(ssize_t, lgetxattr, const char *, const char *, void *, size_t)
REAL(ssize_t, fgetxattr, int, const char *, void *, size_t)
REAL(ssize_t, listxattr, const char *, char *, size_t)
REAL(ssize_t, llistxattr, const char *, char *, size_t)
REAL(ssize_t, flistxattr, int, char *, size_t)
REAL(int, setxattr, const char *, const char *, const void *, size_t, int)
REAL(int, lsetxattr, const char *, const char *, const void *, size_t, int)
REAL(int, fsetxattr, int, const char *, const void *, size_t, int)
REAL(int, removexattr, const char *, const char *)
REAL(int, lremovexattr, const char *, const char *)
REAL(int, fremovexattr, int, const char *)

static ssize_t get(int call, const char *path, const char *name, void *value, size_t size)
{
	const struct region regions[] = {NAME(path), NAME(name), {value, size, OUT}};
	return (ssize_t)rump_call(call, SLOTS(POINTER(path), POINTER(name), POINTER(value), size), regions, 3);
}

static ssize_t list(int call, const char *path, char *names, size_t size)
{
	const struct region regions[] = {NAME(path), {names, size, OUT}};
	return (ssize_t)rump_call(call, SLOTS(POINTER(path), POINTER(names), size), regions, 2);
}

static int set(int call, const char *path, const char *name, const void *value, size_t size, int flags)
{
	const struct region regions[] = {NAME(path), NAME(name), {value, size, IN}};
	return (int)rump_call(call, SLOTS(POINTER(path), POINTER(name), POINTER(value), size, (uint64_t)flags), regions, 3);
}

static int take_off(int call, const char *path, const char *name)
{
	const struct region regions[] = {NAME(path), NAME(name)};
	return (int)rump_call(call, SLOTS(POINTER(path), POINTER(name)), regions, 2);
}

PUBLIC ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_getxattr()(path, name, value, size) : get(NB_getxattr, file, name, value, size);
}

PUBLIC ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_lgetxattr()(path, name, value, size) : get(NB_lgetxattr, file, name, value, size);
}

PUBLIC ssize_t fgetxattr(int descriptor, const char *name, void *value, size_t size)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_fgetxattr()(descriptor, name, value, size);
	const struct region regions[] = {NAME(name), {value, size, OUT}};
	return (ssize_t)rump_call(NB_fgetxattr, SLOTS((uint64_t)server, POINTER(name), POINTER(value), size), regions, 2);
}

PUBLIC ssize_t listxattr(const char *path, char *names, size_t size)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_listxattr()(path, names, size) : list(NB_listxattr, file, names, size);
}

PUBLIC ssize_t llistxattr(const char *path, char *names, size_t size)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_llistxattr()(path, names, size) : list(NB_llistxattr, file, names, size);
}

PUBLIC ssize_t flistxattr(int descriptor, char *names, size_t size)
{
	int server = server_descriptor(descriptor);
	const struct region region = {names, size, OUT};
	return server < 0 ? next_flistxattr()(descriptor, names, size)
	    : (ssize_t)rump_call(NB_flistxattr, SLOTS((uint64_t)server, POINTER(names), size), &region, 1);
}

PUBLIC int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_setxattr()(path, name, value, size, flags)
	    : set(NB_setxattr, file, name, value, size, flags);
}

PUBLIC int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_lsetxattr()(path, name, value, size, flags)
	    : set(NB_lsetxattr, file, name, value, size, flags);
}

PUBLIC int fsetxattr(int descriptor, const char *name, const void *value, size_t size, int flags)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_fsetxattr()(descriptor, name, value, size, flags);
	const struct region regions[] = {NAME(name), {value, size, IN}};
	return (int)rump_call(NB_fsetxattr,
	    SLOTS((uint64_t)server, POINTER(name), POINTER(value), size, (uint64_t)flags), regions, 2);
}

PUBLIC int removexattr(const char *path, const char *name)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_removexattr()(path, name) : take_off(NB_removexattr, file, name);
}

PUBLIC int lremovexattr(const char *path, const char *name)
{
	int there;
	const char *file = inside(AT_FDCWD, path, &there);
	return file == NULL ? next_lremovexattr()(path, name) : take_off(NB_lremovexattr, file, name);
}

PUBLIC int fremovexattr(int descriptor, const char *name)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_fremovexattr()(descriptor, name);
	const struct region region = NAME(name);
	return (int)rump_call(NB_fremovexattr, SLOTS((uint64_t)server, POINTER(name)), &region, 1);
}
