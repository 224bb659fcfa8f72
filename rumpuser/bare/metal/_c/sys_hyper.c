/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own calls: see hyper.h. */

#include "syscall.h"
#include "xen.h"

#define POLL (2 * MILLISECOND)

i64 hyper_information(struct hyper_information *information)
{
    *information = boot;
    return 0;
}

i64 hyper_pages(u64 count)
{
    return (i64)pages_allocate(count);
}

i64 hyper_pages_free(u64 address, u64 count)
{
    pages_free(address, count);
    return 0;
}

i64 hyper_device_map(u64 address, u64 length)
{
    return paging_map_device(address, length);
}

i64 hyper_wait(u64 until, u64 seen)
{
    return interrupts_wait(until, seen);
}

i64 hyper_interrupts(void)
{
    return (i64)interrupts_seen;
}

i64 hyper_vector(void)
{
    return interrupt_vector();
}

i64 hyper_random_add(const u8 *data, u64 length)
{
    random_add(data, length);
    return 0;
}

i64 hyper_console_read(u8 *buffer, u64 length, u64 until)
{
    u64 count;

    while (!(count = console_read(buffer, length)) && length && now() < until)
        thread_sleep(minimum(until, now() + POLL));
    return (i64)count;
}

i64 hyper_hypercall(i64 number, i64 one, i64 two, i64 three, i64 four, i64 five)
{
    return xen_present() ? xen_hypercall(number, one, two, three, four, five) : -ENOSYS;
}
