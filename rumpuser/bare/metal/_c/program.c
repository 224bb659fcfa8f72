/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting the program: a static ELF-64 executable without relocation (System V ABI, chapters 4 and 5), its
 * arguments and environment from the command line, the auxiliary vector (AMD64 supplement, section 3.4.3).
 */

#include "tree.h"

#define TYPE_EXECUTABLE 2
#define MACHINE_X86_64 62
#define SEGMENT_LOAD 1
#define WORDS_MAX 256
#define STACK_PAGES 2048                /* 8 MiB for the first thread */

struct elf_header {
    u8 identity[16];
    u16 type, machine;
    u32 version;
    u64 entry, segments, sections;
    u32 flags;
    u16 header_size, segment_size, segment_count, section_size, section_count, section_names;
};

struct elf_segment {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, alignment;
};

enum { AUX_END = 0, AUX_PHDR = 3, AUX_PHENT = 4, AUX_PHNUM = 5, AUX_PAGESZ = 6, AUX_BASE = 7, AUX_ENTRY = 9,
    AUX_UID = 11, AUX_EUID = 12, AUX_GID = 13, AUX_EGID = 14, AUX_HWCAP = 16, AUX_CLKTCK = 17, AUX_SECURE = 23,
    AUX_RANDOM = 25 };

static const struct elf_header *header;
static u64 segment_table;

void program_load(const u8 *image, u64 length)
{
    const struct elf_segment *segment;

    header = (const struct elf_header *)image;
    if (length < sizeof(*header) || memcmp(header->identity, "\177ELF\2\1", 6) || header->type != TYPE_EXECUTABLE ||
        header->machine != MACHINE_X86_64)
        panic("the program is no static executable for x86-64");
    segment = (const struct elf_segment *)(image + header->segments);
    for (; segment < (const struct elf_segment *)(image + header->segments) + header->segment_count; segment++) {
        if (segment->type != SEGMENT_LOAD)
            continue;
        if (segment->address < PROGRAM_START || segment->address + segment->memory_size > PROGRAM_END ||
            segment->offset + segment->file_size > length)
            panic("the program does not lie between %lx and %lx", PROGRAM_START, PROGRAM_END);
        memcpy((void *)segment->address, image + segment->offset, segment->file_size);
        memset((void *)(segment->address + segment->file_size), 0, segment->memory_size - segment->file_size);
        if (segment->offset <= header->segments && header->segments < segment->offset + segment->file_size)
            segment_table = segment->address + header->segments - segment->offset;
    }
}

static char line[HYPER_LINE_MAX];
static char *arguments[WORDS_MAX], *environment[WORDS_MAX];
static u64 argument_count, environment_count;

/* Cuts the next word off a line: blanks separate; quotes and backslashes keep them, as in a shell.  NULL at the end. */
static char *next_word(char **rest)
{
    char *from = *rest, *word, *to, quote = 0;

    while (*from == ' ')
        from++;
    if (!*from)
        return NULL;
    for (word = to = from; *from && (quote || *from != ' '); from++)
        if (*from == quote)
            quote = 0;
        else if (!quote && (*from == '"' || *from == '\''))
            quote = *from;
        else if (*from == '\\' && from[1] && quote != '\'')
            *to++ = *++from;
        else
            *to++ = *from;
    *rest = *from ? from + 1 : from;
    *to = 0;
    return word;
}

static int has_equals_sign(const char *word)
{
    while (*word && *word != '=')
        word++;
    return *word == '=';
}

/* Words with a = go to the environment; what follows -- is the program's. */
static void read_line(void)
{
    char *rest = line, *word;
    int ours = 1;

    if (text_length(boot.line) >= sizeof(line))
        panic("the command line is longer than %lu bytes", sizeof(line));
    memcpy(line, boot.line, text_length(boot.line) + 1);
    arguments[argument_count++] = "python";
    while ((word = next_word(&rest)) && argument_count < WORDS_MAX - 1 && environment_count < WORDS_MAX - 1)
        if (!ours)
            arguments[argument_count++] = word;
        else if (text_equal(word, "--"))
            ours = 0;
        else if (text_equal(word, "metal.debug"))
            syscall_debug = 1;
        else if (has_equals_sign(word))
            environment[environment_count++] = word;
    if (argument_count == 1)
        arguments[argument_count++] = node_find(root, "main.py", 7) ? "/main.py" : "-VV";
}

static u64 *push_words(u64 *at, char *const *words, u64 count)
{
    memcpy(at, words, count * sizeof(*words));
    at[count] = 0;
    return at + count + 1;
}

void program_start(void)
{
    static u8 seed[16];
    u64 bottom = pages_allocate(STACK_PAGES), top = bottom + STACK_PAGES * PAGE;
    u64 stack = top - (2 * WORDS_MAX + 64) * sizeof(u64), *at = (u64 *)stack;
    u32 features[4];

    if (!bottom)
        panic("no memory for the program's stack");
    paging_present(bottom, PAGE, 0, 0);
    random_bytes(seed, sizeof(seed));
    cpuid(1, 0, features);
    read_line();
    *at++ = argument_count;
    at = push_words(at, arguments, argument_count);
    at = push_words(at, environment, environment_count);
    u64 auxiliary[] = {
        AUX_PHDR, segment_table, AUX_PHENT, header->segment_size, AUX_PHNUM, header->segment_count, AUX_PAGESZ, PAGE,
        AUX_BASE, 0, AUX_ENTRY, header->entry, AUX_UID, 0, AUX_EUID, 0, AUX_GID, 0, AUX_EGID, 0, AUX_SECURE, 0,
        AUX_HWCAP, features[3], AUX_CLKTCK, 100, AUX_RANDOM, (u64)seed, AUX_END, 0,
    };
    memcpy(at, auxiliary, sizeof(auxiliary));
    program_enter(header->entry, stack);
}
