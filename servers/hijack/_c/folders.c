/* SPDX-License-Identifier: BSD-2-Clause */
/* Directory streams (opendir(3) and its kin). */
#include "hijack.h"
#include "netbsd.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

REAL(DIR *, opendir, const char *)
REAL(DIR *, fdopendir, int)
REAL(int, closedir, DIR *)
REAL(struct dirent64 *, readdir64, DIR *)
REAL(int, readdir64_r, DIR *, struct dirent64 *, struct dirent64 **)
REAL(void, rewinddir, DIR *)
REAL(long, telldir, DIR *)
REAL(void, seekdir, DIR *, long)
REAL(int, dirfd, DIR *)

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "one layout, as where off_t has 64 bits");

enum { ROOM = 65536 };

struct folder {
	int descriptor;
	long count;		/* entries handed out: what telldir says */
	size_t at, filled;
	struct dirent64 entry;
	struct folder *next;
	_Alignas(8) char records[ROOM];
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct folder *folders;

/* One of ours, NULL: libc's. */
static struct folder *folder_of(DIR *stream)
{
	struct folder *at;

	if (folders == NULL)
		return NULL;
	pthread_mutex_lock(&guard);
	for (at = folders; at != NULL && (DIR *)at != stream; at = at->next)
		continue;
	pthread_mutex_unlock(&guard);
	return at;
}

PUBLIC DIR *fdopendir(int descriptor)
{
	struct folder *made;
	struct stat found;

	if (server_descriptor(descriptor) < 0)
		return next_fdopendir()(descriptor);
	if (fstat(descriptor, &found) < 0)
		return NULL;
	if (!S_ISDIR(found.st_mode)) {
		errno = ENOTDIR;
		return NULL;
	}
	made = calloc(1, sizeof *made);
	if (made == NULL)
		return NULL;
	made->descriptor = descriptor;
	pthread_mutex_lock(&guard);
	made->next = folders;
	folders = made;
	pthread_mutex_unlock(&guard);
	return (DIR *)made;
}

PUBLIC DIR *opendir(const char *path)
{
	int there, descriptor;
	DIR *made;

	if (inside(AT_FDCWD, path, &there) == NULL)
		return next_opendir()(path);
	descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return NULL;
	made = fdopendir(descriptor);
	if (made == NULL)
		close(descriptor);
	return made;
}

PUBLIC int closedir(DIR *stream)
{
	struct folder *folder = folder_of(stream), **place;
	int descriptor;

	if (folder == NULL)
		return next_closedir()(stream);
	pthread_mutex_lock(&guard);
	for (place = &folders; *place != folder; place = &(*place)->next)
		continue;
	*place = folder->next;
	pthread_mutex_unlock(&guard);
	descriptor = folder->descriptor;
	free(folder);
	return close(descriptor);
}

static int refill(struct folder *folder)
{
	const struct region region = {folder->records, ROOM, OUT};
	int64_t got = rump_call(NB_getdents, SLOTS((uint64_t)server_descriptor(folder->descriptor),
	    POINTER(folder->records), ROOM), &region, 1);

	folder->at = 0;
	folder->filled = got > 0 && got <= ROOM ? (size_t)got : 0;
	return folder->filled > 0;
}

static struct dirent64 *next_entry(struct folder *folder)
{
	struct nb_dirent *record;

	for (;;) {
		if (folder->at + NB_DIRENT_NAME >= folder->filled && !refill(folder))
			return NULL;
		record = (struct nb_dirent *)(folder->records + folder->at);
		if (record->d_reclen <= NB_DIRENT_NAME || record->d_reclen > folder->filled - folder->at
		    || record->d_namlen >= record->d_reclen - NB_DIRENT_NAME
		    || record->d_namlen >= sizeof folder->entry.d_name) {
			errno = EIO;
			return NULL;
		}
		folder->at += record->d_reclen;
		if (record->d_number != 0)	/* 0: the record of a name that was removed */
			break;
	}
	folder->entry.d_ino = record->d_number;
	folder->entry.d_off = ++folder->count;
	folder->entry.d_reclen = sizeof folder->entry;
	folder->entry.d_type = record->d_type;
	memcpy(folder->entry.d_name, (char *)record + NB_DIRENT_NAME, record->d_namlen);
	folder->entry.d_name[record->d_namlen] = 0;
	return &folder->entry;
}

PUBLIC struct dirent64 *readdir64(DIR *stream)
{
	struct folder *folder = folder_of(stream);
	return folder == NULL ? next_readdir64()(stream) : next_entry(folder);
}

PUBLIC struct dirent *readdir(DIR *stream)
{
	return (struct dirent *)readdir64(stream);
}

PUBLIC int readdir64_r(DIR *stream, struct dirent64 *entry, struct dirent64 **result)
{
	struct folder *folder = folder_of(stream);
	int kept = errno;

	if (folder == NULL)
		return next_readdir64_r()(stream, entry, result);
	errno = 0;
	*result = next_entry(folder);
	if (*result != NULL)
		*result = memcpy(entry, *result, sizeof *entry);
	else if (errno != 0)
		return errno;
	errno = kept;
	return 0;
}

PUBLIC int readdir_r(DIR *stream, struct dirent *entry, struct dirent **result)
{
	return readdir64_r(stream, (struct dirent64 *)entry, (struct dirent64 **)result);
}

PUBLIC void rewinddir(DIR *stream)
{
	struct folder *folder = folder_of(stream);

	if (folder == NULL) {
		next_rewinddir()(stream);
		return;
	}
	lseek(folder->descriptor, 0, SEEK_SET);
	folder->at = folder->filled = 0;
	folder->count = 0;
}

PUBLIC long telldir(DIR *stream)
{
	struct folder *folder = folder_of(stream);
	return folder == NULL ? next_telldir()(stream) : folder->count;
}

PUBLIC void seekdir(DIR *stream, long place)
{
	struct folder *folder = folder_of(stream);

	if (folder == NULL) {
		next_seekdir()(stream, place);
		return;
	}
	if (place < folder->count)
		rewinddir(stream);
	while (folder->count < place && next_entry(folder) != NULL)
		continue;
}

PUBLIC int dirfd(DIR *stream)
{
	struct folder *folder = folder_of(stream);
	return folder == NULL ? next_dirfd()(stream) : folder->descriptor;
}

/* libc's own scandir would open the directory behind our back. */
static int collect(DIR *stream, struct dirent ***list, int (*wanted)(const struct dirent *))
{
	struct dirent **all = NULL, *entry;
	int count = 0, room = 0;

	while ((entry = readdir(stream)) != NULL) {
		if (wanted != NULL && !wanted(entry))
			continue;
		if (count == room) {
			struct dirent **more = realloc(all, (size_t)(room = room * 2 + 16) * sizeof *all);
			if (more == NULL)
				break;
			all = more;
		}
		if ((all[count] = malloc(sizeof *entry)) == NULL)
			break;
		memcpy(all[count++], entry, sizeof *entry);
	}
	*list = all;
	return count;
}

PUBLIC int scandirat(int directory, const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
    int (*order)(const struct dirent **, const struct dirent **))
{
	int descriptor = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count;
	DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);

	if (stream == NULL) {
		if (descriptor >= 0)
			close(descriptor);
		return -1;
	}
	count = collect(stream, list, wanted);
	closedir(stream);
	if (order != NULL && count > 1)
		qsort(*list, (size_t)count, sizeof **list, (int (*)(const void *, const void *))order);
	return count;
}

PUBLIC int scandir(const char *path, struct dirent ***list, int (*wanted)(const struct dirent *),
    int (*order)(const struct dirent **, const struct dirent **))
{
	return scandirat(AT_FDCWD, path, list, wanted, order);
}

PUBLIC int scandir64(const char *path, struct dirent64 ***list, int (*wanted)(const struct dirent64 *),
    int (*order)(const struct dirent64 **, const struct dirent64 **))
{
	return scandirat(AT_FDCWD, path, (struct dirent ***)list, (int (*)(const struct dirent *))wanted,
	    (int (*)(const struct dirent **, const struct dirent **))order);
}
