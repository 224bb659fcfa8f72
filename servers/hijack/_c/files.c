/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, reading, writing. */
#include "hijack.h"
#include "netbsd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

REAL(int, openat64, int, const char *, int, ...)
REAL(ssize_t, read, int, void *, size_t)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pread64, int, void *, size_t, off64_t)
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
REAL(ssize_t, readv, int, const struct iovec *, int)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, preadv64, int, const struct iovec *, int, off64_t)
REAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t)
REAL(off64_t, lseek64, int, off64_t, int)
REAL(int, ftruncate64, int, off64_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, syncfs, int)
REAL(int, posix_fadvise64, int, off64_t, off64_t, int)
REAL(int, posix_fallocate64, int, off64_t, off64_t)
REAL(int, fallocate64, int, int, off64_t, off64_t)
REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned)
REAL(ssize_t, sendfile64, int, int, off64_t *, size_t)
REAL(int, ioctl, int, unsigned long, ...)
REAL(void *, mmap64, void *, size_t, int, int, int, off64_t)

/* One piece: what one frame carries well. */
enum { PIECE = 1 << 20 };

static uint64_t open_flags(int flags)
{
	return (uint64_t)((flags & O_ACCMODE) | (flags & O_NONBLOCK ? NB_O_NONBLOCK : 0)
	    | (flags & O_APPEND ? NB_O_APPEND : 0) | (flags & O_DSYNC ? NB_O_SYNC : 0)
	    | (flags & O_NOFOLLOW ? NB_O_NOFOLLOW : 0) | (flags & O_CREAT ? NB_O_CREAT : 0)
	    | (flags & O_TRUNC ? NB_O_TRUNC : 0) | (flags & O_EXCL ? NB_O_EXCL : 0)
	    | (flags & O_DIRECTORY ? NB_O_DIRECTORY : 0));
}

static int open_inside(int directory, const char *path, int flags, mode_t mode)
{
	const struct region name = NAME(path);
	int64_t made;

	if ((flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (flags & O_PATH)		/* nothing here is opened without being opened */
		flags = (flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) | O_RDONLY;
	made = rump_call(NB_openat, SLOTS(SIGNED(directory), POINTER(path), open_flags(flags), mode), &name, 1);
	return made < 0 ? -1 : take_place((int)made, flags & O_CLOEXEC);
}

static int open_any(int directory, const char *path, int flags, mode_t mode)
{
	int there;
	const char *name = inside(directory, path, &there);

	return name != NULL ? open_inside(there, name, flags, mode) : next_openat64()(directory, path, flags, mode);
}

#define MODE(flags)                                                     \
	mode_t mode = 0;                                                \
	if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {  \
		va_list list;                                           \
		va_start(list, flags);                                  \
		mode = va_arg(list, mode_t);                            \
		va_end(list);                                           \
	}

PUBLIC int open(const char *path, int flags, ...)
{
	MODE(flags)
	return open_any(AT_FDCWD, path, flags, mode);
}

PUBLIC int open64(const char *path, int flags, ...)
{
	MODE(flags)
	return open_any(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

PUBLIC int openat(int directory, const char *path, int flags, ...)
{
	MODE(flags)
	return open_any(directory, path, flags, mode);
}

PUBLIC int openat64(int directory, const char *path, int flags, ...)
{
	MODE(flags)
	return open_any(directory, path, flags | O_LARGEFILE, mode);
}

/* What the headers make of the same calls where they check their arguments (_FORTIFY_SOURCE). */
PUBLIC int __open_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags, 0);
}

PUBLIC int __open64_2(const char *path, int flags)
{
	return open_any(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

PUBLIC int __openat_2(int directory, const char *path, int flags)
{
	return open_any(directory, path, flags, 0);
}

PUBLIC int __openat64_2(int directory, const char *path, int flags)
{
	return open_any(directory, path, flags | O_LARGEFILE, 0);
}

PUBLIC int creat(const char *path, mode_t mode)
{
	return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

PUBLIC int creat64(const char *path, mode_t mode)
{
	return creat(path, mode);
}

/* ---- data ----------------------------------------------------------------------------------------------------- */

/* `offset` is -1 where the file's own goes on.  NetBSD's calls with one have a slot that pads. */
static ssize_t move(int server, int write, const void *data, size_t length, off64_t offset)
{
	const struct region region = {data, length, write ? IN : OUT};
	const uint64_t slots[] = {(uint64_t)server, POINTER(data), length, 0, (uint64_t)offset};

	if (offset < 0)
		return (ssize_t)rump_call(write ? NB_write : NB_read, slots, 3, &region, 1);
	return (ssize_t)rump_call(write ? NB_pwrite : NB_pread, slots, 5, &region, 1);
}

/* All of it, in pieces; short where the server is. */
static ssize_t transfer(int server, int write, const void *data, size_t length, off64_t offset)
{
	size_t done = 0;

	do {
		size_t piece = length - done < PIECE ? length - done : PIECE;
		ssize_t moved = move(server, write, (const char *)data + done, piece,
		    offset < 0 ? offset : offset + (off64_t)done);
		if (moved < 0)
			return done > 0 ? (ssize_t)done : -1;
		done += (size_t)moved;
		if ((size_t)moved < piece)
			break;
	} while (done < length);
	return (ssize_t)done;
}

static int check_offset(off64_t offset)
{
	if (offset < 0)
		errno = EINVAL;
	return offset < 0;
}

PUBLIC ssize_t read(int descriptor, void *buffer, size_t length)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_read()(descriptor, buffer, length) : transfer(server, 0, buffer, length, -1);
}

PUBLIC ssize_t __read_chk(int descriptor, void *buffer, size_t length, size_t room)
{
	if (length > room)
		abort();
	return read(descriptor, buffer, length);
}

PUBLIC ssize_t write(int descriptor, const void *buffer, size_t length)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_write()(descriptor, buffer, length) : transfer(server, 1, buffer, length, -1);
}

PUBLIC ssize_t pread64(int descriptor, void *buffer, size_t length, off64_t offset)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_pread64()(descriptor, buffer, length, offset);
	return check_offset(offset) ? -1 : transfer(server, 0, buffer, length, offset);
}

PUBLIC ssize_t pread(int descriptor, void *buffer, size_t length, off_t offset)
{
	return pread64(descriptor, buffer, length, offset);
}

PUBLIC ssize_t __pread_chk(int descriptor, void *buffer, size_t length, off_t offset, size_t room)
{
	if (length > room)
		abort();
	return pread64(descriptor, buffer, length, offset);
}

PUBLIC ssize_t __pread64_chk(int descriptor, void *buffer, size_t length, off64_t offset, size_t room)
{
	return __pread_chk(descriptor, buffer, length, offset, room);
}

PUBLIC ssize_t pwrite64(int descriptor, const void *buffer, size_t length, off64_t offset)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_pwrite64()(descriptor, buffer, length, offset);
	return check_offset(offset) ? -1 : transfer(server, 1, buffer, length, offset);
}

PUBLIC ssize_t pwrite(int descriptor, const void *buffer, size_t length, off_t offset)
{
	return pwrite64(descriptor, buffer, length, offset);
}

static ssize_t vector(int server, int write, const struct iovec *parts, int count, off64_t offset)
{
	ssize_t done = 0;

	for (int at = 0; at < count; at++) {
		ssize_t moved = transfer(server, write, parts[at].iov_base, parts[at].iov_len,
		    offset < 0 ? offset : offset + done);
		if (moved < 0)
			return done > 0 ? done : -1;
		done += moved;
		if ((size_t)moved < parts[at].iov_len)
			break;
	}
	return done;
}

PUBLIC ssize_t readv(int descriptor, const struct iovec *parts, int count)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_readv()(descriptor, parts, count) : vector(server, 0, parts, count, -1);
}

PUBLIC ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_writev()(descriptor, parts, count) : vector(server, 1, parts, count, -1);
}

PUBLIC ssize_t preadv64(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_preadv64()(descriptor, parts, count, offset);
	return check_offset(offset) ? -1 : vector(server, 0, parts, count, offset);
}

PUBLIC ssize_t preadv(int descriptor, const struct iovec *parts, int count, off_t offset)
{
	return preadv64(descriptor, parts, count, offset);
}

PUBLIC ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_pwritev64()(descriptor, parts, count, offset);
	return check_offset(offset) ? -1 : vector(server, 1, parts, count, offset);
}

PUBLIC ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
	return pwritev64(descriptor, parts, count, offset);
}

PUBLIC off64_t lseek64(int descriptor, off64_t offset, int whence)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_lseek64()(descriptor, offset, whence);
	return rump_call(NB_lseek, SLOTS((uint64_t)server, 0, SIGNED(offset), (uint64_t)whence), NULL, 0);
}

PUBLIC off_t lseek(int descriptor, off_t offset, int whence)
{
	return lseek64(descriptor, offset, whence);
}

/* ---- size, and what is on the medium -------------------------------------------------------------------------- */

PUBLIC int ftruncate64(int descriptor, off64_t length)
{
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_ftruncate64()(descriptor, length);
	return (int)rump_call(NB_ftruncate, SLOTS((uint64_t)server, 0, SIGNED(length)), NULL, 0);
}

PUBLIC int ftruncate(int descriptor, off_t length)
{
	return ftruncate64(descriptor, length);
}

PUBLIC int fsync(int descriptor)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fsync()(descriptor) : (int)rump_call(NB_fsync, SLOTS((uint64_t)server), NULL, 0);
}

PUBLIC int fdatasync(int descriptor)
{
	int server = server_descriptor(descriptor);
	return server < 0 ? next_fdatasync()(descriptor)
	    : (int)rump_call(NB_fdatasync, SLOTS((uint64_t)server), NULL, 0);
}

PUBLIC int syncfs(int descriptor)
{
	return server_descriptor(descriptor) < 0 ? next_syncfs()(descriptor) : (int)rump_call(NB_sync, NULL, 0, NULL, 0);
}

PUBLIC int posix_fadvise64(int descriptor, off64_t offset, off64_t length, int advice)
{
	return server_descriptor(descriptor) < 0 ? next_posix_fadvise64()(descriptor, offset, length, advice) : 0;
}

PUBLIC int posix_fadvise(int descriptor, off_t offset, off_t length, int advice)
{
	return posix_fadvise64(descriptor, offset, length, advice);
}

PUBLIC int posix_fallocate64(int descriptor, off64_t offset, off64_t length)
{
	int64_t result[2];
	int server = server_descriptor(descriptor);
	if (server < 0)
		return next_posix_fallocate64()(descriptor, offset, length);
	return proxy_call(NB_posix_fallocate, SLOTS((uint64_t)server, 0, SIGNED(offset), SIGNED(length)), NULL, 0, result);
}

PUBLIC int posix_fallocate(int descriptor, off_t offset, off_t length)
{
	return posix_fallocate64(descriptor, offset, length);
}

PUBLIC int fallocate64(int descriptor, int mode, off64_t offset, off64_t length)
{
	int server = server_descriptor(descriptor), number = mode == 0 ? NB_posix_fallocate : NB_fdiscard;
	if (server < 0)
		return next_fallocate64()(descriptor, mode, offset, length);
	if (mode != 0 && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)rump_call(number, SLOTS((uint64_t)server, 0, SIGNED(offset), SIGNED(length)), NULL, 0);
}

PUBLIC int fallocate(int descriptor, int mode, off_t offset, off_t length)
{
	return fallocate64(descriptor, mode, offset, length);
}

/* Programs that are told so go on with read and write. */
PUBLIC ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length, unsigned flags)
{
	if (server_descriptor(from) < 0 && server_descriptor(to) < 0)
		return next_copy_file_range()(from, from_offset, to, to_offset, length, flags);
	errno = EXDEV;
	return -1;
}

PUBLIC ssize_t sendfile64(int to, int from, off64_t *offset, size_t length)
{
	if (server_descriptor(from) < 0 && server_descriptor(to) < 0)
		return next_sendfile64()(to, from, offset, length);
	errno = EINVAL;
	return -1;
}

PUBLIC ssize_t sendfile(int to, int from, off_t *offset, size_t length)
{
	return sendfile64(to, from, offset, length);
}

PUBLIC int ioctl(int descriptor, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (server_descriptor(descriptor) < 0)
		return next_ioctl()(descriptor, request, argument);
	errno = ENOTTY;
	return -1;
}

/* A private mapping is a copy, read at once; what is shared cannot be had. */
PUBLIC void *mmap64(void *where, size_t length, int protection, int flags, int descriptor, off64_t offset)
{
	int server = flags & MAP_ANONYMOUS ? -1 : server_descriptor(descriptor);
	void *made;

	if (server < 0)
		return next_mmap64()(where, length, protection, flags, descriptor, offset);
	if (flags & MAP_SHARED && protection & PROT_WRITE) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	made = next_mmap64()(where, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (flags & MAP_FIXED), -1, 0);
	if (made == MAP_FAILED)
		return made;
	if (transfer(server, 0, made, length, offset) < 0 || mprotect(made, length, protection) < 0) {
		int error = errno;
		munmap(made, length);
		errno = error;
		return MAP_FAILED;
	}
	return made;
}

PUBLIC void *mmap(void *where, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	return mmap64(where, length, protection, flags, descriptor, offset);
}
