/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console and log.  The console carries the program's standard input and output, byte for byte: COM1, or Xen's console.
 * The log carries its standard error and what the kernel says: COM2 where there is one, else the console.
 */

#include "kernel.h"
#include "xen.h"

#include <stdarg.h>

void console_start(void)
{
    if (!xen_present())
        serial_start();
}

void console_write(const void *data, u64 length)
{
    if (xen_present())
        xen_console_write(data, length);
    else
        serial_write(0, data, length);
}

u64 console_read(u8 *buffer, u64 length)
{
    return xen_present() ? xen_console_read((char *)buffer, length) : serial_read(0, buffer, length);
}

void log_write(const void *data, u64 length)
{
    if (serial_present(1))
        serial_write(1, data, length);
    else
        console_write(data, length);
}

static void log_number(u64 value, u32 base, int width)
{
    char digits[20];
    int at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || (int)sizeof(digits) - at < width);
    log_write(digits + at, sizeof(digits) - at);
}

/* %s, %d, %x, %lu, %lx, and with a width of 16 %016lx. */
static void log_arguments(const char *format, va_list arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            log_write(format, 1);
            continue;
        }
        if (text_starts(++format, "s")) {
            const char *text = va_arg(arguments, const char *);

            log_write(text, text_length(text));
        } else if (text_starts(format, "d")) {
            i64 value = va_arg(arguments, int);

            log_write("-", value < 0);
            log_number(value < 0 ? -value : value, 10, 0);
        } else if (text_starts(format, "x")) {
            log_number(va_arg(arguments, u32), 16, 0);
        } else if (text_starts(format, "lu") && format++) {
            log_number(va_arg(arguments, u64), 10, 0);
        } else if (text_starts(format, "lx") && format++) {
            log_number(va_arg(arguments, u64), 16, 0);
        } else if (text_starts(format, "016lx")) {
            log_number(va_arg(arguments, u64), 16, 16);
            format += 4;
        }
    }
}

void log_line(const char *format, ...)
{
    va_list arguments;

    log_write("metal: ", 7);
    va_start(arguments, format);
    log_arguments(format, arguments);
    va_end(arguments);
    log_write("\n", 1);
}

void panic(const char *format, ...)
{
    va_list arguments;

    log_write("metal: panic: ", 14);
    va_start(arguments, format);
    log_arguments(format, arguments);
    va_end(arguments);
    log_write("\n", 1);
    halt(STATUS_PANIC);
}
