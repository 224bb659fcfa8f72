/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and sleeping. */

#include "syscall.h"

#define CLOCK_REALTIME 0
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

/* The nanoseconds of its epoch at boot; -EINVAL for a clock that Linux does not have. */
static i64 clock_origin(int clock)
{
    if (clock < 0)                      /* the processor time of some thread: there is one processor */
        return 0;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)
        return (i64)boot.epoch;
    return clock > CLOCK_TAI ? -EINVAL : 0;
}

static void put(struct timespec *time, i64 nanoseconds)
{
    *time = (struct timespec){nanoseconds / (i64)SECOND, nanoseconds % (i64)SECOND};
}

i64 sys_clock_gettime(int clock, struct timespec *time)
{
    i64 origin = clock_origin(clock);

    if (origin < 0)
        return origin;
    put(time, origin + (i64)now());
    return 0;
}

i64 sys_clock_getres(int clock, struct timespec *time)
{
    i64 origin = clock_origin(clock);

    if (origin >= 0 && time)
        put(time, 1);
    return origin < 0 ? origin : 0;
}

i64 sys_clock_nanosleep(int clock, int flags, const struct timespec *time, struct timespec *left)
{
    i64 origin = clock_origin(clock), end;

    (void)left;                         /* nothing interrupts a sleep */
    if (origin < 0 || time->nanoseconds < 0 || time->nanoseconds >= (i64)SECOND || time->seconds < 0)
        return -EINVAL;
    end = (i64)span(time) + (flags & TIMER_ABSTIME ? -origin : (i64)now());
    thread_sleep(end > 0 ? (u64)end : 0);
    return 0;
}

i64 sys_nanosleep(const struct timespec *time, struct timespec *left)
{
    return sys_clock_nanosleep(CLOCK_REALTIME, 0, time, left);
}

i64 sys_gettimeofday(i64 *time, void *zone)
{
    i64 nanoseconds = wall_clock();

    (void)zone;
    time[0] = nanoseconds / (i64)SECOND;
    time[1] = nanoseconds % (i64)SECOND / 1000;
    return 0;
}

i64 sys_time(i64 *seconds)
{
    i64 time = wall_clock() / (i64)SECOND;

    if (seconds)
        *seconds = time;
    return time;
}
