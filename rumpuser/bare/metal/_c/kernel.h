/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the kernel show one another, file by file.
 *
 * The kernel carries one program, a static CPython, in ring 0, on one processor, in one address space in which virtual
 * addresses are physical ones.  It runs with interrupts off; the program with interrupts on.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "errno.h"
#include "hyper.h"
#include "machine.h"

#define NULL ((void *)0)
#define PAGE 4096ul
#define FOREVER (~0ul)                  /* a time that never comes */
#define SECOND 1000000000ul
#define MILLISECOND 1000000ul
#define STATUS_PANIC 125                /* the exit status of a machine that died */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NORETURN __attribute__((noreturn))

static inline u64 round_up(u64 value, u64 unit) { return (value + unit - 1) / unit * unit; }
static inline u64 minimum(u64 left, u64 right) { return left < right ? left : right; }

/* string.c */
void *memset(void *to, int value, u64 length);
void *memcpy(void *to, const void *from, u64 length);
void *memmove(void *to, const void *from, u64 length);
int memcmp(const void *left, const void *right, u64 length);
u64 text_length(const char *text);
int text_equal(const char *left, const char *right);
int text_starts(const char *text, const char *start);

/* boot.c */
extern struct hyper_information boot;
struct memory_region {
    u64 start, end;
    int ram;
};
extern struct memory_region boot_memory[128];
extern u32 boot_memory_count;
void boot_read(u32 magic, const void *information);
void boot_add_module(u64 address, u64 length, const char *line);

/* serial.c, console.c */
void serial_start(void);
int serial_present(int number);                 /* 0 is COM1 */
void serial_write(int number, const u8 *data, u64 length);
u64 serial_read(int number, u8 *buffer, u64 length);
void console_start(void);
void console_write(const void *data, u64 length);
u64 console_read(u8 *buffer, u64 length);       /* what is there; does not wait */
void log_write(const void *data, u64 length);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
NORETURN void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* paging.c, pages.c, heap.c */
void paging_start(void);
int paging_map_device(u64 address, u64 length);
void paging_present(u64 address, u64 length, int present, int writable);
void pages_start(u64 program_start, u64 program_end);
u64 pages_allocate(u64 count);                  /* zeroed; 0 when there are none */
void pages_free(u64 address, u64 count);
int pages_take(u64 address, u64 count);         /* those, if they are free */
u64 pages_high_place(void);
u64 pages_unused(void);
void *heap_allocate(u64 size);                  /* zeroed; NULL when there is none */
void heap_free(void *block, u64 size);

/* entry.S, traps.c */
struct frame {                                  /* as entry.S pushes it */
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};
#define VECTOR_DEVICE 0x30                      /* the first of the vectors that are given to devices */
#define VECTOR_TIMER 0xf0
#define VECTOR_SPURIOUS 0xff
void traps_start(void);
void traps_stack(u64 top);                      /* where an interrupt and a system call of the running thread go */
int interrupt_vector(void);
extern u64 interrupts_seen;
void syscall_start(void);
void switch_stacks(u64 *saved, u64 next);
void frame_return(void);
void idle_wait(void);                           /* until an interrupt has come; they are on meanwhile */
extern const u8 idle_halt[], idle_awake[];
NORETURN void program_enter(u64 entry, u64 stack);

/* time.c, clocks.c, apic.c */
void time_start(void);
u64 now(void);
u64 tsc_calibrate(void);                        /* its frequency in Hz */
struct moment {
    u64 tsc, count;
};
struct moment clock_look(u64 (*count)(void));   /* a counter, and the time stamp at which it said so */
u64 rtc_read(void);                             /* seconds since 1970; 0 without a clock */
void apic_start(void);
void apic_timer(u64 nanoseconds);
void apic_end_of_interrupt(void);

/* acpi.c, halt.c */
void acpi_start(void);
u16 acpi_timer_port(void);
void acpi_power_off(void);
NORETURN void halt(int status);

/* random.c */
void random_start(void);
void random_bytes(u8 *buffer, u64 length);
void random_add(const u8 *data, u64 length);

/* thread.c, futex.c */
struct thread;
extern struct thread *current;
void threads_start(void);
int thread_id(const struct thread *thread);
struct thread *thread_create(const struct frame *frame, u64 stack, u64 fs_base);
void thread_clear_address(struct thread *thread, u32 *address);
void thread_fs_base(u64 base);
u64 thread_get_fs_base(void);
NORETURN void thread_exit(void);
int thread_sleep(u64 until);                    /* 0, or -ETIMEDOUT when the time came before a wake-up */
void thread_wake(struct thread *thread);
void thread_yield(void);
void thread_tick(int by_timer);
void thread_look(void);
void interrupts_wake(void);
i64 interrupts_wait(u64 until, u64 seen);
i64 futex_wait(u32 *address, u32 expected, u64 until, u32 bits);
i64 futex_wake(u32 *address, u64 count, u32 bits);
i64 futex_requeue(u32 *address, u64 wake, u64 move, u32 *target);

/* syscall.c */
extern int syscall_debug;                       /* tell of calls that are not there */

/* program.c */
#define PROGRAM_START 0x4000000ul               /* where the builder links the program */
#define PROGRAM_END 0x6000000ul
void program_load(const u8 *image, u64 length);
NORETURN void program_start(void);

#endif
