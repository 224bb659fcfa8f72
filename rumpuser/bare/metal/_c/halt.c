/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of the machine, with a status if somebody listens. */

#include "kernel.h"
#include "xen.h"

#define DEBUG_EXIT 0xf4                 /* QEMU's isa-debug-exit: it ends with 2 * status + 1 */
#define STATUS_MAX 127                  /* what it can pass on */
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET 0xfe

NORETURN void halt(int status)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) nothing = {0, 0};

    status = minimum(status & 255, STATUS_MAX);
    log_line("exit status %d", status);
    if (xen_present())
        xen_shutdown(status);
    outb(DEBUG_EXIT, (u8)status);
    acpi_power_off();
    outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
    __asm__ volatile("lidt %0; int3" : : "m"(nothing));         /* a triple fault resets what is still there */
    for (;;)
        __asm__ volatile("cli; hlt");
}
