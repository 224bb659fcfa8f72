/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the program.  Nothing is lazy: what mmap gives is there.  Protection is honoured as far as it forbids:
 * guard pages cannot be touched and read-only ones not written; everything can be executed.
 */

#include "syscall.h"

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MREMAP_MAYMOVE 1

static u64 pages_of(u64 length)
{
    return round_up(length, PAGE) / PAGE;
}

i64 sys_mprotect(u64 address, u64 length, int protection)
{
    if (address % PAGE)
        return -EINVAL;
    paging_present(address, round_up(length, PAGE), protection != 0, (protection & PROT_WRITE) != 0);
    return 0;
}

i64 sys_mmap(u64 address, u64 length, int protection, int flags, int descriptor, u64 offset)
{
    struct open_file *file = flags & MAP_ANONYMOUS ? NULL : descriptor_file(descriptor);

    if (!length || length + PAGE < length || (flags & MAP_FIXED && address % PAGE))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS) && !file)
        return -EBADF;
    if (file && !is_type(file->node, S_IFREG))
        return -ENODEV;
    if (flags & MAP_FIXED) {            /* in place of something that is the program's */
        paging_present(address, round_up(length, PAGE), 1, 1);
        memset((void *)address, 0, round_up(length, PAGE));
    } else {
        address = pages_allocate(pages_of(length));
        if (!address)
            return -ENOMEM;
    }
    if (file)                           /* a copy: changes stay private */
        node_read(file->node, (u8 *)address, length, offset);
    if (!(protection & PROT_WRITE))
        sys_mprotect(address, length, protection);
    return (i64)address;
}

i64 sys_munmap(u64 address, u64 length)
{
    if (address % PAGE || !length)
        return -EINVAL;
    pages_free(address, pages_of(length));
    return 0;
}

i64 sys_mremap(u64 address, u64 length, u64 wanted, int flags)
{
    u64 have = pages_of(length), want = pages_of(wanted), moved;

    if (address % PAGE || !have || !want || want < wanted / PAGE)
        return -EINVAL;
    if (want < have)
        pages_free(address + want * PAGE, have - want);
    if (want <= have || pages_take(address + have * PAGE, want - have))
        return (i64)address;
    moved = flags & MREMAP_MAYMOVE ? pages_allocate(want) : 0;
    if (!moved)
        return -ENOMEM;
    memcpy((void *)moved, (void *)address, have * PAGE);
    pages_free(address, have);
    return (i64)moved;
}

/* Only advice. */
i64 sys_madvise(u64 address, u64 length, int advice)
{
    (void)length;
    (void)advice;
    return address % PAGE ? -EINVAL : 0;
}

/*
 * The heap begins high in memory, because mmap takes from the lower end, and grows until it meets something; libc
 * uses mmap then.
 */
i64 sys_brk(u64 address)
{
    static u64 start, end, last_page;

    if (!start)
        start = end = last_page = pages_high_place();
    if (address < start)
        return (i64)end;
    if (address > last_page && !pages_take(last_page, pages_of(address - last_page)))
        return (i64)end;
    if (round_up(address, PAGE) < last_page)
        pages_free(round_up(address, PAGE), (last_page - round_up(address, PAGE)) / PAGE);
    last_page = round_up(address, PAGE);
    end = address;
    return (i64)end;
}
