/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel itself needs of Xen; everything else is hypercalls that Python makes (rumpuser/bare/xen). */
#ifndef XEN_H
#define XEN_H

#include "machine.h"

/* xen.c */
extern u64 xen_shared_info;             /* its address, 0 where there is no Xen */
void xen_start(void);                   /* finds Xen; before anything is written to the console */
int xen_present(void);
i64 xen_hypercall(u64 number, u64 first, u64 second, u64 third, u64 fourth, u64 fifth);
u64 xen_tsc_khz(void);                  /* 0 if Xen does not say */
u64 xen_epoch(void);                    /* the time since 1970, nanoseconds */
struct xen_region {                     /* as ACPI's address range types (E820) */
    u64 address, length;
    u32 type;
} __attribute__((packed));
u32 xen_memory_map(struct xen_region *regions, u32 most);   /* how many there are; 0 if Xen does not say */
void xen_shutdown(int status);          /* returns only if Xen refuses */

/* xen_console.c */
void xen_console_start(void);
void xen_console_write(const void *data, u64 length);
u64 xen_console_read(void *buffer, u64 length);     /* what is there; does not wait */

/* The hypercalls of both files: numbers of public/xen.h. */
enum { XEN_MEMORY_OP = 12, XEN_CONSOLE_IO = 18, XEN_SCHED_OP = 29, XEN_EVENT_CHANNEL_OP = 32, XEN_HVM_OP = 34 };
#define XEN_DOMAIN_SELF 0x7ff0
#define XEN_SCHED_YIELD 0               /* public/sched.h */
#define XEN_SCHED_SHUTDOWN 2

#endif
