/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library that goes before libc (LD_PRELOAD, ld.so(8)): calls on names below a prefix, /rump, and on descriptors
 * opened there become system calls of a rump kernel's server.  Everything else goes on to libc.
 *
 *   proxy.c         the connection: requests, and the server's own while one is under way
 *   errors.c        NetBSD's errno numbers as this host has them
 *   setting.c       the prefix, the server, what comes in through the environment; calls on to libc
 *   descriptors.c   which descriptors are the server's; dup, close, fcntl, poll
 *   processes.c     fork and exec
 *   files.c names.c realpath.c attributes.c xattrs.c folders.c streams.c temporary.c
 *                   the calls, by what they are about
 *
 * A descriptor of the server has one of the host's in its place, opened O_PATH: the number is taken, it is
 * inherited, duplicated and closed on exec as any other is, and a call that this library does not know of finds
 * EBADF instead of somebody else's file (open(2)).
 */
#ifndef RUMP_HIJACK_H
#define RUMP_HIJACK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define PUBLIC __attribute__((visibility("default")))

/* libc's function of a name, looked up once. */
#define REAL(type, name, ...)                                                       \
	static type (*real_##name)(__VA_ARGS__);                                    \
	static inline __attribute__((always_inline)) type (*next_##name(void))(__VA_ARGS__) \
	{                                                                           \
		if (real_##name == NULL)                                            \
			*(void **)&real_##name = dlsym(RTLD_NEXT, #name);           \
		return real_##name;                                                 \
	}

/* ---- proxy.c -------------------------------------------------------------------------------------------------- */

enum { IN = 1, OUT = 2 };		/* what the server may do with a region */
struct region {
	const void *address;
	size_t length;
	int access;
};

/* A system call.  Returns 0 or one of the host's errnos; `result` has what it returned.  The server reaches the
   regions that are named and nothing else of this process's memory. */
int proxy_call(int number, const uint64_t *slots, int count, const struct region *, int regions, int64_t result[2]);
int proxy_connected(void);
int proxy_socket(void);			/* its descriptor, -1 without one */
void proxy_adopt(int socket);		/* one that was inherited through exec: says HANDSHAKE EXEC */
int proxy_prefork(unsigned char cookie[16]);
void proxy_forked(const unsigned char cookie[16]);	/* in the child: a connection of its own */
void proxy_keep(int over_exec);		/* whether the descriptor stays open over exec */

#define NAME(path) {(path), strlen(path) + 1, IN}

/* The plain forms: -1 and errno, or the result. */
int64_t rump_call(int number, const uint64_t *slots, int count, const struct region *, int regions);
#define SLOTS(...) ((const uint64_t[]){__VA_ARGS__}), sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)
#define POINTER(p) ((uint64_t)(uintptr_t)(p))
#define SIGNED(v) ((uint64_t)(int64_t)(v))

/* ---- errors.c ------------------------------------------------------------------------------------------------- */

PUBLIC int rump_hijack_errno(int netbsd);

/* ---- setting.c ------------------------------------------------------------------------------------------------ */

extern const char *setting_url;		/* of the server */
void setting_begin(void);		/* read the environment; any call before main() may be the first */
void complain(const char *what, const char *why);

/* The server's name of a path, NULL if it is the host's.  `directory` is what the path is relative to. */
const char *inside(int directory, const char *path, int *server_directory);
const char *outside(const char *server_path, char *buffer, size_t length);	/* the other way; NULL: too long */
extern int working_inside;		/* the working directory is the server's */

/* ---- descriptors.c -------------------------------------------------------------------------------------------- */

int server_descriptor(int descriptor);	/* of the server, or -1: it is the host's */
int take_place(int server, int close_on_exec);	/* the host's number for one of the server's; closes it on failure */
void inherit_descriptors(const char *list);	/* "host:server,..." */
size_t list_descriptors(char *buffer, size_t length);
int real_close_(int descriptor);

/* ---- names.c, realpath.c ------------------------------------------------------------------------------------- */

char *given(const char *path, char *buffer, size_t length);	/* as getcwd(3) hands out a path */
char *real_path_inside(const char *name, char *resolved);	/* realpath(3) of a name of the server's */

/* ---- attributes.c, folders.c, streams.c ------------------------------------------------------------------------- */

int directory_of(int directory);	/* AT_FDCWD, or the server's descriptor of one of the host's */
void standard_stream_leaves(int descriptor);	/* 0, 1 or 2 is about to lead elsewhere */
void standard_stream_follows(int descriptor);

#endif
