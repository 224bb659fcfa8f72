/* SPDX-License-Identifier: BSD-2-Clause */
/* The files below /dev. */

#include "tree.h"

#define POLL (5 * MILLISECOND)          /* how long a reader of a quiet port sleeps between looks */

static u64 look(enum device device, u8 *buffer, u64 length)
{
    switch (device) {
    case DEVICE_SERIAL_0:
        return serial_read(0, buffer, length);
    case DEVICE_SERIAL_1:
        return serial_read(1, buffer, length);
    default:
        return console_read(buffer, length);
    }
}

i64 device_read(enum device device, u8 *buffer, u64 length)
{
    u64 count;

    switch (device) {
    case DEVICE_NULL:
    case DEVICE_LOG:
        return 0;
    case DEVICE_ZERO:
        memset(buffer, 0, length);
        return (i64)length;
    case DEVICE_RANDOM:
        random_bytes(buffer, length);
        return (i64)length;
    default:
        while (length && !(count = look(device, buffer, length)))
            thread_sleep(now() + POLL);
        return length ? (i64)count : 0;
    }
}

i64 device_write(enum device device, const u8 *data, u64 length)
{
    switch (device) {
    case DEVICE_RANDOM:
        random_add(data, length);
        break;
    case DEVICE_CONSOLE:
        console_write(data, length);
        break;
    case DEVICE_LOG:
        log_write(data, length);
        break;
    case DEVICE_SERIAL_0:
        serial_write(0, data, length);
        break;
    case DEVICE_SERIAL_1:
        serial_write(1, data, length);
        break;
    default:
        break;
    }
    return (i64)length;
}
