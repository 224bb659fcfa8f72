/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pieces of memory for the kernel's own structures: powers of two, cut from pages and kept for the next time. */

#include "kernel.h"

#define SMALLEST 32

struct piece {
    struct piece *next;
};

static struct piece *kept[8];           /* 32, 64 ... 4096 bytes */

static u64 size_class(u64 size)
{
    u64 class = 0;

    while ((SMALLEST << class) < (i64)size)
        class++;
    return class;
}

static int refill(u64 class)
{
    u64 size = SMALLEST << class, page = pages_allocate(1);

    if (!page)
        return 0;
    for (u64 at = page; at < page + PAGE; at += size) {
        ((struct piece *)at)->next = kept[class];
        kept[class] = (struct piece *)at;
    }
    return 1;
}

void *heap_allocate(u64 size)
{
    u64 class = size_class(size);
    struct piece *piece;

    if (size > PAGE)
        return (void *)pages_allocate(round_up(size, PAGE) / PAGE);
    if (!kept[class] && !refill(class))
        return NULL;
    piece = kept[class];
    kept[class] = piece->next;
    return memset(piece, 0, SMALLEST << class);
}

void heap_free(void *block, u64 size)
{
    u64 class = size_class(size);

    if (size > PAGE) {
        pages_free((u64)block, round_up(size, PAGE) / PAGE);
        return;
    }
    ((struct piece *)block)->next = kept[class];
    kept[class] = block;
}
