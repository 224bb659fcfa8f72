/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own system calls, beside those of Linux that CPython makes.  Included by both sides: by the kernel,
 * and by the Python module _hyper.  Times are nanoseconds since boot.
 */
#ifndef HYPER_H
#define HYPER_H

enum hyper_call {
    HYPER_INFORMATION = 0x5000, /* struct hyper_information *                                                        */
    HYPER_PAGES,                /* count -> address, or 0                                                            */
    HYPER_PAGES_FREE,           /* address, count                                                                    */
    HYPER_DEVICE_MAP,           /* address, length -> 0 or -errno                                                    */
    HYPER_WAIT,                 /* until, seen -> interrupts so far; a `seen` of -1 waits for the time only          */
    HYPER_INTERRUPTS,           /* -> interrupts so far                                                              */
    HYPER_VECTOR,               /* -> a vector of the interrupt table that is not in use, or -errno                  */
    HYPER_RANDOM_ADD,           /* data, length                                                                      */
    HYPER_CONSOLE_READ,         /* buffer, length, until -> bytes read, 0 when the time is over                      */
    HYPER_HYPERCALL,            /* number, five arguments -> what Xen returns                                        */
    HYPER_CALLS_END
};

#define HYPER_MODULES_MAX 16
#define HYPER_LINE_MAX 4096

struct hyper_module {
    unsigned long address;
    unsigned long length;
    const char *line;           /* its own command line */
};

struct hyper_information {
    const char *machine;        /* "metal" or "xen"                                                          */
    const char *line;           /* the command line                                                          */
    unsigned long memory;       /* bytes of RAM                                                              */
    unsigned long tsc_hz;
    unsigned long epoch;        /* nanoseconds from 1970 to boot                                             */
    unsigned long rsdp;         /* physical address of ACPI's root pointer, or 0                             */
    unsigned long shared_info;  /* Xen's, or 0                                                               */
    unsigned long start_info;   /* hvm_start_info, or 0 when another loader started us                       */
    unsigned long module_count;
    struct hyper_module modules[HYPER_MODULES_MAX];
};

#endif
