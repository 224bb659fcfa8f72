/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file tree: nodes with their names and bytes.  Files of a boot module stay where the loader put them until
 * written.
 */

#include "tree.h"

struct node *root, *working_directory;
static u64 last_number;

i64 wall_clock(void)
{
    return (i64)(boot.epoch + now());
}

static char *keep_name(const char *name, u64 length)
{
    char *kept = heap_allocate(length + 1);

    return kept ? memcpy(kept, name, length) : NULL;
}

struct node *node_find(const struct node *parent, const char *name, u64 length)
{
    struct node *child = parent->children;

    while (child && (memcmp(child->name, name, length) || child->name[length]))
        child = child->next;
    return child;
}

static void touch_directory(struct node *parent)
{
    parent->times[TIME_MODIFY] = parent->times[TIME_CHANGE] = wall_clock();
}

static void attach(struct node *node, struct node *parent)
{
    struct node **link = &parent->children;

    while (*link)
        link = &(*link)->next;
    *link = node;
    node->next = NULL;
    node->parent = parent;
    node->cookie = ++parent->last_cookie;
    node->linked = 1;
    touch_directory(parent);
}

static void detach(struct node *node)
{
    struct node **link = &node->parent->children;

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->linked = 0;
    touch_directory(node->parent);
}

struct node *node_create(struct node *parent, const char *name, u64 length, u32 mode)
{
    struct node *node = heap_allocate(sizeof(*node));

    if (!node)
        return NULL;
    node->name = keep_name(name, length);
    if (!node->name) {
        heap_free(node, sizeof(*node));
        return NULL;
    }
    node->mode = mode;
    node->number = ++last_number;
    for (int i = 0; i < 3; i++)
        node->times[i] = wall_clock();
    if (parent)
        attach(node, parent);
    return node;
}

/* Frees a node that neither a name nor an open file holds. */
void node_release(struct node *node)
{
    if (node->linked || node->opens || node == root || node == working_directory)
        return;
    if (node->capacity)
        pages_free((u64)node->data, node->capacity / PAGE);
    heap_free(node->name, text_length(node->name) + 1);
    heap_free(node, sizeof(*node));
}

void node_unlink(struct node *node)
{
    detach(node);
    node->parent = node;                /* for a folder that is still open: its ".." */
    node->times[TIME_CHANGE] = wall_clock();
    node_release(node);
}

int node_move(struct node *node, struct node *parent, const char *name, u64 length)
{
    char *kept = keep_name(name, length);

    if (!kept)
        return -ENOMEM;
    detach(node);
    heap_free(node->name, text_length(node->name) + 1);
    node->name = kept;
    attach(node, parent);
    return 0;
}

/* Makes room, in pages of its own, for `size` bytes. */
static int make_room(struct node *node, u64 size)
{
    u64 wanted = round_up(size, PAGE), have = node->capacity, data;

    if (size <= have)
        return 0;
    if (have && pages_take((u64)node->data + have, (wanted - have) / PAGE)) {
        node->capacity = wanted;
        return 0;
    }
    if (have && wanted < have * 2)
        wanted = have * 2;
    data = pages_allocate(wanted / PAGE);
    if (!data)
        return -ENOSPC;
    memcpy((void *)data, node->data, minimum(node->size, size));
    if (have)
        pages_free((u64)node->data, have / PAGE);
    node->data = (u8 *)data;
    node->capacity = wanted;
    return 0;
}

int node_resize(struct node *node, u64 size)
{
    int failed = size >> 62 ? -EFBIG : size > node->size ? make_room(node, size) : 0;

    if (failed)
        return failed;
    if (size < node->size && node->capacity)
        memset(node->data + size, 0, node->size - size);
    node->size = size;
    node->times[TIME_MODIFY] = node->times[TIME_CHANGE] = wall_clock();
    return 0;
}

i64 node_write(struct node *node, const u8 *data, u64 length, u64 offset)
{
    u64 end = offset + length;
    int failed;

    if (!length)
        return 0;
    if (end < offset || end >> 62)
        return -EFBIG;
    failed = make_room(node, end > node->size ? end : node->size);
    if (failed)
        return failed;
    memcpy(node->data + offset, data, length);
    if (end > node->size)
        node->size = end;
    node->times[TIME_MODIFY] = node->times[TIME_CHANGE] = wall_clock();
    return (i64)length;
}

i64 node_read(const struct node *node, u8 *buffer, u64 length, u64 offset)
{
    u64 part = offset < node->size ? minimum(length, node->size - offset) : 0;

    memcpy(buffer, node->data + offset, part);
    return (i64)part;
}

void tree_start(void)
{
    static const struct {
        const char *name;
        enum device device;
    } devices[] = {
        {"null", DEVICE_NULL}, {"zero", DEVICE_ZERO}, {"random", DEVICE_RANDOM}, {"urandom", DEVICE_RANDOM},
        {"console", DEVICE_CONSOLE}, {"log", DEVICE_LOG}, {"ttyS0", DEVICE_SERIAL_0}, {"ttyS1", DEVICE_SERIAL_1},
    };
    struct node *folder;

    root = working_directory = node_create(NULL, "", 0, S_IFDIR | 0755);
    root->parent = root;
    root->linked = 1;
    folder = node_create(root, "dev", 3, S_IFDIR | 0755);
    for (u32 i = 0; i < COUNT(devices); i++)
        node_create(folder, devices[i].name, text_length(devices[i].name), S_IFCHR | 0666)->device = devices[i].device;
    node_create(root, "tmp", 3, S_IFDIR | 01777);
}
