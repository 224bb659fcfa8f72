/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler calls by name, and comparisons of text. */

#include "kernel.h"

/* Eight words at a time: under an emulator loops are several times faster than the string instructions. */
void *memset(void *to, int value, u64 length)
{
    u64 word = (u8)value * 0x0101010101010101ul, *words = to;
    u8 *bytes;

    for (; length >= 64; length -= 64, words += 8) {
        words[0] = words[1] = words[2] = words[3] = word;
        words[4] = words[5] = words[6] = words[7] = word;
    }
    for (bytes = (u8 *)words; length; length--)
        *bytes++ = (u8)value;
    return to;
}

void *memcpy(void *to, const void *from, u64 length)
{
    u64 *words = to;
    const u64 *others = from;
    u8 *bytes;
    const u8 *source;

    for (; length >= 32; length -= 32, words += 4, others += 4) {
        u64 first = others[0], second = others[1], third = others[2];

        words[3] = others[3];
        words[0] = first;
        words[1] = second;
        words[2] = third;
    }
    for (bytes = (u8 *)words, source = (const u8 *)others; length; length--)
        *bytes++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, u64 length)
{
    const u8 *last = (const u8 *)from + length - 1;
    u8 *at = (u8 *)to + length - 1;

    if ((u64)to - (u64)from >= length)
        return memcpy(to, from, length);
    __asm__ volatile("std; rep movsb; cld" : "+D"(at), "+S"(last), "+c"(length) : : "memory");
    return to;
}

int memcmp(const void *left, const void *right, u64 length)
{
    const u8 *one = left, *other = right;

    for (; length; length--, one++, other++)
        if (*one != *other)
            return *one - *other;
    return 0;
}

u64 text_length(const char *text)
{
    u64 length = 0;

    while (text[length])
        length++;
    return length;
}

int text_equal(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

int text_starts(const char *text, const char *start)
{
    return memcmp(text, start, minimum(text_length(start), text_length(text) + 1)) == 0;
}
