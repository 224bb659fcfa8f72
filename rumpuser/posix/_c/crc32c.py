# SPDX-License-Identifier: BSD-2-Clause
"""CRC-32C: the instruction of SSE 4.2 if the processor has it, else eight tables, for any byte order."""

INCLUDES = """
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <nmmintrin.h>
#if defined(__clang_major__) && __clang_major__ >= 14   /* to which they are two features */
#define RUMP_HAVE_SSE42 "sse4.2,crc32"
#else
#define RUMP_HAVE_SSE42 "sse4.2"
#endif
#endif
"""

FUNCTIONS = """
void rump_crc32c_prepare(void);
uint32_t rump_crc32c(uint32_t seed, const uint8_t *data, size_t length);
uint32_t rump_crc32c_by_tables(uint32_t seed, const uint8_t *data, size_t length);
void rump_crc32c_many(uint32_t *states, const uint8_t *data, size_t offset, size_t stride, size_t length,
    size_t count);
"""

CODE = """
static uint32_t rump_crc32c_table[8][256];  /* [n][b]: what byte b followed by n zero bytes makes of a state of zero */

static uint32_t rump_crc32c_by_tables(uint32_t state, const uint8_t *data, size_t length)
{
    uint32_t (*table)[256] = rump_crc32c_table;

    for (; length >= 8; length -= 8, data += 8)
        state = table[7][(data[0] ^ state) & 255] ^ table[6][(data[1] ^ state >> 8) & 255] ^
            table[5][(data[2] ^ state >> 16) & 255] ^ table[4][data[3] ^ state >> 24] ^
            table[3][data[4]] ^ table[2][data[5]] ^ table[1][data[6]] ^ table[0][data[7]];
    while (length--)
        state = state >> 8 ^ table[0][(*data++ ^ state) & 255];
    return state;
}

#ifdef RUMP_HAVE_SSE42
__attribute__((target(RUMP_HAVE_SSE42)))
static uint32_t rump_crc32c_by_instruction(uint32_t seed, const uint8_t *data, size_t length)
{
    uint64_t state = seed, word;

    for (; length >= 8; length -= 8, data += 8) {
        memcpy(&word, data, 8);
        state = _mm_crc32_u64(state, word);
    }
    while (length--)
        state = _mm_crc32_u8((uint32_t)state, *data++);
    return (uint32_t)state;
}
#endif

static uint32_t (*rump_crc32c_chosen)(uint32_t, const uint8_t *, size_t) = rump_crc32c_by_tables;

/* Fills the tables and chooses.  Call it before the others; doing so again changes nothing. */
static void rump_crc32c_prepare(void)
{
    uint32_t state;
    int byte, bit, n;

    for (byte = 0; byte < 256; byte++) {
        state = (uint32_t)byte;
        for (bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? 0x82F63B78u : 0);
        rump_crc32c_table[0][byte] = state;
    }
    for (n = 1; n < 8; n++)
        for (byte = 0; byte < 256; byte++) {
            state = rump_crc32c_table[n - 1][byte];
            rump_crc32c_table[n][byte] = state >> 8 ^ rump_crc32c_table[0][state & 255];
        }
#ifdef RUMP_HAVE_SSE42
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        rump_crc32c_chosen = rump_crc32c_by_instruction;
#endif
}

static uint32_t rump_crc32c(uint32_t seed, const uint8_t *data, size_t length)
{
    return rump_crc32c_chosen(seed, data, length);
}

/* states: in, the seeds; out, the results. */
static void rump_crc32c_many(uint32_t *states, const uint8_t *data, size_t offset, size_t stride, size_t length,
    size_t count)
{
    size_t n;

    for (n = 0; n < count; n++)
        states[n] = rump_crc32c_chosen(states[n], data + offset + n * stride, length);
}
"""
