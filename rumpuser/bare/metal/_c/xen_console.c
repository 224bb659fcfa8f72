/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen's console: the hypervisor's own for its first domain (console_io of public/xen.h), for others the ring of
 * public/io/console.h, whose other end is a daemon of the first domain.
 */

#include "kernel.h"
#include "xen.h"

/* public/xen.h */
#define CONSOLE_IO_WRITE 0
#define CONSOLE_IO_READ 1

/* public/hvm/hvm_op.h, public/hvm/params.h */
#define GET_PARAMETER 1
#define PARAMETER_CONSOLE_FRAME 17
#define PARAMETER_CONSOLE_PORT 18

#define EVENT_SEND 4                    /* public/event_channel.h */
#define PATIENCE (2 * SECOND)           /* for a daemon that does not read; what is written then is lost */

/* struct xencons_interface: in[consumed..produced) is for us, out[] for the other end; indices run on modulo 2^32. */
struct console_ring {
    u8 in[1024], out[2048];
    u32 in_consumed, in_produced, out_consumed, out_produced;
};

static volatile struct console_ring *ring;
static u32 port;
static int deaf;                        /* the daemon has let us wait in vain */

static u64 parameter(u32 index)
{
    struct {
        u16 domain, pad;
        u32 index;
        u64 value;
    } request = {XEN_DOMAIN_SELF, 0, index, 0};

    return xen_hypercall(XEN_HVM_OP, GET_PARAMETER, (u64)&request, 0, 0, 0) ? 0 : request.value;
}

void xen_console_start(void)
{
    ring = (void *)(parameter(PARAMETER_CONSOLE_FRAME) * PAGE);
    port = parameter(PARAMETER_CONSOLE_PORT);
}

static void notify(void)
{
    u32 request = port;

    xen_hypercall(XEN_EVENT_CHANNEL_OP, EVENT_SEND, (u64)&request, 0, 0, 0);
}

/* Whether there is room for a byte now. */
static int wait_for_room(void)
{
    u64 start = now();

    while (ring->out_produced - ring->out_consumed >= sizeof(ring->out)) {
        notify();
        if (deaf || now() - start > PATIENCE) {
            deaf = 1;
            return 0;
        }
        xen_hypercall(XEN_SCHED_OP, XEN_SCHED_YIELD, 0, 0, 0, 0);
    }
    deaf = 0;
    return 1;
}

static void ring_write(const u8 *data, u64 length)
{
    for (u64 i = 0; i < length && wait_for_room(); i++) {
        ring->out[ring->out_produced % sizeof(ring->out)] = data[i];
        __asm__ volatile("" : : : "memory");
        ring->out_produced++;
    }
    notify();
}

void xen_console_write(const void *data, u64 length)
{
    if (ring)
        ring_write(data, length);
    else
        xen_hypercall(XEN_CONSOLE_IO, CONSOLE_IO_WRITE, length, (u64)data, 0, 0);
}

u64 xen_console_read(void *buffer, u64 length)
{
    i64 got = 0;

    if (!ring) {
        got = xen_hypercall(XEN_CONSOLE_IO, CONSOLE_IO_READ, length, (u64)buffer, 0, 0);
        return got > 0 ? got : 0;
    }
    while ((u64)got < length && ring->in_consumed != ring->in_produced) {
        ((u8 *)buffer)[got++] = ring->in[ring->in_consumed % sizeof(ring->in)];
        __asm__ volatile("" : : : "memory");
        ring->in_consumed++;
    }
    if (got)
        notify();
    return got;
}
