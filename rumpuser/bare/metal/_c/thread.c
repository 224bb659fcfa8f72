/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads on one processor: those that can run wait in a queue, first come first served; the timer takes the
 * processor away from one that keeps it while others wait, soon when one of them has just woken: CPython's lock goes
 * to and fro between two threads, and a third one starves, unless who was woken gets to say so.  A thread that is
 * not in the kernel has an empty kernel stack.
 */

#include "kernel.h"
#include "thread.h"

#define BLOCK_PAGES 4                   /* the structure and, above it, the kernel stack */
#define SLICE (5 * MILLISECOND)
#define WAKE_DELAY (MILLISECOND / 4)    /* how long the running thread may go on when another one wakes */
#define LONGEST_HALT (10 * MILLISECOND) /* a hypervisor may lose an interrupt; nothing may hang by that */
#define LATE MILLISECOND                /* an interrupt of the timer that has not come by then is taken for lost */
#define MSR_FS_BASE 0xc0000100

struct thread *current, *threads_all;
static struct thread *queue_first, **queue_end = &queue_first, *dead;
static u64 timer_at = FOREVER;          /* when the timer will interrupt */
static u64 slice_end;
static u64 last_turn;
static int idle, last_id;
static u8 idle_stack[8192] __attribute__((aligned(16)));

static struct thread *allocate(void)
{
    struct thread *thread = (struct thread *)pages_allocate(BLOCK_PAGES);

    if (!thread)
        return NULL;
    thread->id = ++last_id;
    thread->top = (u64)thread + BLOCK_PAGES * PAGE;
    thread->until = FOREVER;
    thread->next = threads_all;
    threads_all = thread;
    return thread;
}

static void bury(void)
{
    while (dead) {
        struct thread *next = dead->queue_next;

        pages_free((u64)dead, BLOCK_PAGES);
        dead = next;
    }
}

void threads_start(void)
{
    current = allocate();
    if (!current)
        panic("no memory for a thread");
    current->state = THREAD_READY;
    traps_stack(current->top);
}

int thread_id(const struct thread *thread)
{
    return thread->id;
}

void thread_clear_address(struct thread *thread, u32 *address)
{
    thread->clear_on_exit = address;
}

void thread_fs_base(u64 base)
{
    current->fs_base = base;
    wrmsr(MSR_FS_BASE, base);
}

u64 thread_get_fs_base(void)
{
    return current->fs_base;
}

static int timer_lost(u64 time_now)
{
    return timer_at != FOREVER && time_now > timer_at + LATE;
}

static void timer_need(u64 time)
{
    u64 time_now = now();

    if (time >= timer_at && !timer_lost(time_now))
        return;
    timer_at = time;
    apic_timer(time > time_now ? time - time_now : 0);
}

static void enqueue(struct thread *thread)
{
    thread->state = THREAD_READY;
    thread->queue_next = NULL;
    *queue_end = thread;
    queue_end = &thread->queue_next;
}

static struct thread *dequeue(void)
{
    struct thread *thread = queue_first;

    if (thread) {
        queue_first = thread->queue_next;
        if (!queue_first)
            queue_end = &queue_first;
    }
    return thread;
}

void thread_wake(struct thread *thread)
{
    thread->until = FOREVER;
    thread->futex = NULL;
    thread->awaits_interrupt = 0;
    enqueue(thread);
    slice_end = minimum(slice_end, now() + WAKE_DELAY);
    timer_need(slice_end);
}

/* Of those asleep the one whose time comes first; of equals, the one that fell asleep first. */
static struct thread *next_sleeper(void)
{
    struct thread *first = NULL;

    for (struct thread *thread = threads_all; thread; thread = thread->next)
        if (thread->state == THREAD_ASLEEP && thread->until != FOREVER && (!first || thread->until < first->until ||
            (thread->until == first->until && thread->turn < first->turn)))
            first = thread;
    return first;
}

/* Wakes those whose time has come, in the order of their times; the timer will interrupt for the next one. */
static void wake_sleepers(void)
{
    u64 time = now();
    struct thread *thread;

    while ((thread = next_sleeper()) && thread->until <= time) {
        thread->timed_out = 1;
        thread_wake(thread);
    }
    if (thread)
        timer_need(thread->until);
}

static void idle_once(void)
{
    timer_at = FOREVER;
    wake_sleepers();
    if (queue_first)
        return;
    timer_need(now() + LONGEST_HALT);
    idle = 1;
    traps_stack((u64)idle_stack + sizeof(idle_stack));
    idle_wait();
    traps_stack(current->top);
    idle = 0;
}

static void schedule(void)
{
    struct thread *previous = current, *next;

    while (!(next = dequeue()))
        idle_once();
    slice_end = now() + SLICE;
    if (queue_first)
        timer_need(slice_end);
    if (next == previous)
        return;
    __asm__ volatile("fxsave64 %0" : "=m"(previous->fpu));
    __asm__ volatile("fxrstor64 %0" : : "m"(next->fpu));
    wrmsr(MSR_FS_BASE, next->fs_base);
    traps_stack(next->top);
    current = next;
    switch_stacks(&previous->stack, next->stack);
}

/* An interrupt came, the timer's or a device's.  Called last in the handler. */
void thread_tick(int by_timer)
{
    if (by_timer)
        timer_at = FOREVER;             /* though it may have come earlier: it cannot count for long */
    wake_sleepers();
    if (idle || !queue_first)
        return;
    if (now() >= slice_end)
        thread_yield();
    else
        timer_need(slice_end);
}

/* A system call begins: a good moment to see that the timer's interrupt is overdue. */
void thread_look(void)
{
    if (timer_lost(now()))
        thread_tick(1);
}

void thread_yield(void)
{
    enqueue(current);
    schedule();
}

int thread_sleep(u64 until)
{
    if (until <= now()) {
        current->futex = NULL;
        current->awaits_interrupt = 0;
        thread_yield();
        return -ETIMEDOUT;
    }
    current->state = THREAD_ASLEEP;
    current->until = until;
    current->turn = ++last_turn;
    current->timed_out = 0;
    timer_need(until);
    schedule();
    return current->timed_out ? -ETIMEDOUT : 0;
}

/* A thread that continues from `frame` on another stack, where fork's child would: with 0 in rax. */
struct thread *thread_create(const struct frame *frame, u64 stack, u64 fs_base)
{
    struct thread *thread;
    struct frame *copy;
    struct switched *switched;

    bury();
    thread = allocate();
    if (!thread)
        return NULL;
    copy = (struct frame *)thread->top - 1;
    *copy = *frame;
    copy->rax = 0;
    copy->rsp = stack;
    switched = (struct switched *)copy - 1;
    *switched = (struct switched){.address = (u64)frame_return};
    thread->stack = (u64)switched;
    thread->fs_base = fs_base;
    __asm__ volatile("fxsave64 %0" : "=m"(thread->fpu));
    enqueue(thread);
    timer_need(slice_end);
    return thread;
}

void thread_exit(void)
{
    struct thread **link = &threads_all;

    if (current->clear_on_exit) {
        *current->clear_on_exit = 0;
        futex_wake(current->clear_on_exit, 1, ~0u);
    }
    while (*link != current)
        link = &(*link)->next;
    *link = current->next;
    if (!threads_all)
        halt(0);
    current->state = THREAD_DEAD;
    current->queue_next = dead;
    dead = current;
    schedule();
    panic("a thread came back from the dead");
}

void interrupts_wake(void)
{
    for (struct thread *thread = threads_all; thread; thread = thread->next)
        if (thread->state == THREAD_ASLEEP && thread->awaits_interrupt)
            thread_wake(thread);
}

i64 interrupts_wait(u64 until, u64 seen)
{
    if (seen == FOREVER || seen == interrupts_seen) {
        current->awaits_interrupt = seen != FOREVER;
        thread_sleep(until);
    }
    return (i64)interrupts_seen;
}
