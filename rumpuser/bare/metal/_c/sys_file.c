/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, reading, writing, listing. */

#include "syscall.h"

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

static i64 open_node(struct node *node, u32 flags)
{
    int descriptor;

    if (flags & O_DIRECTORY && !is_type(node, S_IFDIR))
        return -ENOTDIR;
    if (is_type(node, S_IFLNK) && !(flags & O_PATH))
        return -ELOOP;
    if (is_type(node, S_IFDIR) && flags & (O_ACCMODE | O_CREAT))
        return -EISDIR;
    descriptor = descriptor_new(node, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (descriptor >= 0 && flags & O_TRUNC && is_type(node, S_IFREG))
        node_resize(node, 0);
    return descriptor;
}

i64 sys_openat(int directory, const char *path, u32 flags, u32 mode)
{
    struct place place;
    i64 failed = walk(directory, path, !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL),
        &place);

    if (failed)
        return failed;
    if (place.node && flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (!place.node) {
        if (!(flags & O_CREAT))
            return -ENOENT;
        if (place.slash)
            return -EISDIR;
        if (!place.parent->linked)
            return -ENOENT;
        place.node = node_create(place.parent, place.name, place.length, S_IFREG | umask_apply(mode));
        if (!place.node)
            return -ENOSPC;
    }
    return open_node(place.node, flags);
}

i64 sys_open(const char *path, u32 flags, u32 mode)
{
    return sys_openat(AT_FDCWD, path, flags, mode);
}

/* The file of a descriptor if it was opened for reading, or for writing; else NULL. */
static struct open_file *opened_for(int descriptor, u32 not_for)
{
    struct open_file *file = descriptor_file(descriptor);

    return file && !(file->flags & O_PATH) && (file->flags & O_ACCMODE) != not_for ? file : NULL;
}

static i64 read_at(struct open_file *file, u8 *buffer, u64 length, u64 offset)
{
    if (is_type(file->node, S_IFDIR))
        return -EISDIR;
    if (file->node->device)
        return device_read(file->node->device, buffer, length);
    return node_read(file->node, buffer, length, offset);
}

static i64 write_at(struct open_file *file, const u8 *data, u64 length, u64 offset)
{
    if (file->node->device)
        return device_write(file->node->device, data, length);
    return node_write(file->node, data, length, offset);
}

i64 sys_pread64(int descriptor, u8 *buffer, u64 length, u64 offset)
{
    struct open_file *file = opened_for(descriptor, O_WRONLY);

    if (!file)
        return -EBADF;
    if (file->node->device)
        return -ESPIPE;
    return (i64)offset < 0 ? -EINVAL : read_at(file, buffer, length, offset);
}

i64 sys_pwrite64(int descriptor, const u8 *data, u64 length, u64 offset)
{
    struct open_file *file = opened_for(descriptor, O_RDONLY);

    if (!file)
        return -EBADF;
    if (file->node->device)
        return -ESPIPE;
    return (i64)offset < 0 ? -EINVAL : write_at(file, data, length, offset);
}

i64 sys_read(int descriptor, u8 *buffer, u64 length)
{
    struct open_file *file = opened_for(descriptor, O_WRONLY);
    i64 count;

    if (!file)
        return -EBADF;
    count = read_at(file, buffer, length, file->offset);
    if (count > 0)
        file->offset += (u64)count;
    return count;
}

i64 sys_write(int descriptor, const u8 *data, u64 length)
{
    struct open_file *file = opened_for(descriptor, O_RDONLY);
    i64 count;

    if (!file)
        return -EBADF;
    if (file->flags & O_APPEND)
        file->offset = file->node->size;
    count = write_at(file, data, length, file->offset);
    if (count > 0)
        file->offset += (u64)count;
    return count;
}

i64 sys_readv(int descriptor, const struct vector *vectors, int count)
{
    i64 total = 0;

    for (int i = 0; i < count; i++) {
        i64 part = sys_read(descriptor, vectors[i].base, vectors[i].length);

        if (part < 0)
            return total ? total : part;
        total += part;
        if ((u64)part < vectors[i].length)
            break;
    }
    return total;
}

i64 sys_writev(int descriptor, const struct vector *vectors, int count)
{
    i64 total = 0;

    for (int i = 0; i < count; i++) {
        i64 part = sys_write(descriptor, vectors[i].base, vectors[i].length);

        if (part < 0)
            return total ? total : part;
        total += part;
    }
    return total;
}

i64 sys_lseek(int descriptor, i64 offset, int from)
{
    struct open_file *file = descriptor_file(descriptor);

    if (!file)
        return -EBADF;
    if (file->node->device)
        return -ESPIPE;
    if (from < SEEK_SET || from > SEEK_HOLE)
        return -EINVAL;
    if (from >= SEEK_DATA) {            /* all of a file is data */
        if (offset < 0 || (u64)offset >= file->node->size)
            return -ENXIO;
        offset = from == SEEK_DATA ? offset : (i64)file->node->size;
        from = SEEK_SET;
    }
    offset += from == SEEK_CUR ? (i64)file->offset : from == SEEK_END ? (i64)file->node->size : 0;
    if (offset < 0)
        return -EINVAL;
    file->offset = (u64)offset;
    return offset;
}

i64 sys_ftruncate(int descriptor, u64 size)
{
    struct open_file *file = opened_for(descriptor, O_RDONLY);

    if (!file)
        return -EBADF;
    return is_type(file->node, S_IFREG) ? node_resize(file->node, size) : -EINVAL;
}

i64 sys_truncate(const char *path, u64 size)
{
    struct node *node;
    i64 failed = walk_to_node(AT_FDCWD, path, 1, &node);

    if (failed)
        return failed;
    return is_type(node, S_IFREG) ? node_resize(node, size) : is_type(node, S_IFDIR) ? -EISDIR : -EINVAL;
}

i64 sys_fsync(int descriptor)
{
    return descriptor_file(descriptor) ? 0 : -EBADF;
}

/* There are no terminals here, so none of isatty's questions. */
i64 sys_ioctl(int descriptor, u64 request, u64 argument)
{
    (void)request;
    (void)argument;
    return descriptor_file(descriptor) ? -ENOTTY : -EBADF;
}

struct entry {                          /* linux_dirent64 */
    u64 number, next;
    u16 length;
    u8 type;
    char name[];
} __attribute__((packed));

enum { COOKIE_DOT = 1, COOKIE_DOT_DOT };     /* and children from there on */

/* Appends an entry if it fits; returns its length or 0. */
static u64 put_entry(u8 *buffer, u64 room, const struct node *node, const char *name, u64 cookie)
{
    u64 name_size = text_length(name) + 1, length = round_up(sizeof(struct entry) + name_size, 8);
    struct entry *entry = (struct entry *)buffer;

    if (length > room)
        return 0;
    *entry = (struct entry){node->number, cookie, (u16)length, (u8)((node->mode & S_IFMT) >> 12)};
    memcpy(entry->name, name, name_size);
    return length;
}

/* The child whose entry has the first cookie behind `offset`. */
static const struct node *child_behind(const struct node *folder, u64 offset)
{
    const struct node *child = folder->children;

    while (child && child->cookie + COOKIE_DOT_DOT <= offset)
        child = child->next;
    return child;
}

i64 sys_getdents64(int descriptor, u8 *buffer, u64 length)
{
    struct open_file *file = descriptor_file(descriptor);
    const struct node *node;
    u64 used = 0, put;

    if (!file)
        return -EBADF;
    if (!is_type(file->node, S_IFDIR))
        return -ENOTDIR;
    for (node = file->node; file->offset < COOKIE_DOT_DOT; used += put, file->offset++) {
        put = put_entry(buffer + used, length - used, node, file->offset ? ".." : ".", file->offset + 1);
        if (!put)
            return used ? (i64)used : -EINVAL;
    }
    for (node = child_behind(node, file->offset); node; node = node->next, used += put) {
        put = put_entry(buffer + used, length - used, node, node->name, node->cookie + COOKIE_DOT_DOT);
        if (!put)
            return used ? (i64)used : -EINVAL;
        file->offset = node->cookie + COOKIE_DOT_DOT;
    }
    return (i64)used;
}
