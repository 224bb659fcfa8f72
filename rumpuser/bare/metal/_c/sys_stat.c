/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known about a file, and changing it. */

#include "syscall.h"

#define BLOCK 512ul
#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define SAME (~0u)                      /* an owner that is not to be changed */
#define PERMISSIONS 07777u

struct status {                         /* arch/x86/include/uapi/asm/stat.h */
    u64 device, number, links;
    u32 mode, owner, group, padding;
    u64 special, size, block_size, blocks;
    struct timespec times[3];
    u64 unused[3];
};

_Static_assert(sizeof(struct status) == 144, "struct stat");

static i64 fill(const struct node *node, struct status *status)
{
    *status = (struct status){
        .device = 1, .number = node->number, .links = is_type(node, S_IFDIR) ? 2 : (u64)node->linked,
        .mode = node->mode, .owner = node->owner, .group = node->group, .special = node->device, .size = node->size,
        .block_size = PAGE, .blocks = round_up(node->size, BLOCK) / BLOCK,
    };
    for (int i = 0; i < 3; i++)
        status->times[i] = (struct timespec){node->times[i] / (i64)SECOND, node->times[i] % (i64)SECOND};
    return 0;
}

/* The node that the *at calls mean: of a path, or of the descriptor itself. */
static i64 find(int directory, const char *path, int flags, struct node **node)
{
    struct open_file *file;

    if (path && (*path || !(flags & AT_EMPTY_PATH)))
        return walk_to_node(directory, path, !(flags & AT_SYMLINK_NOFOLLOW), node);
    file = descriptor_file(directory);
    *node = file ? file->node : working_directory;
    return file || directory == AT_FDCWD ? 0 : -EBADF;
}

i64 sys_newfstatat(int directory, const char *path, void *status, int flags)
{
    struct node *node;
    i64 failed = find(directory, path, flags, &node);

    return failed ? failed : fill(node, status);
}

i64 sys_stat(const char *path, void *status)
{
    return sys_newfstatat(AT_FDCWD, path, status, 0);
}

i64 sys_lstat(const char *path, void *status)
{
    return sys_newfstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

i64 sys_fstat(int descriptor, void *status)
{
    return descriptor < 0 ? -EBADF : sys_newfstatat(descriptor, "", status, AT_EMPTY_PATH);
}

/* The program may do all that the superuser may. */
i64 sys_faccessat(int directory, const char *path, int mode)
{
    struct node *node;

    (void)mode;
    return walk_to_node(directory, path, 1, &node);
}

i64 sys_access(const char *path, int mode)
{
    return sys_faccessat(AT_FDCWD, path, mode);
}

i64 sys_readlinkat(int directory, const char *path, char *buffer, u64 length)
{
    struct node *node;
    i64 failed = walk_to_node(directory, path, 0, &node);

    if (failed)
        return failed;
    return is_type(node, S_IFLNK) ? node_read(node, (u8 *)buffer, length, 0) : -EINVAL;
}

i64 sys_readlink(const char *path, char *buffer, u64 length)
{
    return sys_readlinkat(AT_FDCWD, path, buffer, length);
}

static i64 change_mode(struct node *node, u32 mode)
{
    node->mode = (node->mode & S_IFMT) | (mode & PERMISSIONS);
    node->times[TIME_CHANGE] = wall_clock();
    return 0;
}

i64 sys_fchmod(int descriptor, u32 mode)
{
    struct open_file *file = descriptor_file(descriptor);

    return file ? change_mode(file->node, mode) : -EBADF;
}

i64 sys_fchmodat(int directory, const char *path, u32 mode)
{
    struct node *node;
    i64 failed = walk_to_node(directory, path, 1, &node);

    return failed ? failed : change_mode(node, mode);
}

i64 sys_chmod(const char *path, u32 mode)
{
    return sys_fchmodat(AT_FDCWD, path, mode);
}

static i64 change_owner(struct node *node, u32 owner, u32 group)
{
    if (owner != SAME)
        node->owner = owner;
    if (group != SAME)
        node->group = group;
    node->times[TIME_CHANGE] = wall_clock();
    return 0;
}

i64 sys_fchown(int descriptor, u32 owner, u32 group)
{
    struct open_file *file = descriptor_file(descriptor);

    return file ? change_owner(file->node, owner, group) : -EBADF;
}

i64 sys_fchownat(int directory, const char *path, u32 owner, u32 group, int flags)
{
    struct node *node;
    i64 failed = find(directory, path, flags, &node);

    return failed ? failed : change_owner(node, owner, group);
}

i64 sys_chown(const char *path, u32 owner, u32 group)
{
    return sys_fchownat(AT_FDCWD, path, owner, group, 0);
}

i64 sys_lchown(const char *path, u32 owner, u32 group)
{
    return sys_fchownat(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW);
}

i64 sys_utimensat(int directory, const char *path, const struct timespec *times, int flags)
{
    struct node *node;
    i64 failed = find(directory, path, flags, &node);

    if (failed)
        return failed;
    for (int i = TIME_ACCESS; i <= TIME_MODIFY; i++)
        if (!times || times[i].nanoseconds == UTIME_NOW)
            node->times[i] = wall_clock();
        else if (times[i].nanoseconds != UTIME_OMIT)
            node->times[i] = times[i].seconds * (i64)SECOND + times[i].nanoseconds;
    node->times[TIME_CHANGE] = wall_clock();
    return 0;
}
