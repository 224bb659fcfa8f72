/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot module: one or more archives of the form "newc" behind one another (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst).  A later file replaces an earlier one of its name.
 */

#include "tree.h"

#define MODULES "modules/"              /* files of this folder are boot modules too: some loaders pass no second one */

struct header {
    char magic[6];
    char number[8], mode[8], owner[8], group[8], links[8], time[8], size[8], device[16], special[16], name_size[8],
        check[8];
};

_Static_assert(sizeof(struct header) == 110, "newc header");

static u64 field(const char *digits)
{
    u64 value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 4 | (u64)(digits[i] <= '9' ? digits[i] - '0' : (digits[i] | 0x20) - 'a' + 10);
    return value;
}

/* The place of a name, with the folders that lead to it made as needed. */
static i64 find_place(const char *name, struct place *place)
{
    for (u64 at = 0; name[at]; at++) {
        char folder[4 * NAME_LONGEST];

        if (!at || name[at] != '/' || at >= sizeof(folder))
            continue;
        memcpy(folder, name, at);
        folder[at] = 0;
        if (!walk(AT_FDCWD, folder, 1, place) && !place->node)
            node_create(place->parent, place->name, place->length, S_IFDIR | 0755);
    }
    return walk(AT_FDCWD, name, 0, place);
}

static void unpack_one(const struct header *header, const char *name, u8 *data)
{
    struct place place;
    struct node *node;

    if (find_place(name, &place))
        panic("boot module: cannot place %s", name);
    node = place.node;
    if (!node)
        node = node_create(place.parent, place.name, place.length, 0);
    if (!node)
        panic("boot module: no memory for %s", name);
    node->mode = (u32)field(header->mode);
    node->owner = (u32)field(header->owner);
    node->group = (u32)field(header->group);
    for (int i = 0; i < 3; i++)
        node->times[i] = (i64)(field(header->time) * SECOND);
    if (is_type(node, S_IFREG) || is_type(node, S_IFLNK)) {
        node->data = data;
        node->size = field(header->size);
        node->capacity = 0;
    }
}

void cpio_unpack(u8 *archive, u64 length)
{
    u64 at = 0;

    while (at + sizeof(struct header) <= length) {
        const struct header *header = (const struct header *)(archive + at);
        const char *name = (const char *)(header + 1);
        u64 data;

        if (!archive[at]) {             /* padding between archives */
            at += 4;
            continue;
        }
        if (memcmp(header->magic, "070701", 6))
            panic("boot module: no cpio header at byte %lu", at);
        data = round_up(at + sizeof(*header) + field(header->name_size), 4);
        at = round_up(data + field(header->size), 4);
        if (at > round_up(length, 4))
            panic("boot module: it ends within %s", name);
        if (text_starts(name, MODULES) && field(header->size))
            boot_add_module((u64)archive + data, field(header->size), name + sizeof(MODULES) - 1);
        else if (!text_equal(name, "TRAILER!!!"))
            unpack_one(header, name, archive + data);
    }
}
