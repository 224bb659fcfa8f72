/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator.  Free memory is a list of extents in order of address, each described at its own beginning;
 * allocation takes the first that is large enough, freeing joins neighbours.  Any part of an allocation can be freed.
 */

#include "kernel.h"

struct extent {
    struct extent *next;
    u64 length;                         /* bytes */
};

struct range {
    u64 start, end;
};

extern u8 kernel_end[];

static struct extent *unused;

u64 pages_allocate(u64 count)
{
    u64 length = count * PAGE;

    if (!count || length / PAGE != count)
        return 0;
    for (struct extent **link = &unused; *link; link = &(*link)->next) {
        struct extent *extent = *link;

        if (extent->length < length)
            continue;
        if (extent->length == length) {
            *link = extent->next;
        } else {
            struct extent *rest = (struct extent *)((u64)extent + length);

            *rest = (struct extent){extent->next, extent->length - length};
            *link = rest;
        }
        return (u64)memset(extent, 0, length);
    }
    return 0;
}

void pages_free(u64 address, u64 count)
{
    struct extent *freed = (struct extent *)address, **link = &unused, *before = NULL;

    paging_present(address, count * PAGE, 1, 1);
    while (*link && (u64)*link < address) {
        before = *link;
        link = &before->next;
    }
    *freed = (struct extent){*link, count * PAGE};
    *link = freed;
    if (freed->next == (void *)(address + freed->length)) {
        freed->length += freed->next->length;
        freed->next = freed->next->next;
    }
    if (before && (u64)before + before->length == address) {
        before->length += freed->length;
        before->next = freed->next;
    }
}

/* Whether those pages were free and are now, zeroed, the caller's: to make an allocation longer where it is. */
int pages_take(u64 address, u64 count)
{
    u64 end = address + count * PAGE;

    for (struct extent **link = &unused; *link && (u64)*link <= address; link = &(*link)->next) {
        struct extent *extent = *link, *rest = extent->next;
        u64 extent_end = (u64)extent + extent->length;

        if (extent_end < end)
            continue;
        if (extent_end > end) {
            rest = (struct extent *)end;
            *rest = (struct extent){extent->next, extent_end - end};
        }
        if ((u64)extent == address)
            *link = rest;
        else
            *extent = (struct extent){rest, address - (u64)extent};
        memset((void *)address, 0, count * PAGE);
        return 1;
    }
    return 0;
}

/* Three quarters up the largest extent: a place for something that grows, out of the way of allocations. */
u64 pages_high_place(void)
{
    struct extent *largest = unused;

    for (struct extent *extent = unused; extent; extent = extent->next)
        if (extent->length > largest->length)
            largest = extent;
    return largest ? ((u64)largest + largest->length / 4 * 3) & ~(PAGE - 1) : 0;
}

u64 pages_unused(void)
{
    u64 bytes = 0;

    for (struct extent *extent = unused; extent; extent = extent->next)
        bytes += extent->length;
    return bytes / PAGE;
}

/* Gives [start, end) to the allocator, except for what is taken. */
static void release(u64 start, u64 end, const struct range *taken, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (taken[i].start < end && taken[i].end > start) {
            if (start < taken[i].start)
                release(start, taken[i].start, taken + i + 1, count - i - 1);
            if (taken[i].end < end)
                release(taken[i].end, end, taken + i + 1, count - i - 1);
            return;
        }
    start = round_up(start, PAGE);
    end &= ~(PAGE - 1);
    if (start < end)
        pages_free(start, (end - start) / PAGE);
}

#define LOW_END 0x100000ul              /* firmware, tables, the loader's structures */
#define ALWAYS_MAPPED 0x100000000ul

/* Memory below 4 GiB first: it is mapped, and the page tables for the rest come out of it. */
void pages_start(u64 program_start, u64 program_end)
{
    struct range taken[3 + HYPER_MODULES_MAX] = {
        {0, LOW_END}, {LOW_END, (u64)kernel_end}, {program_start, round_up(program_end, PAGE)},
    };
    u32 count = 3;

    for (u64 i = 0; i < boot.module_count; i++)
        taken[count++] = (struct range){
            boot.modules[i].address & ~(PAGE - 1), round_up(boot.modules[i].address + boot.modules[i].length, PAGE)};
    for (u32 i = 0; i < boot_memory_count; i++)
        if (boot_memory[i].ram)
            release(boot_memory[i].start, minimum(boot_memory[i].end, ALWAYS_MAPPED), taken, count);
    paging_start();
    for (u32 i = 0; i < boot_memory_count; i++)
        if (boot_memory[i].ram && boot_memory[i].end > ALWAYS_MAPPED)
            release(boot_memory[i].start > ALWAYS_MAPPED ? boot_memory[i].start : ALWAYS_MAPPED, boot_memory[i].end,
                taken, count);
}
