/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first two serial ports, polled.  National Semiconductor PC16550D data sheet, section 8.  The FIFO stays as it
 * is found: to switch it on would throw away what came before the kernel was there to read it.
 */

#include "kernel.h"

enum { DATA, INTERRUPTS, FIFO, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS, MODEM_STATUS, SCRATCH };
#define LINE_STATUS_READY 0x01
#define LINE_STATUS_EMPTY 0x20
#define LINE_CONTROL_8N1 0x03
#define LINE_CONTROL_DIVISOR 0x80
#define MODEM_DTR_RTS 0x03
#define PATIENCE 100000000              /* looks at a port that does not become empty, before it is given up */

struct serial {
    u16 port;
    int present;
};

static struct serial ports[2] = {{0x3f8, 0}, {0x2f8, 0}};

static void start(struct serial *port)
{
    u16 base = port->port;

    outb(base + SCRATCH, 0x5a);
    port->present = inb(base + SCRATCH) == 0x5a && inb(base + LINE_STATUS) != 0xff;
    if (!port->present)
        return;
    outb(base + INTERRUPTS, 0);
    outb(base + LINE_CONTROL, LINE_CONTROL_DIVISOR);
    outb(base + DATA, 1);               /* 115200 baud */
    outb(base + INTERRUPTS, 0);
    outb(base + LINE_CONTROL, LINE_CONTROL_8N1);
    outb(base + MODEM_CONTROL, MODEM_DTR_RTS);
}

void serial_start(void)
{
    start(&ports[0]);
    start(&ports[1]);
}

int serial_present(int number)
{
    return ports[number].present;
}

static int wait_until_empty(struct serial *port)
{
    for (u64 looks = 0; looks < PATIENCE; looks++) {
        if (inb(port->port + LINE_STATUS) & LINE_STATUS_EMPTY)
            return 1;
        __asm__ volatile("pause");
    }
    port->present = 0;
    return 0;
}

void serial_write(int number, const u8 *data, u64 length)
{
    struct serial *port = &ports[number];

    for (; length && port->present && wait_until_empty(port); length--)
        outb(port->port + DATA, *data++);
}

u64 serial_read(int number, u8 *buffer, u64 length)
{
    const struct serial *port = &ports[number];
    u64 done = 0;

    while (done < length && port->present && inb(port->port + LINE_STATUS) & LINE_STATUS_READY)
        buffer[done++] = inb(port->port + DATA);
    return done;
}
