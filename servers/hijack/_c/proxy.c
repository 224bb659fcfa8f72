/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to the server, in the original's protocol (docs/servers.md).  Any number of threads may have a
 * call under way: whoever waits and finds nobody reading reads frames for all.
 */
#include "hijack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

REAL(ssize_t, read, int, void *, size_t)
REAL(int, fcntl64, int, int, ...)

enum { REQUEST, RESPONSE, ERROR };
enum { HANDSHAKE, SYSCALL, COPYIN, COPYINSTR, COPYOUT, COPYOUTSTR, ANONMMAP, PREFORK, RAISE };
enum { GUEST, AUTHENTICATE, FORK, EXEC };
enum { HIGH = 512, BANNER = 96, PAYLOAD = 1 << 26 };

struct frame {
	uint64_t length, number;
	uint16_t class, type;
	uint32_t argument;
};

struct waiting {
	uint64_t number;
	const struct region *regions;
	int count, done, error;
	void *reply;
	size_t room, length;
	struct waiting *next;
};

static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER, sending = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct waiting *all;
static int link_ = -1, reading, dead;
static uint64_t last_number;

static const int error_of[] = {EIO, EAGAIN, EPERM, ESRCH, EIO, EBUSY, ENOMEM, EINVAL};

static int send_frame(struct frame *frame, const void *first, size_t first_length, const void *more, size_t length)
{
	struct iovec parts[3] = {{frame, sizeof *frame}, {(void *)first, first_length}, {(void *)more, length}};
	struct iovec *part = parts;
	size_t left = frame->length = sizeof *frame + first_length + length;
	int failed = 0;

	pthread_mutex_lock(&sending);
	while (left > 0 && !failed) {
		struct msghdr message = {.msg_iov = part, .msg_iovlen = (size_t)(parts + 3 - part)};
		ssize_t sent = sendmsg(link_, &message, MSG_NOSIGNAL);
		if (sent < 0) {
			failed = errno != EINTR;
			continue;
		}
		left -= (size_t)sent;
		while (part < parts + 3 && (size_t)sent >= part->iov_len)
			sent -= (ssize_t)(part++)->iov_len;
		if (part < parts + 3) {
			part->iov_base = (char *)part->iov_base + sent;
			part->iov_len -= (size_t)sent;
		}
	}
	pthread_mutex_unlock(&sending);
	return failed ? -1 : 0;
}

static int receive(void *buffer, size_t length)
{
	char *at = buffer;

	while (length > 0) {
		ssize_t got = next_read()(link_, at, length);
		if (got == 0 || (got < 0 && errno != EINTR))
			return -1;
		if (got > 0) {
			at += got;
			length -= (size_t)got;
		}
	}
	return 0;
}

static int discard(uint64_t length)
{
	char waste[512];

	while (length > 0) {
		size_t part = length < sizeof waste ? (size_t)length : sizeof waste;
		if (receive(waste, part))
			return -1;
		length -= part;
	}
	return 0;
}

/* How much from an address on the server may reach, in whatever way. */
static size_t reachable(uint64_t address, int access)
{
	size_t found = 0;

	pthread_mutex_lock(&state);
	for (struct waiting *call = all; call != NULL; call = call->next)
		for (int i = 0; i < call->count; i++) {
			uint64_t begin = POINTER(call->regions[i].address);
			if (call->regions[i].access & access && address >= begin
			    && address - begin < call->regions[i].length)
				found = call->regions[i].length - (size_t)(address - begin);
		}
	pthread_mutex_unlock(&state);
	return found;
}

static int answer_copy(struct frame *frame, int string)
{
	uint64_t want[2];
	size_t length;
	const char *from;

	if (frame->length - sizeof *frame != sizeof want || receive(want, sizeof want))
		return -1;
	length = reachable(want[1], IN);
	if (want[0] == 0)
		length = 0;
	else if (length == 0 || (!string && length < want[0]))
		return -1;
	else if (length > want[0])
		length = (size_t)want[0];
	from = (const char *)(uintptr_t)want[1];
	if (string && memchr(from, 0, length) != NULL)
		length = strlen(from) + 1;
	frame->class = RESPONSE;
	return send_frame(frame, from, length, NULL, 0);
}

static int take_copy(struct frame *frame)
{
	uint64_t where[2], length = frame->length - sizeof *frame;

	if (length < sizeof where || receive(where, sizeof where))
		return -1;
	length -= sizeof where;
	if (length > reachable(where[1], OUT))
		return -1;
	return receive((void *)(uintptr_t)where[1], (size_t)length);
}

/* A request of the server's.  -1: it asked for what it may not have, or the link is gone. */
static int serve(struct frame *frame)
{
	uint64_t nothing = 0;

	switch (frame->type) {
	case COPYIN:
	case COPYINSTR:
		return answer_copy(frame, frame->type == COPYINSTR);
	case COPYOUT:
	case COPYOUTSTR:
		return take_copy(frame);
	case ANONMMAP:		/* no call of ours needs memory made for it: 0 says no */
		if (discard(frame->length - sizeof *frame))
			return -1;
		frame->class = RESPONSE;
		return send_frame(frame, &nothing, sizeof nothing, NULL, 0);
	default:		/* a signal: nothing here raises one */
		return discard(frame->length - sizeof *frame);
	}
}

static struct waiting *find(uint64_t number)
{
	struct waiting *call = all;

	while (call != NULL && call->number != number)
		call = call->next;
	return call;
}

/* An answer to one of ours; `state` is not held. */
static int settle(struct frame *frame)
{
	uint64_t length = frame->length - sizeof *frame;
	struct waiting *call;

	pthread_mutex_lock(&state);
	call = find(frame->number);
	pthread_mutex_unlock(&state);
	if (call == NULL || length > call->room) {
		if (discard(length))
			return -1;
	} else if (receive(call->reply, (size_t)length))
		return -1;
	if (call != NULL) {
		call->length = (size_t)length;
		if (frame->class == ERROR)
			call->error = frame->argument < 8 ? error_of[frame->argument] : EIO;
		pthread_mutex_lock(&state);
		call->done = 1;
		pthread_mutex_unlock(&state);
	}
	return 0;
}

static int read_one(void)
{
	struct frame frame;

	if (receive(&frame, sizeof frame) || frame.length < sizeof frame || frame.length > PAYLOAD)
		return -1;
	return frame.class == REQUEST ? serve(&frame) : settle(&frame);
}

/* Ask, and wait for the answer.  Returns 0 or an errno. */
static int request(struct waiting *call, int type, uint32_t argument, const void *payload, size_t length)
{
	struct frame frame = {.class = REQUEST, .type = (uint16_t)type, .argument = argument};
	struct waiting **place;

	pthread_mutex_lock(&state);
	frame.number = call->number = ++last_number;
	call->next = all;
	all = call;
	pthread_mutex_unlock(&state);
	if (send_frame(&frame, payload, length, NULL, 0))
		dead = 1;
	pthread_mutex_lock(&state);
	while (!call->done && !dead) {
		if (reading) {
			pthread_cond_wait(&changed, &state);
			continue;
		}
		reading = 1;
		pthread_mutex_unlock(&state);
		int failed = read_one();
		pthread_mutex_lock(&state);
		reading = 0;
		dead |= failed != 0;
		pthread_cond_broadcast(&changed);
	}
	for (place = &all; *place != call; place = &(*place)->next)
		continue;
	*place = call->next;
	pthread_mutex_unlock(&state);
	return call->done ? call->error : EIO;
}

/* ---- connecting ----------------------------------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof address.sun_path)
		return -1;
	strcpy(address.sun_path, path);
	return made >= 0 && connect(made, (struct sockaddr *)&address, sizeof address) == 0 ? made : -1;
}

static int connect_tcp(const char *where)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	int port, one = 1, made;

	if (sscanf(where, "%63[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -1;
	address.sin_port = htons((uint16_t)port);
	made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return made;
}

static int open_link(void)
{
	char byte = 0;
	int made = -1, length = 0;

	if (setting_url != NULL && strncmp(setting_url, "unix://", 7) == 0)
		made = connect_unix(setting_url + 7);
	else if (setting_url != NULL && strncmp(setting_url, "tcp://", 6) == 0)
		made = connect_tcp(setting_url + 6);
	if (made < 0)
		return -1;
	link_ = next_fcntl64()(made, F_DUPFD_CLOEXEC, HIGH);
	if (link_ >= 0)
		real_close_(made);
	else
		link_ = made;
	while (byte != '\n')
		if (++length > BANNER || receive(&byte, 1))
			return -1;
	return 0;
}

static int shake(int kind, const void *payload, size_t length)
{
	int32_t status = -1;
	struct waiting call = {.reply = &status, .room = sizeof status};
	int error = request(&call, HANDSHAKE, (uint32_t)kind, payload, length);

	return error != 0 ? error : status;
}

static void end(const char *why)
{
	complain(setting_url != NULL ? setting_url : "no server", why);
	dead = 1;
}

static void guest(void)
{
	const char *name = program_invocation_short_name;

	if (open_link())
		end(setting_url == NULL ? "RUMP_SERVER names none" : "the server does not answer");
	else if (shake(GUEST, name, strlen(name) + 1))
		end("the server refuses this client");
}

int proxy_connected(void)
{
	return link_ >= 0;
}

int proxy_socket(void)
{
	return link_;
}

void proxy_keep(int over_exec)
{
	if (link_ >= 0)
		next_fcntl64()(link_, F_SETFD, over_exec ? 0 : FD_CLOEXEC);
}

void proxy_adopt(int inherited)
{
	const char *name = program_invocation_short_name;

	link_ = inherited;
	proxy_keep(0);
	if (shake(EXEC, name, strlen(name) + 1))
		end("the connection did not survive exec");
}

int proxy_prefork(unsigned char cookie[16])
{
	struct waiting call = {.reply = cookie, .room = 16};
	int error = request(&call, PREFORK, 0, NULL, 0);

	return error != 0 ? error : call.length == 16 ? 0 : EIO;
}

void proxy_forked(const unsigned char cookie[16])
{
	struct { unsigned char cookie[16]; int32_t cancel; } payload = {.cancel = 0};

	state = sending = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	all = NULL;
	reading = 0;
	real_close_(link_);
	link_ = -1;
	memcpy(payload.cookie, cookie, sizeof payload.cookie);
	if (open_link() || shake(FORK, &payload, sizeof payload))
		end("the child of a fork is refused");
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

int proxy_call(int number, const uint64_t *slots, int count, const struct region *regions, int many, int64_t result[2])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct { int32_t error, pad; int64_t result[2]; } reply = {.error = 0};
	struct waiting call = {.regions = regions, .count = many, .reply = &reply, .room = sizeof reply};
	int error;

	if (link_ < 0)
		pthread_once(&once, guest);
	if (dead)
		return EIO;
	error = request(&call, SYSCALL, (uint32_t)number, slots, (size_t)count * sizeof *slots);
	if (error == 0 && call.length != sizeof reply)
		error = EIO;
	if (error == 0 && reply.error != 0)
		error = rump_hijack_errno(reply.error);
	result[0] = reply.result[0];
	result[1] = reply.result[1];
	return error;
}

int64_t rump_call(int number, const uint64_t *slots, int count, const struct region *regions, int many)
{
	int64_t result[2];
	int kept = errno, error = proxy_call(number, slots, count, regions, many, result);

	errno = error != 0 ? error : kept;
	return error != 0 ? -1 : result[0];
}
