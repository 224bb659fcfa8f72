# SPDX-License-Identifier: BSD-2-Clause
"""Event ports that are told of the changes of one file each: port_create(3C), port_associate(3C), port_get(3C)."""

INCLUDES = """
#include <sys/types.h>
#include <sys/stat.h>
#include <errno.h>
#include <port.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
"""

FUNCTIONS = """
int rump_watch_open(void);
int rump_watch_next(int port, int descriptor, const char *path, void *memory);
int rump_watch_wait(int port, int64_t nanoseconds);
"""

CODE = """
#ifndef FILE_TRUNC
#define FILE_TRUNC 0    /* older systems tell of a cut as of any other change */
#endif

/* A port, or -errno. */
static int rump_watch_open(void)
{
    int port = port_create();

    return port < 0 ? -errno : port;
}

/*
 * Have the port told of the file's next change, or at once of one from now on; 0, or the host's errno: ENOENT if the
 * path leads elsewhere than the descriptor.  The memory is a file_obj_t, and stays in use until the port was told.
 */
static int rump_watch_next(int port, int descriptor, const char *path, void *memory)
{
    file_obj_t *object = memory;
    struct stat status, named;

    if (fstat(descriptor, &status) || stat(path, &named))
        return errno;
    if (status.st_dev != named.st_dev || status.st_ino != named.st_ino)
        return ENOENT;
    memset(object, 0, sizeof *object);
    object->fo_atime = status.st_atim;
    object->fo_mtime = status.st_mtim;
    object->fo_ctime = status.st_ctim;
    object->fo_name = (char *)(uintptr_t)path;
    if (port_associate(port, PORT_SOURCE_FILE, (uintptr_t)object, FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC, NULL))
        return errno;
    return 0;
}

/* Wait until the port is told something.  1 if it was, 0 if not yet, or -errno. */
static int rump_watch_wait(int port, int64_t nanoseconds)
{
    struct timespec timeout = { (time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000) };
    port_event_t event;

    if (port_get(port, &event, &timeout) == 0)
        return 1;
    return errno == ETIME || errno == EINTR ? 0 : -errno;
}
"""
