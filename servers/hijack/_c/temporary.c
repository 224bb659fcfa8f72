/* SPDX-License-Identifier: BSD-2-Clause */
/* Temporary names and patterns: libc opens and looks up what these want by calls of its own. */
#include "hijack.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

REAL(int, mkostemps64, char *, int, int)
REAL(char *, mkdtemp, char *)
REAL(int, glob64, const char *, int, int (*)(const char *, int), glob64_t *)

enum { TRIES = 1000, LETTERS = 6 };

/* The six letters of a template, NULL if it has none. */
static char *letters_of(char *template, int suffix)
{
	size_t length = strlen(template);
	char *found;

	if (suffix < 0 || length < LETTERS + (size_t)suffix) {
		errno = EINVAL;
		return NULL;
	}
	found = template + length - (size_t)suffix - LETTERS;
	if (memcmp(found, "XXXXXX", LETTERS) != 0) {
		errno = EINVAL;
		return NULL;
	}
	return found;
}

static int draw(char *letters)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	unsigned char random[LETTERS];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return -1;
	for (int at = 0; at < LETTERS; at++)
		letters[at] = all[random[at] % 64];
	return 0;
}

PUBLIC int mkostemps64(char *template, int suffix, int flags)
{
	int there, made = -1;
	char *letters;

	if (inside(AT_FDCWD, template, &there) == NULL)
		return next_mkostemps64()(template, suffix, flags);
	letters = letters_of(template, suffix);
	for (int tries = 0; letters != NULL && tries < TRIES; tries++) {
		if (draw(letters) < 0)
			return -1;
		made = open(template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
		if (made >= 0 || errno != EEXIST)
			break;
	}
	return made;
}

PUBLIC int mkostemps(char *template, int suffix, int flags) { return mkostemps64(template, suffix, flags); }
PUBLIC int mkostemp64(char *template, int flags) { return mkostemps64(template, 0, flags); }
PUBLIC int mkostemp(char *template, int flags) { return mkostemps64(template, 0, flags); }
PUBLIC int mkstemps64(char *template, int suffix) { return mkostemps64(template, suffix, 0); }
PUBLIC int mkstemps(char *template, int suffix) { return mkostemps64(template, suffix, 0); }
PUBLIC int mkstemp64(char *template) { return mkostemps64(template, 0, 0); }
PUBLIC int mkstemp(char *template) { return mkostemps64(template, 0, 0); }

PUBLIC char *mkdtemp(char *template)
{
	int there;
	char *letters;

	if (inside(AT_FDCWD, template, &there) == NULL)
		return next_mkdtemp()(template);
	letters = letters_of(template, 0);
	for (int tries = 0; letters != NULL && tries < TRIES; tries++) {
		if (draw(letters) < 0)
			return NULL;
		if (mkdir(template, 0700) == 0)
			return template;
		if (errno != EEXIST)
			break;
	}
	return NULL;
}

static void close_folder(void *stream)
{
	closedir(stream);
}

PUBLIC int glob64(const char *pattern, int flags, int (*failed)(const char *, int), glob64_t *found)
{
	int there;

	if (!(flags & GLOB_ALTDIRFUNC) && (working_inside || inside(AT_FDCWD, pattern, &there) != NULL)) {
		flags |= GLOB_ALTDIRFUNC;
		found->gl_opendir = (void *(*)(const char *))opendir;
		found->gl_readdir = (struct dirent64 *(*)(void *))readdir64;
		found->gl_closedir = close_folder;
		found->gl_stat = stat64;
		found->gl_lstat = lstat64;
	}
	return next_glob64()(pattern, flags, failed, found);
}

_Static_assert(sizeof(glob_t) == sizeof(glob64_t), "one layout, as where off_t has 64 bits");

PUBLIC int glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *found)
{
	return glob64(pattern, flags, failed, (glob64_t *)found);
}
