/* SPDX-License-Identifier: BSD-2-Clause */
/* realpath(3) among the server's names: component by component, symbolic links followed. */
#include "hijack.h"
#include "netbsd.h"

#include <limits.h>
#include <stdlib.h>

enum { LINKS = 40 };

struct path {
	char done[PATH_MAX];	/* absolute, real, without a slash at its end; "" is the root */
	char left[2 * PATH_MAX];
	int links;
};

static int fail(int error)
{
	errno = error;
	return -1;
}

static int mode_of(const char *path, uint32_t *mode)
{
	struct nb_stat found;
	const struct region regions[] = {NAME(path), {&found, sizeof found, OUT}};

	if (rump_call(NB_fstatat, SLOTS(SIGNED(NB_AT_FDCWD), POINTER(path), POINTER(&found), NB_AT_SYMLINK_NOFOLLOW),
	    regions, 2) < 0)
		return -1;
	*mode = found.st_mode & 0170000;
	return 0;
}

/* Put a link's target before what is left. */
static int follow(struct path *path, const char *name)
{
	char target[PATH_MAX], rest[PATH_MAX];
	const struct region regions[] = {NAME(name), {target, sizeof target - 1, OUT}};
	int64_t length = rump_call(NB_readlinkat,
	    SLOTS(SIGNED(NB_AT_FDCWD), POINTER(name), POINTER(target), sizeof target - 1), regions, 2);

	if (length < 0)
		return -1;
	if (++path->links > LINKS)
		return fail(ELOOP);
	target[length] = 0;
	if (strlen(path->left) >= sizeof rest)
		return fail(ENAMETOOLONG);
	strcpy(rest, path->left);
	strcpy(path->left, target);
	strcat(path->left, "/");
	strcat(path->left, rest);
	if (target[0] == '/')
		path->done[0] = 0;
	return 0;
}

static int step(struct path *path, const char *component, size_t length)
{
	char name[PATH_MAX];
	size_t before = strlen(path->done);
	uint32_t mode;

	if (length == 0 || (length == 1 && component[0] == '.'))
		return 0;
	if (length == 2 && component[0] == '.' && component[1] == '.') {
		char *slash = strrchr(path->done, '/');
		if (slash != NULL)
			*slash = 0;
		return 0;
	}
	if (before + length + 2 > sizeof name)
		return fail(ENAMETOOLONG);
	memcpy(name, path->done, before);
	name[before] = '/';
	memcpy(name + before + 1, component, length);
	name[before + 1 + length] = 0;
	if (mode_of(name, &mode) < 0)
		return -1;
	if (mode == 0120000)
		return follow(path, name);
	strcpy(path->done, name);
	return mode != 0040000 && path->left[0] != 0 ? fail(ENOTDIR) : 0;
}

static int begin(struct path *path, const char *name)
{
	const struct region region = {path->done, sizeof path->done, OUT};

	path->links = 0;
	path->done[0] = 0;
	if (*name == 0)
		return fail(ENOENT);
	if (strlen(name) >= PATH_MAX)
		return fail(ENAMETOOLONG);
	strcpy(path->left, name);
	if (*name == '/')
		return 0;
	if (rump_call(NB_getcwd, SLOTS(POINTER(path->done), sizeof path->done), &region, 1) < 0)
		return -1;
	if (strcmp(path->done, "/") == 0)
		path->done[0] = 0;
	return 0;
}

char *real_path_inside(const char *name, char *resolved)
{
	struct path *path = malloc(sizeof *path);
	char component[PATH_MAX], result[PATH_MAX + 256], *made = NULL;
	int status;

	if (path == NULL)
		return NULL;
	status = begin(path, name);
	while (status == 0 && path->left[0] != 0) {
		size_t length = strcspn(path->left, "/"), skipped = length + (path->left[length] == '/');
		if (length >= sizeof component) {
			status = fail(ENAMETOOLONG);
			break;
		}
		memcpy(component, path->left, length);
		memmove(path->left, path->left + skipped, strlen(path->left + skipped) + 1);
		status = step(path, component, length);
	}
	if (status == 0 && outside(path->done[0] != 0 ? path->done : "/", result, sizeof result) != NULL)
		made = given(result, resolved, PATH_MAX);
	free(path);
	return made;
}
