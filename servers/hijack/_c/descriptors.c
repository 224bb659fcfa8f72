/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of this process's descriptors are the server's. */
#include "hijack.h"
#include "netbsd.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

REAL(int, dup, int)
REAL(int, dup2, int, int)
REAL(int, dup3, int, int, int)
REAL(int, fcntl64, int, int, ...)
REAL(int, flock, int, int)
REAL(int, open64, const char *, int, ...)
REAL(int, poll, struct pollfd *, nfds_t, int)
REAL(int, close_range, unsigned, unsigned, int)

enum { MOST = 65536, SERVER_MOST = 1024 };

static uint16_t server_of[MOST];	/* plus one; 0: the host's */
static uint32_t users[SERVER_MOST];
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

int server_descriptor(int descriptor)
{
	setting_begin();
	return descriptor >= 0 && descriptor < MOST ? (int)server_of[descriptor] - 1 : -1;
}

int directory_of(int directory)
{
	return directory == AT_FDCWD ? NB_AT_FDCWD : server_descriptor(directory);
}

static void put(int descriptor, int server)
{
	pthread_mutex_lock(&table);
	server_of[descriptor] = (uint16_t)(server + 1);
	users[server]++;
	pthread_mutex_unlock(&table);
}

/* Forget a place; the last one of a server's descriptor closes that. */
static int leave(int descriptor)
{
	int server = server_descriptor(descriptor), last;

	pthread_mutex_lock(&table);
	server_of[descriptor] = 0;
	last = --users[server] == 0;
	pthread_mutex_unlock(&table);
	return last ? (int)rump_call(NB_close, SLOTS((uint64_t)server), NULL, 0) : 0;
}

int take_place(int server, int close_on_exec)
{
	int made = server < 0 || server >= SERVER_MOST
	    ? -1 : next_open64()("/", O_PATH | (close_on_exec ? O_CLOEXEC : 0));

	if (made < 0 || made >= MOST) {
		int error = made < 0 && server < SERVER_MOST ? errno : EMFILE;
		if (made >= 0)
			real_close_(made);
		if (server >= 0)
			rump_call(NB_close, SLOTS((uint64_t)server), NULL, 0);
		errno = error;
		return -1;
	}
	put(made, server);
	standard_stream_follows(made);
	return made;
}

void inherit_descriptors(const char *list)
{
	int host, server, used = 0;

	while (sscanf(list, "%d:%d,%n", &host, &server, &used) == 2) {
		if (host >= 0 && host < MOST && server >= 0 && server < SERVER_MOST) {
			if (next_fcntl64()(host, F_GETFD) != -1)
				put(host, server);
			else if (users[server] == 0)	/* it was closed by exec: so is the server's */
				rump_call(NB_close, SLOTS((uint64_t)server), NULL, 0);
		}
		list += used;
	}
}

size_t list_descriptors(char *buffer, size_t length)
{
	size_t used = 0;

	/* Those that exec closes come last, so that a server's descriptor with another place is known to be in use. */
	for (int closes = 0; closes < 2; closes++)
		for (int at = 0; at < MOST; at++) {
			if (server_of[at] == 0 || ((next_fcntl64()(at, F_GETFD) & FD_CLOEXEC) != 0) != closes)
				continue;
			int wanted = snprintf(buffer + used, length - used, "%d:%d,", at, server_of[at] - 1);
			if (wanted < 0 || (size_t)wanted >= length - used)
				return used;
			used += (size_t)wanted;
		}
	return used;
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* The connection's own: of no use to programs, which may close or replace whatever there is. */
static int protected(int descriptor)
{
	if (descriptor < 0 || descriptor != proxy_socket())
		return 0;
	errno = EBADF;
	return 1;
}

PUBLIC int close(int descriptor)
{
	int status;

	if (protected(descriptor))
		return -1;
	standard_stream_leaves(descriptor);
	status = server_descriptor(descriptor) >= 0 ? leave(descriptor) : 0;
	return real_close_(descriptor) == 0 ? status : -1;
}

PUBLIC int close_range(unsigned first, unsigned last, int flags)
{
	unsigned kept = (unsigned)proxy_socket();

	if (flags == 0)
		for (unsigned at = first; at <= last && at < MOST; at++)
			if (server_descriptor((int)at) >= 0)
				leave((int)at);
	if (proxy_socket() < 0 || kept < first || kept > last)
		return next_close_range()(first, last, flags);
	if (kept > first && next_close_range()(first, kept - 1, flags) < 0)
		return -1;
	return kept < last ? next_close_range()(kept + 1, last, flags) : 0;
}

PUBLIC void closefrom(int first)
{
	close_range(first < 0 ? 0 : (unsigned)first, ~0U, 0);
}

static int same(int made, int descriptor)
{
	if (made >= 0 && made < MOST && server_descriptor(descriptor) >= 0) {
		put(made, server_descriptor(descriptor));
		standard_stream_follows(made);
	}
	return made;
}

PUBLIC int dup(int descriptor)
{
	return same(next_dup()(descriptor), descriptor);
}

static int replace(int made, int descriptor)
{
	if (made >= 0 && server_descriptor(made) >= 0) {
		leave(made);
		standard_stream_follows(made);
	}
	return same(made, descriptor);
}

PUBLIC int dup2(int descriptor, int wanted)
{
	if (descriptor == wanted)
		return next_dup2()(descriptor, wanted);
	if (protected(wanted))
		return -1;
	standard_stream_leaves(wanted);
	return replace(next_dup2()(descriptor, wanted), descriptor);
}

PUBLIC int dup3(int descriptor, int wanted, int flags)
{
	if (protected(wanted))
		return -1;
	standard_stream_leaves(wanted);
	return replace(next_dup3()(descriptor, wanted, flags), descriptor);
}

static int lock(int server, int command, struct flock *host)
{
	static const int16_t there[] = {[F_RDLCK] = NB_F_RDLCK, [F_WRLCK] = NB_F_WRLCK, [F_UNLCK] = NB_F_UNLCK};
	struct nb_flock asked = {.l_start = host->l_start, .l_len = host->l_len, .l_whence = host->l_whence};
	const struct region region = {&asked, sizeof asked, IN | OUT};
	int number = command == F_GETLK ? NB_F_GETLK : command == F_SETLK ? NB_F_SETLK : NB_F_SETLKW;

	if (host->l_type < 0 || host->l_type > F_UNLCK) {
		errno = EINVAL;
		return -1;
	}
	asked.l_type = there[host->l_type];
	if (rump_call(NB_fcntl, SLOTS((uint64_t)server, (uint64_t)number, POINTER(&asked)), &region, 1) < 0)
		return -1;
	if (command == F_GETLK) {
		host->l_type = asked.l_type == NB_F_UNLCK ? F_UNLCK : asked.l_type == NB_F_RDLCK ? F_RDLCK : F_WRLCK;
		host->l_start = asked.l_start;
		host->l_len = asked.l_len;
		host->l_whence = asked.l_whence;
		host->l_pid = asked.l_pid;
	}
	return 0;
}

static int status_flags(int server, int command, int flags)
{
	uint64_t wanted = 0;
	int64_t found;

	if (command == F_SETFL)
		wanted = (flags & O_APPEND ? NB_O_APPEND : 0) | (flags & O_NONBLOCK ? NB_O_NONBLOCK : 0);
	found = rump_call(NB_fcntl, SLOTS((uint64_t)server, command == F_SETFL ? NB_F_SETFL : NB_F_GETFL, wanted),
	    NULL, 0);
	if (found < 0 || command == F_SETFL)
		return (int)found;
	return (int)((found & O_ACCMODE) | (found & NB_O_APPEND ? O_APPEND : 0)
	    | (found & NB_O_NONBLOCK ? O_NONBLOCK : 0));
}

PUBLIC int fcntl64(int descriptor, int command, ...)
{
	int server = server_descriptor(descriptor);
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	if (server < 0)
		return next_fcntl64()(descriptor, command, argument);
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return same(next_fcntl64()(descriptor, command, argument), descriptor);
	case F_GETFD:
	case F_SETFD:
		return next_fcntl64()(descriptor, command, argument);
	case F_GETFL:
	case F_SETFL:
		return status_flags(server, command, (int)(intptr_t)argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return lock(server, command, argument);
	default:
		errno = EINVAL;
		return -1;
	}
}

PUBLIC int fcntl(int descriptor, int command, ...)
{
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	return fcntl64(descriptor, command, argument);
}

PUBLIC int flock(int descriptor, int operation)
{
	int server = server_descriptor(descriptor);

	if (server < 0)
		return next_flock()(descriptor, operation);
	return (int)rump_call(NB_flock, SLOTS((uint64_t)server, (uint64_t)operation), NULL, 0);
}

/* Files are always ready; the host's descriptors are waited for only if none of the server's is asked about. */
PUBLIC int poll(struct pollfd *all, nfds_t count, int timeout)
{
	int ready = 0, status;

	for (nfds_t at = 0; at < count; at++)
		if (server_descriptor(all[at].fd) >= 0)
			ready++;
	if (ready == 0)
		return next_poll()(all, count, timeout);
	for (nfds_t at = 0; at < count; at++)
		if (server_descriptor(all[at].fd) >= 0)
			all[at].fd = ~all[at].fd;
	status = next_poll()(all, count, 0);
	for (nfds_t at = 0; at < count; at++)
		if (all[at].fd < 0 && server_descriptor(~all[at].fd) >= 0) {
			all[at].fd = ~all[at].fd;
			all[at].revents = all[at].events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
		}
	return status < 0 ? status : status + ready;
}
