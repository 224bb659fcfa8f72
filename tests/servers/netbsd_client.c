/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own: a program of librumpclient that makes system calls of NetBSD 7.99 (amd64) and says what came of them. */
#include "netbsd_compat.h"
#include <rump/rumpclient.h>
#include <sys/wait.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern char **environ;
static long ret[2];
static int call(int n, long a, long b, long c, long d, long e) {
	long args[5] = {a, b, c, d, e};
	return rumpclient_syscall(n, args, sizeof args, ret);
}
#define P(x) ((long)(x))
#define CHECK(what, want) do { int g = (want); if (!g) { printf("FAILED %s (%ld,%ld)\n", what, ret[0], ret[1]); exit(1); } printf("ok %s\n", what); fflush(stdout); } while (0)
int main(int argc, char **argv) {
	char buf[65536], *big = malloc(1 << 20), *back = calloc(1, 1 << 20);
	unsigned char st[152];
	int e, status; long fd, fd2, pid, pipefd[2]; pid_t child;
	if (rumpclient_init() == -1) { perror("rumpclient_init"); return 1; }
	if (argc > 1) {        /* executed */
		CHECK("exec keeps descriptors", call(3, atol(argv[1]), P(buf), 5, 0, 0) == 0 && ret[0] == 5 && !memcmp(buf, "hello", 5));
		CHECK("exec closes close-on-exec", call(3, atol(argv[2]), P(buf), 1, 0, 0) == 9);
		return 0;
	}
	CHECK("getpid", call(20, 0, 0, 0, 0, 0) == 0 && ret[0] > 1); pid = ret[0];
	CHECK("mkdir", call(136, P("/tmp/d"), 0755, 0, 0, 0) == 0);
	CHECK("mkdir EEXIST 17", call(136, P("/tmp/d"), 0755, 0, 0, 0) == 17);
	CHECK("open", call(5, P("/tmp/d/f"), 0x202, 0644, 0, 0) == 0); fd = ret[0];
	CHECK("write", call(4, fd, P("hello world"), 11, 0, 0) == 0 && ret[0] == 11);
	CHECK("lseek", call(199, fd, 0, 6, 0, 0) == 0 && ret[0] == 6);
	CHECK("read", call(3, fd, P(buf), 100, 0, 0) == 0 && ret[0] == 5 && !memcmp(buf, "world", 5));
	CHECK("pread", call(173, fd, P(buf), 5, 0, 0) == 0 && ret[0] == 5 && !memcmp(buf, "hello", 5));
	memset(st, 0, sizeof st);
	CHECK("stat", call(439, P("/tmp/d/f"), P(st), 0, 0, 0) == 0 && (*(unsigned *)(st + 8) & 0170000) == 0100000 && *(long *)(st + 112) == 11);
	CHECK("fstat", call(440, fd, P(st), 0, 0, 0) == 0);
	CHECK("stat ENOENT 2", call(439, P("/none"), P(st), 0, 0, 0) == 2);
	CHECK("dup", call(41, fd, 0, 0, 0, 0) == 0 && ret[0] != fd); fd2 = ret[0];
	CHECK("close", call(6, fd2, 0, 0, 0, 0) == 0);
	CHECK("close EBADF 9", call(6, fd2, 0, 0, 0, 0) == 9);
	CHECK("symlink", call(57, P("f"), P("/tmp/d/l"), 0, 0, 0) == 0);
	CHECK("readlink", call(58, P("/tmp/d/l"), P(buf), 100, 0, 0) == 0 && ret[0] == 1 && buf[0] == 'f');
	CHECK("rename", call(128, P("/tmp/d/l"), P("/tmp/d/m"), 0, 0, 0) == 0);
	CHECK("open directory", call(5, P("/tmp/d"), 0, 0, 0, 0) == 0); fd2 = ret[0];
	CHECK("getdents", call(390, fd2, P(buf), sizeof buf, 0, 0) == 0 && ret[0] > 0);
	{ long at = 0, end = ret[0]; int n = 0; while (at < end) { printf("  entry %lu %s\n", *(unsigned long *)(buf + at), buf + at + 13); at += *(unsigned short *)(buf + at + 8); n++; } CHECK("four entries", n == 4 && at == end); }
	CHECK("chdir", call(12, P("/tmp/d"), 0, 0, 0, 0) == 0);
	CHECK("relative stat", call(441, P("m"), P(st), 0, 0, 0) == 0 && (*(unsigned *)(st + 8) & 0170000) == 0120000);
	for (long i = 0; i < 1 << 20; i++) big[i] = (char)(i * 7 >> 3);
	CHECK("open big", call(5, P("big"), 0x202, 0600, 0, 0) == 0); fd2 = ret[0];
	CHECK("write 1 MiB", call(4, fd2, P(big), 1 << 20, 0, 0) == 0 && ret[0] == 1 << 20);
	CHECK("seek", call(199, fd2, 0, 0, 0, 0) == 0);
	CHECK("read 1 MiB", call(3, fd2, P(back), 1 << 20, 0, 0) == 0 && ret[0] == 1 << 20 && !memcmp(big, back, 1 << 20));
	CHECK("pipe", call(42, 0, 0, 0, 0, 0) == 0); pipefd[0] = ret[0]; pipefd[1] = ret[1];
	if ((child = rumpclient_fork()) == 0) {
		if (call(20, 0, 0, 0, 0, 0) != 0 || ret[0] == pid || ret[1] != pid) _exit(2);
		call(4, pipefd[1], P("child"), 5, 0, 0);
		_exit(ret[0] == 5 ? 0 : 3);
	}
	CHECK("fork", child > 0);
	CHECK("read of the child", call(3, pipefd[0], P(buf), 5, 0, 0) == 0 && ret[0] == 5 && !memcmp(buf, "child", 5));
	CHECK("child's status", waitpid(child, &status, 0) == child && status == 0);
	CHECK("fcntl F_SETFD", call(92, fd2, 2, 1, 0, 0) == 0);
	CHECK("seek", call(199, fd, 0, 0, 0, 0) == 0);
	CHECK("unknown number 78", call(511, 0, 0, 0, 0, 0) == 78);
	CHECK("kill 78", call(37, 1, 9, 0, 0, 0) == 78);
	{ char a[20], b[20]; sprintf(a, "%ld", fd); sprintf(b, "%ld", fd2); char *v[] = {argv[0], a, b, NULL}; e = rumpclient_exec("/proc/self/exe", v, environ); }
	printf("FAILED exec %d\n", e); return 1;
}
