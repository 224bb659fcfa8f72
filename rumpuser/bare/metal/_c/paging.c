/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: every address is its own translation (SDM volume 3, section 4.5).  entry.S maps the first 4 GiB by
 * pages of 2 MiB; here memory above is added, what is not memory becomes uncached, and page 0 and guard pages
 * disappear.
 */

#include "kernel.h"

#define PRESENT 0x1ul
#define WRITABLE 0x2ul
#define UNCACHED 0x18ul                 /* PWT, PCD */
#define LARGE 0x80ul
#define ADDRESS 0x000ffffffffff000ul
#define UNIT 0x200000ul                 /* what an entry of a page directory maps */
#define GIB 0x40000000ul
#define END (1ul << 46)                 /* no more than the lower half that every processor has */

extern u64 pml4[512], pd[4 * 512];

static void flush(u64 address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static u64 *below(u64 *entry)
{
    if (!(*entry & PRESENT)) {
        u64 table = pages_allocate(1);

        if (!table)
            return NULL;
        *entry = table | PRESENT | WRITABLE;
    }
    return (u64 *)(*entry & ADDRESS);
}

/* The page directory entry of an address, made if need be; NULL if there is no memory for it. */
static u64 *directory_entry(u64 address)
{
    u64 *table = below(&pml4[address >> 39 & 511]);

    table = table ? below(&table[address >> 30 & 511]) : NULL;
    return table ? &table[address >> 21 & 511] : NULL;
}

static int map(u64 start, u64 end, u64 flags)
{
    for (u64 at = start & ~(UNIT - 1); at < end; at += UNIT) {
        u64 *entry = directory_entry(at);

        if (!entry)
            return -ENOMEM;
        if (!(*entry & PRESENT))
            *entry = at | flags | LARGE | WRITABLE | PRESENT;
        flush(at);
    }
    return 0;
}

int paging_map_device(u64 address, u64 length)
{
    if (address + length < address || address + length > END)
        return -EINVAL;
    return map(address, address + length, UNCACHED);
}

/* Replaces a page of 2 MiB by 512 small ones. */
static u64 *split(u64 *entry)
{
    if (*entry & LARGE) {
        u64 base = *entry & ADDRESS & ~(UNIT - 1), flags = *entry & (UNCACHED | WRITABLE);
        u64 *table = (u64 *)pages_allocate(1);

        if (!table)
            panic("no memory for a page table");
        for (int i = 0; i < 512; i++)
            table[i] = (base + i * PAGE) | flags | PRESENT;
        *entry = (u64)table | WRITABLE | PRESENT;
    }
    return (u64 *)(*entry & ADDRESS);
}

void paging_present(u64 address, u64 length, int present, int writable)
{
    u64 flags = (present ? PRESENT : 0) | (writable ? WRITABLE : 0);

    for (u64 at = address; at < address + length; at += PAGE) {
        u64 *entry = directory_entry(at);

        if (*entry & LARGE && present && writable) {
            at = (at | (UNIT - 1)) - PAGE + 1;  /* nothing to change in all of it */
            continue;
        }
        u64 *small = &split(entry)[at >> 12 & 511];

        *small = (*small & ~(PRESENT | WRITABLE)) | flags;
        flush(at);
    }
}

static int has_memory(u64 start, u64 end)
{
    for (u32 i = 0; i < boot_memory_count; i++)
        if (boot_memory[i].ram && boot_memory[i].start < end && boot_memory[i].end > start)
            return 1;
    return 0;
}

void paging_start(void)
{
    for (u64 at = 0; at < 4 * GIB; at += UNIT)
        if (!has_memory(at, at + UNIT))
            pd[at / UNIT] |= UNCACHED;
    for (u32 i = 0; i < boot_memory_count; i++)
        if (boot_memory[i].ram && boot_memory[i].end > 4 * GIB)
            if (boot_memory[i].end > END || map(boot_memory[i].start, boot_memory[i].end, 0))
                panic("cannot map the memory at %lx", boot_memory[i].start);
    paging_present(0, PAGE, 0, 0);
}
