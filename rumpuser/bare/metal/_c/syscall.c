/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of system calls: Linux's numbers (arch/x86/entry/syscalls/syscall_64.tbl) and the kernel's own. */

#include "syscall.h"

/* Every call is entered as if it took six words: in the System V ABI one with fewer or narrower parameters can be. */
typedef i64 call(u64, u64, u64, u64, u64, u64);
#define CALL(function) (void *)(function)

static void *const linux_calls[] = {
    [0] = CALL(sys_read), [1] = CALL(sys_write), [2] = CALL(sys_open), [3] = CALL(sys_close), [4] = CALL(sys_stat),
    [5] = CALL(sys_fstat), [6] = CALL(sys_lstat), [8] = CALL(sys_lseek), [9] = CALL(sys_mmap),
    [10] = CALL(sys_mprotect), [11] = CALL(sys_munmap), [12] = CALL(sys_brk), [13] = CALL(sys_rt_sigaction),
    [14] = CALL(sys_rt_sigprocmask), [16] = CALL(sys_ioctl), [17] = CALL(sys_pread64), [18] = CALL(sys_pwrite64),
    [19] = CALL(sys_readv), [20] = CALL(sys_writev), [21] = CALL(sys_access), [24] = CALL(sys_sched_yield),
    [25] = CALL(sys_mremap), [28] = CALL(sys_madvise), [32] = CALL(sys_dup), [33] = CALL(sys_dup2),
    [35] = CALL(sys_nanosleep), [39] = CALL(sys_getpid), [56] = CALL(sys_clone), [60] = CALL(sys_exit),
    [62] = CALL(sys_kill), [63] = CALL(sys_uname), [72] = CALL(sys_fcntl), [74] = CALL(sys_fsync),
    [75] = CALL(sys_fsync), [76] = CALL(sys_truncate), [77] = CALL(sys_ftruncate), [79] = CALL(sys_getcwd),
    [80] = CALL(sys_chdir), [81] = CALL(sys_fchdir), [82] = CALL(sys_rename), [83] = CALL(sys_mkdir),
    [84] = CALL(sys_rmdir), [87] = CALL(sys_unlink), [88] = CALL(sys_symlink), [89] = CALL(sys_readlink),
    [90] = CALL(sys_chmod), [91] = CALL(sys_fchmod), [92] = CALL(sys_chown), [93] = CALL(sys_fchown),
    [94] = CALL(sys_lchown), [95] = CALL(sys_umask), [96] = CALL(sys_gettimeofday), [97] = CALL(sys_getrlimit),
    [99] = CALL(sys_sysinfo),
    [102] = CALL(sys_zero),             /* getuid */
    [104] = CALL(sys_zero),             /* getgid */
    [107] = CALL(sys_zero),             /* geteuid */
    [108] = CALL(sys_zero),             /* getegid */
    [110] = CALL(sys_zero),             /* getppid */
    [131] = CALL(sys_sigaltstack), [158] = CALL(sys_arch_prctl), [186] = CALL(sys_gettid), [202] = CALL(sys_futex),
    [188 ... 199] = CALL(sys_unsupported),/* extended attributes */
    [201] = CALL(sys_time), [204] = CALL(sys_sched_getaffinity), [217] = CALL(sys_getdents64),
    [218] = CALL(sys_set_tid_address),
    [221] = CALL(sys_zero),             /* fadvise64 */
    [228] = CALL(sys_clock_gettime), [229] = CALL(sys_clock_getres), [230] = CALL(sys_clock_nanosleep),
    [231] = CALL(sys_exit_group), [234] = CALL(sys_tgkill), [257] = CALL(sys_openat), [258] = CALL(sys_mkdirat),
    [260] = CALL(sys_fchownat), [262] = CALL(sys_newfstatat), [263] = CALL(sys_unlinkat),
    [264] = CALL(sys_renameat), [266] = CALL(sys_symlinkat), [267] = CALL(sys_readlinkat),
    [268] = CALL(sys_fchmodat), [269] = CALL(sys_faccessat),
    [273] = CALL(sys_zero),             /* set_robust_list */
    [280] = CALL(sys_utimensat), [302] = CALL(sys_prlimit64), [316] = CALL(sys_renameat2),
    [318] = CALL(sys_getrandom), [435] = CALL(sys_clone3),
    [439] = CALL(sys_faccessat),        /* faccessat2 */
};

static void *const own_calls[HYPER_CALLS_END - HYPER_INFORMATION] = {
    [HYPER_INFORMATION - HYPER_INFORMATION] = CALL(hyper_information),
    [HYPER_PAGES - HYPER_INFORMATION] = CALL(hyper_pages),
    [HYPER_PAGES_FREE - HYPER_INFORMATION] = CALL(hyper_pages_free),
    [HYPER_DEVICE_MAP - HYPER_INFORMATION] = CALL(hyper_device_map),
    [HYPER_WAIT - HYPER_INFORMATION] = CALL(hyper_wait),
    [HYPER_INTERRUPTS - HYPER_INFORMATION] = CALL(hyper_interrupts),
    [HYPER_VECTOR - HYPER_INFORMATION] = CALL(hyper_vector),
    [HYPER_RANDOM_ADD - HYPER_INFORMATION] = CALL(hyper_random_add),
    [HYPER_CONSOLE_READ - HYPER_INFORMATION] = CALL(hyper_console_read),
    [HYPER_HYPERCALL - HYPER_INFORMATION] = CALL(hyper_hypercall),
};

const struct frame *syscall_frame;
int syscall_debug;

static call *find(u64 number)
{
    if (number < COUNT(linux_calls))
        return (call *)linux_calls[number];
    if (number >= HYPER_INFORMATION && number < HYPER_CALLS_END)
        return (call *)own_calls[number - HYPER_INFORMATION];
    return NULL;
}

static i64 unknown(u64 number)
{
    static u8 told[512];

    if (syscall_debug && number < sizeof(told) && !told[number]++)
        log_line("system call %lu is not there", number);
    return -ENOSYS;
}

/* From entry.S. */
void syscall(struct frame *frame);
void syscall(struct frame *frame)
{
    call *function = find(frame->rax);

    thread_look();
    syscall_frame = frame;
    if (function)
        frame->rax = (u64)function(frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9);
    else
        frame->rax = (u64)unknown(frame->rax);
}
