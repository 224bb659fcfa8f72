/* SPDX-License-Identifier: BSD-2-Clause */
/* From a path to a place in the tree: path_resolution(7). */

#include "tree.h"

#define LINKS_MAX 40

static i64 walk_from(struct node *at, const char *path, int follow, int links, struct place *place);

static u64 component(const char *path)
{
    u64 length = 0;

    while (path[length] && path[length] != '/')
        length++;
    return length;
}

/* One component of a path, in the directory `at`. */
static i64 step(struct node *at, const char *path, u64 length, struct place *place)
{
    if (!is_type(at, S_IFDIR))
        return -ENOTDIR;
    if (length > NAME_LONGEST)
        return -ENAMETOOLONG;
    *place = (struct place){at, NULL, path, length, 0};
    if (length == 1 && path[0] == '.')
        place->node = at;
    else if (length == 2 && path[0] == '.' && path[1] == '.')
        place->node = at->parent;
    else
        place->node = node_find(at, path, length);
    return 0;
}

static i64 follow_link(int links, struct place *place)
{
    static char targets[LINKS_MAX][NAME_LONGEST * 4];
    const struct node *link = place->node;

    if (links == LINKS_MAX)
        return -ELOOP;
    if (link->size >= sizeof(targets[0]))
        return -ENAMETOOLONG;
    memcpy(targets[links], link->data, link->size);
    targets[links][link->size] = 0;
    return walk_from(place->parent, targets[links], 1, links + 1, place);
}

static i64 walk_from(struct node *at, const char *path, int follow, int links, struct place *place)
{
    if (!*path)
        return -ENOENT;
    if (*path == '/')
        at = root;
    *place = (struct place){at->parent, at, ".", 1, 1};
    while (*path == '/')
        path++;
    while (*path) {
        u64 length = component(path);
        const char *rest = path + length;
        i64 failed;

        while (*rest == '/')
            rest++;
        failed = step(at, path, length, place);
        place->slash = path[length] == '/';
        if (!failed && place->node && is_type(place->node, S_IFLNK) && (*rest || follow || place->slash)) {
            int slash = place->slash;

            failed = follow_link(links, place);
            place->slash |= slash;
        }
        if (failed)
            return failed;
        if (*rest && !place->node)
            return -ENOENT;
        at = place->node;
        path = rest;
    }
    return place->node && place->slash && !is_type(place->node, S_IFDIR) ? -ENOTDIR : 0;
}

/* The place of `path`, seen from a descriptor's directory; a last component that is missing is no error. */
i64 walk(int directory, const char *path, int follow, struct place *place)
{
    struct open_file *file = directory == AT_FDCWD || *path == '/' ? NULL : descriptor_file(directory);

    if (!file && directory != AT_FDCWD && *path != '/')
        return -EBADF;
    return walk_from(file ? file->node : working_directory, path, follow, 0, place);
}

i64 walk_to_node(int directory, const char *path, int follow, struct node **node)
{
    struct place place;
    i64 failed = walk(directory, path, follow, &place);

    *node = place.node;
    return failed ? failed : place.node ? 0 : -ENOENT;
}
