/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes: the key stream of ChaCha20 (RFC 8439, section 2.3), under a key that each request replaces and that
 * RDSEED, RDRAND, the time stamp counter and whatever the program adds are stirred into.
 */

#include "kernel.h"

#define CPUID_RDRAND (1u << 30)         /* leaf 1, ecx */
#define CPUID_RDSEED (1u << 18)         /* leaf 7, ebx */
#define TRIES 64

static u32 key[8];
static int has_rdrand, has_rdseed;

static u32 rotate(u32 value, int bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter(u32 *s, int a, int b, int c, int d)
{
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

static void block(u64 number, u32 *output)
{
    u32 input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    memcpy(input + 4, key, sizeof(key));
    input[12] = (u32)number;
    input[13] = (u32)(number >> 32);
    memcpy(output, input, sizeof(input));
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < 8; i++)
            if (i < 4)
                quarter(output, i, 4 + i, 8 + i, 12 + i);
            else
                quarter(output, i - 4, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    for (int i = 0; i < 16; i++)
        output[i] += input[i];
}

static int hardware(u64 *value)
{
    u8 done = 0;

    for (int i = 0; has_rdseed && !done && i < TRIES; i++)
        __asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=qm"(done) : : "cc");
    for (int i = 0; has_rdrand && !done && i < TRIES; i++)
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(done) : : "cc");
    return done;
}

static void stir(u64 where, u64 value)
{
    u32 output[16];

    key[where % 8] ^= (u32)value;
    key[(where + 1) % 8] ^= (u32)(value >> 32);
    block(where, output);
    memcpy(key, output, sizeof(key));
}

static void stir_hardware(void)
{
    u64 value;

    stir(0, rdtsc());
    for (u64 i = 0; i < 4; i++)
        if (hardware(&value))
            stir(2 * i, value);
}

void random_start(void)
{
    u32 words[4];

    cpuid(0, 0, words);
    if (words[0] >= 7) {
        cpuid(7, 0, words);
        has_rdseed = (words[1] & CPUID_RDSEED) != 0;
    }
    cpuid(1, 0, words);
    has_rdrand = (words[2] & CPUID_RDRAND) != 0;
    if (!has_rdrand && !has_rdseed)
        log_line("the processor has no random numbers: they are guessable until a device adds some");
    stir_hardware();
    stir(0, boot.epoch);
}

void random_add(const u8 *data, u64 length)
{
    for (u64 at = 0; at < length; at += 8) {
        u64 value = 0;

        memcpy(&value, data + at, minimum(8, length - at));
        stir(at / 4, value);
    }
}

void random_bytes(u8 *buffer, u64 length)
{
    u32 output[16], next[16];
    u64 number = 1;

    stir_hardware();
    block(0, next);
    for (; length; number++) {
        u64 part = minimum(length, sizeof(output));

        block(number, output);
        memcpy(buffer, output, part);
        buffer += part;
        length -= part;
    }
    memcpy(key, next, sizeof(key));
}
