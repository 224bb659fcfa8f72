# SPDX-License-Identifier: BSD-2-Clause
"""inotify(7), of one file each."""

INCLUDES = """
#include <sys/inotify.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
"""

FUNCTIONS = """
int rump_watch_open(const char *path);
int rump_watch_drain(int watch);
"""

CODE = """
/* A descriptor to poll: readable when the file's contents, size or attributes have changed.  Or -errno. */
static int rump_watch_open(const char *path)
{
    int failure, watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (watch < 0)
        return -errno;
    if (inotify_add_watch(watch, path, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) < 0) {
        failure = errno;
        close(watch);
        return -failure;
    }
    return watch;
}

/* Take all that came.  1 if anything did, 0 if not, or -errno. */
static int rump_watch_drain(int watch)
{
    char events[4096] __attribute__((aligned(8)));
    int came = 0;
    ssize_t length;

    for (;;) {
        length = read(watch, events, sizeof events);
        if (length > 0)
            came = 1;
        else if (length == 0 || errno == EAGAIN)
            return came;
        else if (errno != EINTR)
            return -errno;
    }
}
"""
