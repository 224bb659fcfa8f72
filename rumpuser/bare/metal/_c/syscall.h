/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls, by Linux's names; arguments and results as in its manual pages, section 2.  What a call shares with
 * others is in the file that defines it.
 */
#ifndef SYSCALL_H
#define SYSCALL_H

#include "tree.h"

struct timespec {
    i64 seconds, nanoseconds;
};

static inline u64 span(const struct timespec *time) { return (u64)(time->seconds * (i64)SECOND + time->nanoseconds); }

struct vector {
    u8 *base;
    u64 length;
};

/* sys_file.c */
i64 sys_read(int descriptor, u8 *buffer, u64 length);
i64 sys_pread64(int descriptor, u8 *buffer, u64 length, u64 offset);
i64 sys_readv(int descriptor, const struct vector *vectors, int count);
i64 sys_write(int descriptor, const u8 *data, u64 length);
i64 sys_pwrite64(int descriptor, const u8 *data, u64 length, u64 offset);
i64 sys_writev(int descriptor, const struct vector *vectors, int count);
i64 sys_open(const char *path, u32 flags, u32 mode);
i64 sys_openat(int directory, const char *path, u32 flags, u32 mode);
i64 sys_close(int descriptor);
i64 sys_lseek(int descriptor, i64 offset, int from);
i64 sys_ftruncate(int descriptor, u64 size);
i64 sys_truncate(const char *path, u64 size);
i64 sys_fsync(int descriptor);
i64 sys_dup(int descriptor);
i64 sys_dup2(int descriptor, int target);
i64 sys_fcntl(int descriptor, int command, u64 argument);
i64 sys_ioctl(int descriptor, u64 request, u64 argument);
i64 sys_getdents64(int descriptor, u8 *buffer, u64 length);

/* sys_stat.c */
i64 sys_stat(const char *path, void *status);
i64 sys_lstat(const char *path, void *status);
i64 sys_fstat(int descriptor, void *status);
i64 sys_newfstatat(int directory, const char *path, void *status, int flags);
i64 sys_access(const char *path, int mode);
i64 sys_faccessat(int directory, const char *path, int mode);
i64 sys_readlink(const char *path, char *buffer, u64 length);
i64 sys_readlinkat(int directory, const char *path, char *buffer, u64 length);
i64 sys_fchmod(int descriptor, u32 mode);
i64 sys_fchmodat(int directory, const char *path, u32 mode);
i64 sys_chmod(const char *path, u32 mode);
i64 sys_fchown(int descriptor, u32 owner, u32 group);
i64 sys_chown(const char *path, u32 owner, u32 group);
i64 sys_lchown(const char *path, u32 owner, u32 group);
i64 sys_fchownat(int directory, const char *path, u32 owner, u32 group, int flags);
i64 sys_utimensat(int directory, const char *path, const struct timespec *times, int flags);

/* sys_name.c */
i64 sys_mkdir(const char *path, u32 mode);
i64 sys_mkdirat(int directory, const char *path, u32 mode);
i64 sys_rmdir(const char *path);
i64 sys_unlink(const char *path);
i64 sys_unlinkat(int directory, const char *path, int flags);
i64 sys_rename(const char *path, const char *target);
i64 sys_renameat(int directory, const char *path, int target_directory, const char *target);
i64 sys_renameat2(int directory, const char *path, int target_directory, const char *target, u32 flags);
i64 sys_symlink(const char *text, const char *path);
i64 sys_symlinkat(const char *text, int directory, const char *path);
i64 sys_chdir(const char *path);
i64 sys_fchdir(int descriptor);
i64 sys_getcwd(char *buffer, u64 length);
i64 sys_umask(u32 mask);
u32 umask_apply(u32 mode);

/* sys_memory.c */
i64 sys_mmap(u64 address, u64 length, int protection, int flags, int descriptor, u64 offset);
i64 sys_munmap(u64 address, u64 length);
i64 sys_mprotect(u64 address, u64 length, int protection);
i64 sys_mremap(u64 address, u64 length, u64 wanted, int flags);
i64 sys_madvise(u64 address, u64 length, int advice);
i64 sys_brk(u64 address);

/* sys_thread.c */
struct clone_arguments;
i64 sys_clone(u64 flags, u64 stack, u32 *parent_id, u32 *child_id, u64 tls);
i64 sys_clone3(const struct clone_arguments *arguments, u64 size);
i64 sys_futex(u32 *address, int operation, u32 value, const struct timespec *time, u32 *target, u32 bits);
i64 sys_exit(int status);
i64 sys_exit_group(int status);
i64 sys_set_tid_address(u32 *address);
i64 sys_gettid(void);
i64 sys_sched_yield(void);
i64 sys_sched_getaffinity(int thread, u64 length, u64 *mask);
i64 sys_arch_prctl(int code, u64 address);

/* sys_time.c */
i64 sys_clock_gettime(int clock, struct timespec *time);
i64 sys_clock_getres(int clock, struct timespec *time);
i64 sys_clock_nanosleep(int clock, int flags, const struct timespec *time, struct timespec *left);
i64 sys_nanosleep(const struct timespec *time, struct timespec *left);
i64 sys_gettimeofday(i64 *time, void *zone);
i64 sys_time(i64 *seconds);

/* sys_process.c */
i64 sys_uname(char *names);
i64 sys_getpid(void);
i64 sys_zero(void);
i64 sys_unsupported(void);
i64 sys_getrlimit(u32 resource, u64 *limits);
i64 sys_prlimit64(int process, u32 resource, const u64 *wanted, u64 *limits);
i64 sys_getrandom(u8 *buffer, u64 length);
i64 sys_sysinfo(u64 *words);

/* sys_signal.c */
struct disposition;
i64 sys_rt_sigaction(int signal, const struct disposition *wanted, struct disposition *before);
i64 sys_rt_sigprocmask(int how, const u64 *set, u64 *before);
i64 sys_sigaltstack(const void *wanted, u64 *before);
i64 sys_kill(int process, int signal);
i64 sys_tgkill(int process, int thread, int signal);

/* sys_hyper.c */
i64 hyper_information(struct hyper_information *information);
i64 hyper_pages(u64 count);
i64 hyper_pages_free(u64 address, u64 count);
i64 hyper_device_map(u64 address, u64 length);
i64 hyper_wait(u64 until, u64 seen);
i64 hyper_interrupts(void);
i64 hyper_vector(void);
i64 hyper_random_add(const u8 *data, u64 length);
i64 hyper_console_read(u8 *buffer, u64 length, u64 until);
i64 hyper_hypercall(i64 number, i64 one, i64 two, i64 three, i64 four, i64 five);

extern const struct frame *syscall_frame;       /* of the call being made */

#endif
