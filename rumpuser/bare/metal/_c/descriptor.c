/* SPDX-License-Identifier: BSD-2-Clause */
/* File descriptors, and the calls that turn them into one another. */

#include "syscall.h"

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_DUPFD_CLOEXEC 1030

static struct open_file *table[DESCRIPTORS];

struct open_file *descriptor_file(int descriptor)
{
    return (u32)descriptor < DESCRIPTORS ? table[descriptor] : NULL;
}

static int lowest_free(u32 from)
{
    for (; from < DESCRIPTORS; from++)
        if (!table[from])
            return (int)from;
    return -EMFILE;
}

int descriptor_new(struct node *node, u32 flags)
{
    int descriptor = lowest_free(0);
    struct open_file *file;

    if (descriptor < 0)
        return descriptor;
    file = heap_allocate(sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct open_file){node, 0, flags, 1};
    node->opens++;
    table[descriptor] = file;
    return descriptor;
}

i64 sys_close(int descriptor)
{
    struct open_file *file = descriptor_file(descriptor);

    if (!file)
        return -EBADF;
    table[descriptor] = NULL;
    if (--file->references == 0) {
        file->node->opens--;
        node_release(file->node);
        heap_free(file, sizeof(*file));
    }
    return 0;
}

static i64 duplicate(struct open_file *file, int target)
{
    if (target >= 0) {
        table[target] = file;
        file->references++;
    }
    return target;
}

i64 sys_dup(int descriptor)
{
    return sys_fcntl(descriptor, F_DUPFD, 0);
}

i64 sys_dup2(int descriptor, int target)
{
    struct open_file *file = descriptor_file(descriptor);

    if (!file || (u32)target >= DESCRIPTORS)
        return -EBADF;
    if (descriptor == target)
        return target;
    sys_close(target);
    return duplicate(file, target);
}

i64 sys_fcntl(int descriptor, int command, u64 argument)
{
    struct open_file *file = descriptor_file(descriptor);

    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return argument < DESCRIPTORS ? duplicate(file, lowest_free((u32)argument)) : -EINVAL;
    case F_GETFD:
        return 1;                       /* FD_CLOEXEC: there is nothing to execute */
    case F_SETFD:
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~O_APPEND) | ((u32)argument & O_APPEND);
        return 0;
    default:
        return -EINVAL;
    }
}

void descriptors_start(void)
{
    static const char *const standard[] = {"/dev/console", "/dev/console", "/dev/log"};

    for (u32 i = 0; i < COUNT(standard); i++)
        sys_open(standard[i], 2, 0);
}
