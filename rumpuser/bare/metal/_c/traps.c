/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions and interrupts (SDM volume 3, chapter 6).
 *
 * The program runs in ring 0 with a red zone below its stack pointer, so the processor must never push on its stack:
 * every gate names a stack of the task state segment.  Interrupts go to the running thread's own kernel stack, which
 * is empty while the program runs; exceptions, after which nothing goes on, to one that is always good.
 */

#include "kernel.h"

#define GATE_INTERRUPT 0x8e
#define SEGMENT_CODE 0x08
#define SEGMENT_TASK 0x18
#define STACK_INTERRUPT 1
#define STACK_EXCEPTION 2
#define EXCEPTIONS 32
#define PAGE_FAULT 14

#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define FLAGS_IF_DF_TF 0x700
#define FLAG_INTERRUPTS 0x200ul

struct gate {
    u16 offset_low, segment;
    u8 stack, type;
    u16 offset_middle;
    u32 offset_high, reserved;
} __attribute__((packed));

struct task {
    u32 reserved0;
    u64 rsp[3], reserved1, ist[7], reserved2;
    u16 reserved3, io_map;
} __attribute__((packed));

extern const u8 trap_stubs[256][16];
extern u64 gdt[], kernel_stack;
extern void syscall_entry(void);

static struct gate gates[256];
static struct task task;
static u8 exception_stack[16384] __attribute__((aligned(16)));
static int vectors_given;
u64 interrupts_seen;

static const char *const names[EXCEPTIONS] = {
    "divide error", "debug", "non-maskable interrupt", "breakpoint", "overflow", "bound range exceeded",
    "invalid opcode", "device not available", "double fault", "coprocessor segment overrun", "invalid task segment",
    "segment not present", "stack fault", "general protection", "page fault", "15", "x87 floating point",
    "alignment check", "machine check", "SIMD floating point", "virtualization", "control protection", "22", "23", "24",
    "25", "26", "27", "hypervisor injection", "VMM communication", "security", "31",
};

static void set_gate(int vector)
{
    u64 handler = (u64)trap_stubs[vector];

    gates[vector] = (struct gate){
        handler, SEGMENT_CODE, vector < EXCEPTIONS ? STACK_EXCEPTION : STACK_INTERRUPT, GATE_INTERRUPT, handler >> 16,
        handler >> 32, 0};
}

void traps_start(void)
{
    struct {
        u16 limit;
        const void *base;
    } __attribute__((packed)) table = {sizeof(gates) - 1, gates};
    u64 base = (u64)&task;

    for (int vector = 0; vector < 256; vector++)
        set_gate(vector);
    task.io_map = sizeof(task);
    task.ist[STACK_EXCEPTION - 1] = (u64)exception_stack + sizeof(exception_stack);
    gdt[SEGMENT_TASK / 8] = (sizeof(task) - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 | (base >> 24 & 0xff) << 56;
    gdt[SEGMENT_TASK / 8 + 1] = base >> 32;
    __asm__ volatile("lidt %0; ltr %w1" : : "m"(table), "r"(SEGMENT_TASK));
}

void syscall_start(void)
{
    wrmsr(MSR_STAR, (u64)SEGMENT_CODE << 32);
    wrmsr(MSR_LSTAR, (u64)syscall_entry);
    wrmsr(MSR_FMASK, FLAGS_IF_DF_TF);
}

void traps_stack(u64 top)
{
    kernel_stack = top;
    task.ist[STACK_INTERRUPT - 1] = top;
}

int interrupt_vector(void)
{
    if (VECTOR_DEVICE + vectors_given >= VECTOR_TIMER)
        return -ENOSPC;
    return VECTOR_DEVICE + vectors_given++;
}

static NORETURN void die(const struct frame *frame)
{
    static int dying;
    u64 address;

    if (dying++)
        halt(STATUS_PANIC);
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    log_line("exception %lu (%s), error code %lx, in thread %d", frame->vector, names[frame->vector], frame->error,
        current ? thread_id(current) : 0);
    if (frame->vector == PAGE_FAULT)
        log_line("  %s at address %016lx", frame->error & 2 ? "write" : "read", address);
    log_line("  rip %016lx  rsp %016lx  flags %lx", frame->rip, frame->rsp, frame->rflags);
    log_line("  rax %016lx  rbx %016lx  rcx %016lx", frame->rax, frame->rbx, frame->rcx);
    log_line("  rdx %016lx  rsi %016lx  rdi %016lx", frame->rdx, frame->rsi, frame->rdi);
    log_line("  rbp %016lx  r8  %016lx  r9  %016lx", frame->rbp, frame->r8, frame->r9);
    log_line("  r10 %016lx  r11 %016lx  r12 %016lx", frame->r10, frame->r11, frame->r12);
    log_line("  r13 %016lx  r14 %016lx  r15 %016lx", frame->r13, frame->r14, frame->r15);
    halt(STATUS_PANIC);
}

/*
 * From entry.S.  Nothing may come between the idle processor's sti and its hlt (SDM volume 2, STI), yet Xen in QEMU's
 * emulation lets it happen: what hlt would wait for has been then, and no other interrupt need follow.
 */
void trap(struct frame *frame);
void trap(struct frame *frame)
{
    if (frame->vector < EXCEPTIONS)
        die(frame);
    if (frame->rip == (u64)idle_halt || frame->rip == (u64)idle_awake) {
        frame->rip = (u64)idle_awake;
        frame->rflags &= ~FLAG_INTERRUPTS;      /* and none before it has looked who can run now */
    }
    if (frame->vector == VECTOR_SPURIOUS)
        return;
    apic_end_of_interrupt();
    if (frame->vector != VECTOR_TIMER) {
        interrupts_seen++;
        interrupts_wake();
    }
    thread_tick(frame->vector == VECTOR_TIMER);
}
