/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's own interrupt controller and its timer (SDM volume 3, chapter 10), by memory-mapped registers. */

#include "kernel.h"
#include "xen.h"

#define MSR_APIC_BASE 0x1b
#define APIC_ENABLE 0x800ul
#define APIC_X2 0x400ul
enum { END_OF_INTERRUPT = 0xb0, SPURIOUS = 0xf0, TIMER = 0x320, TIMER_INITIAL = 0x380, TIMER_CURRENT = 0x390,
    TIMER_DIVIDE = 0x3e0 };
#define SPURIOUS_ENABLE 0x100
#define DIVIDE_BY_16 3
#define MASKED 0x10000
#define CALIBRATION 100                 /* 1/100 of a second is measured */
#define PIC_MASK_1 0x21
#define PIC_MASK_2 0xa1

static volatile u8 *registers;
static u64 timer_hz;

static void write(u32 number, u32 value)
{
    *(volatile u32 *)(registers + number) = value;
}

static u32 read(u32 number)
{
    return *(volatile u32 *)(registers + number);
}

void apic_end_of_interrupt(void)
{
    write(END_OF_INTERRUPT, 0);
}

static u64 counted(void)
{
    return ~read(TIMER_CURRENT);
}

/* The timer's frequency, by the clock that is known already. */
static void calibrate(void)
{
    struct moment start, stop;

    write(TIMER, MASKED | VECTOR_TIMER);
    write(TIMER_INITIAL, ~0u);
    start = clock_look(counted);
    do
        stop = clock_look(counted);
    while (stop.tsc - start.tsc < boot.tsc_hz / CALIBRATION);
    timer_hz = (stop.count - start.count) * boot.tsc_hz / (stop.tsc - start.tsc);
    if (!timer_hz)
        panic("the local APIC's timer does not count");
}

void apic_start(void)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    if (base & APIC_X2)
        panic("the local APIC is in x2APIC mode already");
    wrmsr(MSR_APIC_BASE, base | APIC_ENABLE);
    registers = (volatile u8 *)(base & 0xffffff000ul);
    if (!xen_present()) {
        outb(PIC_MASK_1, 0xff);
        outb(PIC_MASK_2, 0xff);
    }
    write(SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    write(TIMER_DIVIDE, DIVIDE_BY_16);
    calibrate();
    write(TIMER, VECTOR_TIMER);
    write(TIMER_INITIAL, 0);
}

/* One interrupt, after that time or, if it is longer than the timer can count, earlier. */
void apic_timer(u64 nanoseconds)
{
    u64 ticks = minimum(nanoseconds, SECOND) * timer_hz / SECOND;

    write(TIMER_INITIAL, ticks ? minimum(ticks, ~0u) : 1);
}
