/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen below us, as a PVH guest or as its first domain: hypercalls, the page that it shares with us, its clock, the end.
 * Documents: Xen's public headers (xen/include/public), named where a layout or a number is used.
 */

#include "kernel.h"
#include "xen.h"

/* public/arch-x86/cpuid.h */
#define CPUID_FIRST 0x40000000
#define CPUID_END 0x40010000
#define CPUID_STEP 0x100                /* another hypervisor's leaves may come first */
#define CPUID_TIME 3                    /* subleaf 0: %ecx is the frequency in kHz */
#define CPUID_HYPERCALLS 2              /* %ebx: the model-specific register that takes the page's address */
#define HYPERCALL_BYTES 32              /* the code of one hypercall in that page */

/* public/memory.h */
#define ADD_TO_PHYSMAP 7
#define SPACE_SHARED_INFO 0
#define MEMORY_MAP 9

/* public/sched.h */
#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_CRASH 3

/* public/xen.h, for hvm_start_info's flags */
#define FIRST_DOMAIN 2

/* public/xen.h: struct vcpu_time_info, and where it and the wall clock are in struct shared_info on x86-64 */
#define TIME_OFFSET 32
#define WALL_OFFSET 0xc00

struct time_info {
    u32 version, pad;
    u64 tsc, nanoseconds;
    u32 multiplier;
    signed char shift;
};

struct wall_clock {
    u32 version, seconds, nanoseconds, seconds_high;
};

u64 xen_shared_info;

static u8 hypercall_page[PAGE] __attribute__((aligned(PAGE)));
static u8 shared_page[PAGE] __attribute__((aligned(PAGE)));
static u32 leaves;                      /* the first of Xen's, 0 without Xen */

int xen_present(void)
{
    return leaves != 0;
}

i64 xen_hypercall(u64 number, u64 first, u64 second, u64 third, u64 fourth, u64 fifth)
{
    register u64 r10 __asm__("r10") = fourth;
    register u64 r8 __asm__("r8") = fifth;
    i64 result;

    if (!xen_present() || number >= PAGE / HYPERCALL_BYTES)
        return -ENOSYS;
    __asm__ volatile("call *%[code]"
        : "=a"(result), "+D"(first), "+S"(second), "+d"(third), "+r"(r10), "+r"(r8)
        : [code] "r"(hypercall_page + number * HYPERCALL_BYTES)
        : "memory", "cc", "rcx", "r9", "r11");
    return result;
}

static u32 find(void)
{
    u32 words[4];

    for (u32 leaf = CPUID_FIRST; leaf < CPUID_END; leaf += CPUID_STEP) {
        cpuid(leaf, 0, words);
        if (!memcmp(&words[1], "XenVMMXenVMM", 12))
            return leaf;
    }
    return 0;
}

static void share(void)
{
    struct {
        u16 domain, size;
        u32 space;
        u64 index, frame;
    } request = {XEN_DOMAIN_SELF, 0, SPACE_SHARED_INFO, 0, (u64)shared_page / PAGE};

    if (!xen_hypercall(XEN_MEMORY_OP, ADD_TO_PHYSMAP, (u64)&request, 0, 0, 0))
        xen_shared_info = (u64)shared_page;
}

void xen_start(void)
{
    u32 words[4];

    leaves = find();
    if (!xen_present())
        return;
    cpuid(leaves + CPUID_HYPERCALLS, 0, words);
    wrmsr(words[1], (u64)hypercall_page);
    share();
    xen_console_start();
}

u32 xen_memory_map(struct xen_region *regions, u32 most)
{
    struct {
        u32 count;
        u64 regions;
    } request = {most, (u64)regions};

    return xen_hypercall(XEN_MEMORY_OP, MEMORY_MAP, (u64)&request, 0, 0, 0) ? 0 : request.count;
}

u64 xen_tsc_khz(void)
{
    u32 words[4];

    cpuid(leaves + CPUID_TIME, 0, words);
    return words[2];
}

/* Xen writes the version before and after a change, odd meanwhile. */
static u64 system_time(void)
{
    const volatile struct time_info *time = (void *)(xen_shared_info + TIME_OFFSET);
    u64 nanoseconds, passed;
    u32 version;

    do {
        version = time->version;
        __asm__ volatile("" : : : "memory");
        passed = rdtsc() - time->tsc;
        passed = time->shift < 0 ? passed >> -time->shift : passed << time->shift;
        nanoseconds = time->nanoseconds + (u64)((unsigned __int128)passed * time->multiplier >> 32);
        __asm__ volatile("" : : : "memory");
    } while (version & 1 || version != time->version);
    return nanoseconds;
}

u64 xen_epoch(void)
{
    const volatile struct wall_clock *wall = (void *)(xen_shared_info + WALL_OFFSET);
    u64 start;
    u32 version;

    if (!xen_shared_info)
        return 0;
    do {
        version = wall->version;
        __asm__ volatile("" : : : "memory");
        start = ((u64)wall->seconds_high << 32 | wall->seconds) * SECOND + wall->nanoseconds;
        __asm__ volatile("" : : : "memory");
    } while (version & 1 || version != wall->version);
    return start + system_time();
}

/* The first domain's end is the machine's: Xen would halt the processors, with the power on. */
static int is_first_domain(void)
{
    return boot.start_info && ((const u32 *)boot.start_info)[2] & FIRST_DOMAIN;
}

void xen_shutdown(int status)
{
    u32 reason = status == STATUS_PANIC ? SHUTDOWN_CRASH : SHUTDOWN_POWEROFF;

    if (is_first_domain())
        acpi_power_off();
    xen_hypercall(XEN_SCHED_OP, XEN_SCHED_SHUTDOWN, (u64)&reason, 0, 0, 0);
}
