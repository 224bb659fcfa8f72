/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread is: for thread.c and futex.c. */
#ifndef THREAD_H
#define THREAD_H

#include "kernel.h"

enum thread_state { THREAD_READY, THREAD_ASLEEP, THREAD_DEAD };

struct thread {
    struct thread *next;                /* of all */
    struct thread *queue_next;          /* of those that can run, or are dead */
    enum thread_state state;
    int id;
    u64 stack, top;                     /* the kernel stack: where it was left, and its upper end */
    u64 fs_base;
    u64 until;                          /* asleep: wakes by itself then */
    u64 turn;                           /* the order in which threads fell asleep */
    int timed_out;
    int awaits_interrupt;
    u32 *futex;                         /* asleep: the word it waits on, its place in line, and the bits that wake it */
    u64 futex_ticket;
    u32 futex_bits;
    u32 *clear_on_exit;
    u8 fpu[512] __attribute__((aligned(16)));
};

struct switched {                       /* as switch_stacks leaves it */
    u64 r15, r14, r13, r12, rbp, rbx, address;
};

extern struct thread *threads_all;

#endif
