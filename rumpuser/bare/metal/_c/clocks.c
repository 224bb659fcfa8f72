/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks of known speed, and what they say about the time stamp counter: the processor's own word, the 8254 timer,
 * ACPI's timer, the seconds of the CMOS clock; the first that there is.
 */

#include "kernel.h"

#define CPUID_TSC 0x15
#define CPUID_HYPERVISOR 0x40000010     /* frequency in kHz: VMware's and KVM's leaf, which QEMU offers too */
#define PIT_HZ 1193182ul                /* Intel 8254 data sheet; the PC's clock */
#define PIT_CHANNEL_0 0x40
#define PIT_MODE 0x43
#define PIT_RATE 0x34                   /* channel 0, both bytes, mode 2 */
#define PIT_LATCH 0x00
#define PIT_PERIOD 65536ul
#define PM_HZ 3579545ul                 /* ACPI specification 6.4, section 4.8.2.1 */
#define PM_MASK 0xffffffu
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
enum { RTC_SECOND, RTC_MINUTE = 2, RTC_HOUR = 4, RTC_DAY = 7, RTC_MONTH, RTC_YEAR, RTC_STATUS_A, RTC_STATUS_B,
    RTC_CENTURY = 0x32 };
#define RTC_UPDATING 0x80
#define RTC_BINARY 0x04
#define RTC_24_HOURS 0x02
#define RTC_AFTERNOON 0x80
#define SAMPLES 8
#define MEASURE_SECONDS_PART 25         /* 1/25 of a second is measured */
#define PATIENCE 100000000              /* looks at something that does not change */

static u64 pit_count(void)
{
    u64 low;

    outb(PIT_MODE, PIT_LATCH);
    low = inb(PIT_CHANNEL_0);
    return PIT_PERIOD - (low | (u64)inb(PIT_CHANNEL_0) << 8);
}

static u64 pm_count(void)
{
    return inl(acpi_timer_port()) & PM_MASK;
}

/* The counter and the time stamp at one moment: of a few tries the one in which the least time passed. */
struct moment clock_look(u64 (*count)(void))
{
    struct moment best = {0, 0};
    u64 shortest = FOREVER;

    for (int i = 0; i < SAMPLES; i++) {
        u64 before = rdtsc(), value = count(), took = rdtsc() - before;

        if (took < shortest) {
            shortest = took;
            best = (struct moment){before + took / 2, value};
        }
    }
    return best;
}

/* Time stamps a second, by a counter of `hz` that starts again at `period`; 0 if it does not count. */
static u64 measure(u64 (*count)(void), u64 hz, u64 period)
{
    struct moment start = clock_look(count), stop = start;
    u64 passed = 0;

    for (u64 looks = 0; passed < hz / MEASURE_SECONDS_PART; looks++) {
        u64 before = stop.count;

        stop = clock_look(count);
        passed += (stop.count + period - before) % period;
        if (looks > PATIENCE || (looks > 1000 && !passed))
            return 0;
    }
    return (stop.tsc - start.tsc) * hz / passed;
}

static u64 by_processor(void)
{
    u32 words[4];

    cpuid(0, 0, words);
    if (words[0] >= CPUID_TSC) {
        cpuid(CPUID_TSC, 0, words);
        if (words[0] && words[1] && words[2])
            return (u64)words[2] * words[1] / words[0];
    }
    cpuid(1, 0, words);
    if (words[2] >> 31) {
        cpuid(0x40000000, 0, words);
        if (words[0] >= CPUID_HYPERVISOR && words[0] < CPUID_HYPERVISOR + 0x100) {
            cpuid(CPUID_HYPERVISOR, 0, words);
            return words[0] * 1000ul;
        }
    }
    return 0;
}

static u64 by_pit(void)
{
    outb(PIT_MODE, PIT_RATE);
    outb(PIT_CHANNEL_0, PIT_PERIOD & 255);
    outb(PIT_CHANNEL_0, PIT_PERIOD >> 8 & 255);
    return measure(pit_count, PIT_HZ, PIT_PERIOD);
}

static u8 cmos(u8 number)
{
    outb(CMOS_INDEX, number | 0x80);
    return inb(CMOS_DATA);
}

static u64 by_seconds(void)
{
    u64 stamps[2] = {0, 0};

    if (cmos(RTC_STATUS_B) == 0xff)
        return 0;
    for (int edge = 0; edge < 2; edge++) {
        u8 second = cmos(0);

        for (u64 looks = 0; cmos(0) == second; looks++)
            if (looks > PATIENCE)
                return 0;
        stamps[edge] = rdtsc();
    }
    return stamps[1] - stamps[0];
}

u64 tsc_calibrate(void)
{
    u64 hz = by_processor();

    if (!hz)
        hz = by_pit();
    if (!hz && acpi_timer_port())
        hz = measure(pm_count, PM_HZ, PM_MASK + 1);
    if (!hz)
        hz = by_seconds();
    if (!hz)
        panic("no clock tells how fast the time stamp counter runs: give the machine a PIT, ACPI's timer or an RTC");
    return hz;
}

static u64 days_before(u64 year, u64 month, u64 day)
{
    static const u16 before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    u64 last = month > 2 ? year : year - 1;     /* the last year whose leap day, if any, has passed */

    return year * 365 + last / 4 - last / 100 + last / 400 + before[month - 1] + day;
}

static u64 rtc_number(u8 value)
{
    return cmos(RTC_STATUS_B) & RTC_BINARY ? value : (value >> 4) * 10ul + (value & 15);
}

static u64 rtc_hour(u8 value)
{
    u64 hour = rtc_number(value & ~RTC_AFTERNOON);

    if (cmos(RTC_STATUS_B) & RTC_24_HOURS)
        return rtc_number(value);
    return hour % 12 + (value & RTC_AFTERNOON ? 12 : 0);
}

/* Motorola MC146818 data sheet.  Twice the same: then no update came between. */
u64 rtc_read(void)
{
    static const u8 numbers[] = {RTC_SECOND, RTC_MINUTE, RTC_HOUR, RTC_DAY, RTC_MONTH, RTC_YEAR, RTC_CENTURY};
    u8 values[2][sizeof(numbers)];
    u64 century, month, days, looks = 0;

    if (cmos(RTC_STATUS_B) == 0xff)
        return 0;
    do {
        while (cmos(RTC_STATUS_A) & RTC_UPDATING && looks++ < PATIENCE)
            ;
        for (u64 i = 0; i < 2 * sizeof(numbers); i++)
            values[i / sizeof(numbers)][i % sizeof(numbers)] = cmos(numbers[i % sizeof(numbers)]);
    } while (memcmp(values[0], values[1], sizeof(numbers)) && looks++ < PATIENCE);
    century = rtc_number(values[0][6]);
    month = rtc_number(values[0][4]);
    if (month < 1 || month > 12)
        return 0;
    days = days_before((century >= 19 && century < 99 ? century : 20) * 100 + rtc_number(values[0][5]), month,
        rtc_number(values[0][3])) - days_before(1970, 1, 1);
    return ((days * 24 + rtc_hour(values[0][2])) * 60 + rtc_number(values[0][1])) * 60 + rtc_number(values[0][0]);
}
