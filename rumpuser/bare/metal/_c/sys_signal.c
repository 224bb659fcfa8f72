/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals.  Nobody outside sends any, and none is delivered: what a program asks for is remembered, and one that it
 * sends itself ends it if that is what the signal does by default (abort).
 */

#include "syscall.h"

#define SIGNALS 64
#define SIGNAL_DEFAULT 0
#define SIGNAL_IGNORE 1
#define ALTERNATE_DISABLED 2
enum { SIGCHLD = 17, SIGCONT = 18, SIGURG = 23, SIGWINCH = 28 };

struct disposition {                    /* struct kernel_sigaction */
    u64 handler, flags, restorer, mask;
};

enum { BLOCK, UNBLOCK, SET };

static struct disposition dispositions[SIGNALS + 1];
static u64 blocked;

i64 sys_rt_sigaction(int signal, const struct disposition *wanted, struct disposition *before)
{
    struct disposition kept;

    if (signal < 1 || signal > SIGNALS)
        return -EINVAL;
    kept = dispositions[signal];
    if (wanted)
        dispositions[signal] = *wanted;
    if (before)
        *before = kept;
    return 0;
}

i64 sys_rt_sigprocmask(int how, const u64 *set, u64 *before)
{
    u64 kept = blocked;

    if (set && (how < BLOCK || how > SET))
        return -EINVAL;
    if (set)
        blocked = how == BLOCK ? kept | *set : how == UNBLOCK ? kept & ~*set : *set;
    if (before)
        *before = kept;
    return 0;
}

i64 sys_sigaltstack(const void *wanted, u64 *before)
{
    (void)wanted;
    if (before) {
        before[0] = before[2] = 0;
        before[1] = ALTERNATE_DISABLED;
    }
    return 0;
}

static int harmless(int signal)
{
    return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
}

i64 sys_kill(int process, int signal)
{
    (void)process;
    if (signal < 0 || signal > SIGNALS)
        return -EINVAL;
    if (!signal || dispositions[signal].handler == SIGNAL_IGNORE)
        return 0;
    if (dispositions[signal].handler != SIGNAL_DEFAULT)
        return -ENOSYS;
    if (harmless(signal))
        return 0;
    log_line("signal %d ends the program", signal);
    halt(128 + signal);
}

i64 sys_tgkill(int process, int thread, int signal)
{
    (void)thread;
    return sys_kill(process, signal);
}
