/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: making, removing, moving; the working directory. */

#include "syscall.h"

static u32 creation_mask = 022;

u32 umask_apply(u32 mode)
{
    return mode & 07777u & ~creation_mask;
}

i64 sys_umask(u32 mask)
{
    u32 before = creation_mask;

    creation_mask = mask & 0777u;
    return before;
}

/* Makes a node where there is none. */
static i64 create(int directory, const char *path, u32 mode, struct node **node)
{
    struct place place;
    i64 failed = walk(directory, path, 0, &place);

    if (failed)
        return failed;
    if (place.node)
        return -EEXIST;
    if (!place.parent->linked)
        return -ENOENT;
    *node = node_create(place.parent, place.name, place.length, mode);
    return *node ? 0 : -ENOSPC;
}

i64 sys_mkdirat(int directory, const char *path, u32 mode)
{
    struct node *node;

    return create(directory, path, S_IFDIR | umask_apply(mode), &node);
}

i64 sys_mkdir(const char *path, u32 mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

i64 sys_symlinkat(const char *text, int directory, const char *path)
{
    struct node *node;
    i64 failed = *text ? create(directory, path, S_IFLNK | 0777, &node) : -ENOENT, put;

    if (failed)
        return failed;
    put = node_write(node, (const u8 *)text, text_length(text), 0);
    if (put < 0)
        node_unlink(node);
    return put < 0 ? put : 0;
}

i64 sys_symlink(const char *text, const char *path)
{
    return sys_symlinkat(text, AT_FDCWD, path);
}

static int is_dot(const struct place *place)
{
    return place->name[0] == '.' && (place->length == 1 || (place->length == 2 && place->name[1] == '.'));
}

static i64 removable(const struct place *place, int folder)
{
    if (!place->node)
        return -ENOENT;
    if (is_type(place->node, S_IFDIR) != folder)
        return folder ? -ENOTDIR : -EISDIR;
    if (place->node == root || is_dot(place))
        return -EINVAL;
    if (place->node == working_directory)
        return -EBUSY;
    return place->node->children ? -ENOTEMPTY : 0;
}

i64 sys_unlinkat(int directory, const char *path, int flags)
{
    struct place place;
    i64 failed = walk(directory, path, 0, &place);

    if (!failed)
        failed = removable(&place, (flags & AT_REMOVEDIR) != 0);
    if (!failed)
        node_unlink(place.node);
    return failed;
}

i64 sys_unlink(const char *path)
{
    return sys_unlinkat(AT_FDCWD, path, 0);
}

i64 sys_rmdir(const char *path)
{
    return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int is_below(const struct node *node, const struct node *ancestor)
{
    while (node != root && node != ancestor)
        node = node->parent;
    return node == ancestor;
}

i64 sys_renameat(int directory, const char *path, int target_directory, const char *target)
{
    struct place from, to;
    i64 failed = walk(directory, path, 0, &from);

    if (!failed)
        failed = walk(target_directory, target, 0, &to);
    if (failed)
        return failed;
    if (!from.node)
        return -ENOENT;
    if (from.node == root || is_dot(&from) || (to.node && is_dot(&to)) || is_below(to.parent, from.node))
        return -EINVAL;
    if (to.slash && !is_type(from.node, S_IFDIR))
        return -ENOTDIR;
    if (to.node == from.node)
        return 0;
    if (to.node) {
        failed = removable(&to, is_type(from.node, S_IFDIR));
        if (failed)
            return failed;
    }
    failed = node_move(from.node, to.parent, to.name, to.length);
    if (!failed && to.node)
        node_unlink(to.node);
    return failed;
}

i64 sys_renameat2(int directory, const char *path, int target_directory, const char *target, u32 flags)
{
    return flags ? -EINVAL : sys_renameat(directory, path, target_directory, target);
}

i64 sys_rename(const char *path, const char *target)
{
    return sys_renameat(AT_FDCWD, path, AT_FDCWD, target);
}

static i64 change_directory(struct node *node)
{
    struct node *before = working_directory;

    if (!is_type(node, S_IFDIR))
        return -ENOTDIR;
    working_directory = node;
    node_release(before);
    return 0;
}

i64 sys_chdir(const char *path)
{
    struct node *node;
    i64 failed = walk_to_node(AT_FDCWD, path, 1, &node);

    return failed ? failed : change_directory(node);
}

i64 sys_fchdir(int descriptor)
{
    struct open_file *file = descriptor_file(descriptor);

    return file ? change_directory(file->node) : -EBADF;
}

i64 sys_getcwd(char *buffer, u64 length)
{
    u64 at = length;

    if (length < 2)
        return -ERANGE;
    buffer[--at] = 0;
    for (const struct node *node = working_directory; node != root; node = node->parent) {
        u64 part = text_length(node->name);

        if (!node->linked)
            return -ENOENT;
        if (part + 1 > at)
            return -ERANGE;
        at -= part;
        memcpy(buffer + at, node->name, part);
        buffer[--at] = '/';
    }
    if (at == length - 1)
        buffer[--at] = '/';
    memmove(buffer, buffer + at, length - at);
    return (i64)(length - at);
}
