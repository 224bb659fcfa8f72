/* SPDX-License-Identifier: BSD-2-Clause */
/* stdio: libc's streams read by calls of its own, which cannot be caught; those of the server's files go by cookies
   (fopencookie(3)). */
#include "hijack.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <unistd.h>

REAL(FILE *, fopen64, const char *, const char *)
REAL(FILE *, fdopen, int, const char *)
REAL(int, fileno, FILE *)

enum { STREAMS = 1024 };

static struct { FILE *stream; int descriptor; } known[STREAMS];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

/* The descriptor of a cookie is its address, so that 0 is not NULL. */
static int descriptor_of(void *cookie)
{
	return (int)((intptr_t)cookie - 1);
}

static ssize_t read_cookie(void *cookie, char *buffer, size_t length)
{
	return read(descriptor_of(cookie), buffer, length);
}

static ssize_t write_cookie(void *cookie, const char *buffer, size_t length)
{
	ssize_t written = write(descriptor_of(cookie), buffer, length);
	return written < 0 ? 0 : written;	/* what a cookie says of an error */
}

static int seek_cookie(void *cookie, off64_t *offset, int whence)
{
	off64_t found = lseek64(descriptor_of(cookie), *offset, whence);

	if (found < 0)
		return -1;
	*offset = found;
	return 0;
}

static int close_cookie(void *cookie)
{
	pthread_mutex_lock(&guard);
	for (int at = 0; at < STREAMS; at++)
		if (known[at].stream != NULL && known[at].descriptor == descriptor_of(cookie))
			known[at].stream = NULL;
	pthread_mutex_unlock(&guard);
	return close(descriptor_of(cookie));
}

static FILE *make(int descriptor, const char *mode)
{
	static const cookie_io_functions_t functions = {read_cookie, write_cookie, seek_cookie, close_cookie};
	FILE *made = fopencookie((void *)(intptr_t)(descriptor + 1), mode, functions);

	pthread_mutex_lock(&guard);
	for (int at = 0; made != NULL && at < STREAMS; at++)
		if (known[at].stream == NULL) {
			known[at].stream = made;
			known[at].descriptor = descriptor;
			break;
		}
	pthread_mutex_unlock(&guard);
	return made;
}

/* fopen(3).  -1: not a mode. */
static int flags_of(const char *mode)
{
	int flags = *mode == 'r' ? 0 : *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : -1;
	int update = strchr(mode, '+') != NULL;

	if (flags < 0)
		return -1;
	flags |= update ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
	return flags | (strchr(mode, 'e') != NULL ? O_CLOEXEC : 0) | (strchr(mode, 'x') != NULL ? O_EXCL : 0);
}

PUBLIC FILE *fopen64(const char *path, const char *mode)
{
	int there, flags = flags_of(mode), descriptor;
	FILE *made;

	if (inside(AT_FDCWD, path, &there) == NULL)
		return next_fopen64()(path, mode);
	if (flags < 0) {
		errno = EINVAL;
		return NULL;
	}
	descriptor = open(path, flags, 0666);
	if (descriptor < 0)
		return NULL;
	made = make(descriptor, mode);
	if (made == NULL)
		close(descriptor);
	return made;
}

PUBLIC FILE *fopen(const char *path, const char *mode)
{
	return fopen64(path, mode);
}

PUBLIC FILE *fdopen(int descriptor, const char *mode)
{
	return server_descriptor(descriptor) < 0 ? next_fdopen()(descriptor, mode) : make(descriptor, mode);
}

PUBLIC int fileno(FILE *stream)
{
	int found = -1;

	pthread_mutex_lock(&guard);
	for (int at = 0; at < STREAMS && found < 0; at++)
		if (known[at].stream == stream && stream != NULL)
			found = known[at].descriptor;
	pthread_mutex_unlock(&guard);
	return found >= 0 ? found : next_fileno()(stream);
}

PUBLIC int fileno_unlocked(FILE *stream)
{
	return fileno(stream);
}

/* ---- the standard streams --------------------------------------------------------------------------------------- */

static FILE *libc_stream[3], *cookie_stream[3];

static FILE **standard(int descriptor)
{
	return descriptor == 0 ? &stdin : descriptor == 1 ? &stdout : &stderr;
}

void standard_stream_leaves(int descriptor)
{
	if (descriptor > 0 && descriptor < 3 && *standard(descriptor) != NULL)
		fflush(*standard(descriptor));
}

/* A descriptor among the first three leads elsewhere now: its stream follows. */
void standard_stream_follows(int descriptor)
{
	FILE **place;

	if (descriptor < 0 || descriptor > 2)
		return;
	place = standard(descriptor);
	if (server_descriptor(descriptor) < 0) {
		if (libc_stream[descriptor] != NULL)
			*place = libc_stream[descriptor];
		return;
	}
	if (libc_stream[descriptor] == NULL)
		libc_stream[descriptor] = *place;
	if (cookie_stream[descriptor] == NULL)
		cookie_stream[descriptor] = make(descriptor, descriptor == 0 ? "r" : "w");
	if (cookie_stream[descriptor] == NULL)
		return;
	__fpurge(cookie_stream[descriptor]);
	clearerr(cookie_stream[descriptor]);
	if (descriptor == 2)
		setvbuf(cookie_stream[descriptor], NULL, _IONBF, 0);
	*place = cookie_stream[descriptor];
}
