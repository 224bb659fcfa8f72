/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process asks about itself and the machine. */

#include "syscall.h"

#define FIELD 65                        /* struct new_utsname */
#define STACK_SIZE (2ul << 20)          /* of a thread: libc makes stacks as large as the limit */
enum { RLIMIT_STACK = 3, RLIMIT_NOFILE = 7, RLIMITS = 16 };
#define PROCESS 1

i64 sys_uname(char *names)
{
    /* The release is that of the Linux whose calls these are; libc asks. */
    const char *fields[] = {"rump", "rump", "6.1", boot.machine, "x86_64", "(none)"};

    memset(names, 0, COUNT(fields) * FIELD);
    for (u32 i = 0; i < COUNT(fields); i++)
        memcpy(names + i * FIELD, fields[i], text_length(fields[i]));
    return 0;
}

i64 sys_getpid(void)
{
    return PROCESS;
}

/*
 * For questions whose answer is 0 (the superuser's numbers), and for requests that have nothing to do here
 * (signals).
 */
i64 sys_zero(void)
{
    return 0;
}

/* For what Linux's file systems may leave out, too. */
i64 sys_unsupported(void)
{
    return -EOPNOTSUPP;
}

i64 sys_getrlimit(u32 resource, u64 *limits)
{
    if (resource >= RLIMITS)
        return -EINVAL;
    limits[0] = limits[1] = resource == RLIMIT_STACK ? STACK_SIZE : resource == RLIMIT_NOFILE ? DESCRIPTORS : FOREVER;
    return 0;
}

i64 sys_prlimit64(int process, u32 resource, const u64 *wanted, u64 *limits)
{
    (void)process;
    if (wanted)
        return -EPERM;
    return limits ? sys_getrlimit(resource, limits) : 0;
}

i64 sys_getrandom(u8 *buffer, u64 length)
{
    random_bytes(buffer, length);
    return (i64)length;
}

/* struct sysinfo: only how much memory there is, in bytes. */
i64 sys_sysinfo(u64 *words)
{
    memset(words, 0, 112);
    words[0] = now() / SECOND;
    words[4] = boot.memory;
    words[5] = pages_unused() * PAGE;
    ((u32 *)words)[26] = 1;
    return 0;
}
