/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks: time since boot, by the time stamp counter, and the time since 1970 at which that began. */

#include "kernel.h"
#include "xen.h"

static u64 tsc_start, scale;            /* nanoseconds for a tick, times 2^32 */

u64 now(void)
{
    return (u64)((unsigned __int128)(rdtsc() - tsc_start) * scale >> 32);
}

void time_start(void)
{
    boot.tsc_hz = xen_present() && xen_tsc_khz() ? xen_tsc_khz() * 1000 : tsc_calibrate();
    scale = (SECOND << 32) / boot.tsc_hz;
    tsc_start = rdtsc();
    boot.epoch = xen_present() ? xen_epoch() : rtc_read() * SECOND;
    if (boot.epoch)
        boot.epoch -= now();
    else
        log_line("there is no clock that tells the date");
}
