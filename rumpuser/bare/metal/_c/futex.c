/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting on a word of memory: futex(2), first come first served. */

#include "kernel.h"
#include "thread.h"

static u64 last_ticket;

i64 futex_wait(u32 *address, u32 expected, u64 until, u32 bits)
{
    if (!bits)
        return -EINVAL;
    if (*(volatile u32 *)address != expected)
        return -EAGAIN;
    current->futex = address;
    current->futex_bits = bits;
    current->futex_ticket = ++last_ticket;
    return thread_sleep(until);
}

static struct thread *first_waiting(const u32 *address, u32 bits)
{
    struct thread *first = NULL;

    for (struct thread *thread = threads_all; thread; thread = thread->next)
        if (thread->state == THREAD_ASLEEP && thread->futex == address && thread->futex_bits & bits &&
            (!first || thread->futex_ticket < first->futex_ticket))
            first = thread;
    return first;
}

i64 futex_wake(u32 *address, u64 count, u32 bits)
{
    i64 woken = 0;
    struct thread *thread;

    while ((u64)woken < count && (thread = first_waiting(address, bits))) {
        thread_wake(thread);
        woken++;
    }
    return woken;
}

i64 futex_requeue(u32 *address, u64 wake, u64 move, u32 *target)
{
    i64 changed = futex_wake(address, wake, ~0u);
    struct thread *thread;

    for (; move && address != target && (thread = first_waiting(address, ~0u)); move--, changed++) {
        thread->futex = target;
        thread->futex_ticket = ++last_ticket;
    }
    return changed;
}
