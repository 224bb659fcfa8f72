/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and what they wait on. */

#include "syscall.h"

#define CLONE_VM 0x100ul
#define CLONE_THREAD 0x10000ul
#define CLONE_SETTLS 0x80000ul
#define CLONE_PARENT_SETTID 0x100000ul
#define CLONE_CHILD_CLEARTID 0x200000ul
#define CLONE_CHILD_SETTID 0x1000000ul

struct clone_arguments {                /* include/uapi/linux/sched.h */
    u64 flags, pidfd, child_id, parent_id, exit_signal, stack, stack_size, tls;
};

i64 sys_clone(u64 flags, u64 stack, u32 *parent_id, u32 *child_id, u64 tls)
{
    struct thread *thread;

    if (!(flags & CLONE_VM) || !(flags & CLONE_THREAD))
        return -ENOSYS;                 /* there is one process */
    thread = thread_create(syscall_frame, stack, flags & CLONE_SETTLS ? tls : thread_get_fs_base());
    if (!thread)
        return -EAGAIN;
    if (flags & CLONE_PARENT_SETTID)
        *parent_id = (u32)thread_id(thread);
    if (flags & CLONE_CHILD_SETTID)
        *child_id = (u32)thread_id(thread);
    if (flags & CLONE_CHILD_CLEARTID)
        thread_clear_address(thread, child_id);
    return thread_id(thread);
}

i64 sys_clone3(const struct clone_arguments *arguments, u64 size)
{
    if (size < sizeof(*arguments))
        return -EINVAL;
    return sys_clone(arguments->flags, arguments->stack + arguments->stack_size, (u32 *)arguments->parent_id,
        (u32 *)arguments->child_id, arguments->tls);
}

#define FUTEX_COMMAND 0x7f
#define FUTEX_CLOCK_REALTIME 0x100
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET = 10 };
#define ANY (~0u)

/* When a wait ends: FUTEX_WAIT says how long, FUTEX_WAIT_BITSET until when. */
static u64 wait_end(int operation, const struct timespec *time)
{
    if (!time)
        return FOREVER;
    if ((operation & FUTEX_COMMAND) == FUTEX_WAIT)
        return now() + span(time);
    if (operation & FUTEX_CLOCK_REALTIME)
        return span(time) > boot.epoch ? span(time) - boot.epoch : 0;
    return span(time);
}

i64 sys_futex(u32 *address, int operation, u32 value, const struct timespec *time, u32 *target, u32 bits)
{
    switch (operation & FUTEX_COMMAND) {
    case FUTEX_WAIT:
        return futex_wait(address, value, wait_end(operation, time), ANY);
    case FUTEX_WAIT_BITSET:
        return futex_wait(address, value, wait_end(operation, time), bits);
    case FUTEX_WAKE:
        return futex_wake(address, value, ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(address, value, bits);
    case FUTEX_CMP_REQUEUE:
        if (*address != bits)
            return -EAGAIN;
        return futex_requeue(address, value, (u64)time, target);
    case FUTEX_REQUEUE:
        return futex_requeue(address, value, (u64)time, target);
    default:
        return -ENOSYS;
    }
}

i64 sys_exit(int status)
{
    (void)status;
    thread_exit();
}

i64 sys_exit_group(int status)
{
    halt(status);
}

i64 sys_set_tid_address(u32 *address)
{
    thread_clear_address(current, address);
    return thread_id(current);
}

i64 sys_gettid(void)
{
    return thread_id(current);
}

i64 sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

i64 sys_sched_getaffinity(int thread, u64 length, u64 *mask)
{
    (void)thread;
    if (length < sizeof(*mask))
        return -EINVAL;
    *mask = 1;
    return sizeof(*mask);
}

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003

i64 sys_arch_prctl(int code, u64 address)
{
    switch (code) {
    case ARCH_SET_FS:
        thread_fs_base(address);
        return 0;
    case ARCH_GET_FS:
        *(u64 *)address = thread_get_fs_base();
        return 0;
    default:
        return -EINVAL;
    }
}
