/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader says: memory, modules, the command line.  Two dialects become one `struct hyper_information`.
 * PVH: Xen's public/arch-x86/hvm/start_info.h.  Multiboot2 specification 2.0, section 3.6.
 */

#include "kernel.h"
#include "xen.h"

#define PVH_MAGIC 0x336ec578
#define MULTIBOOT2_MAGIC 0x36d76289
#define REGION_RAM 1                    /* in both dialects, as in ACPI's address range types */

struct pvh_start {
    u32 magic, version, flags, module_count;
    u64 modules, line, rsdp;
    u64 map;                            /* from version 1 on */
    u32 map_count, reserved;
};

struct pvh_module {
    u64 address, length, line, reserved;
};

struct pvh_region {
    u64 address, length;
    u32 type, reserved;
};

enum multiboot_tag_type { TAG_END, TAG_LINE, TAG_MODULE = 3, TAG_MAP = 6, TAG_RSDP_OLD = 14, TAG_RSDP_NEW = 15 };

struct multiboot_tag {
    u32 type, size;
    u32 words[];
};

struct hyper_information boot;
struct memory_region boot_memory[128];
u32 boot_memory_count;

static char lines[2 * HYPER_LINE_MAX];  /* copies: what the loader left may be given out as memory */
static u64 lines_used;
static u8 root_pointer[36];             /* ACPI's, of which Multiboot2 passes a copy */

static const char *keep_line(const char *line)
{
    u64 length = line ? text_length(line) + 1 : 1;
    char *kept = lines + lines_used;

    if (lines_used + length > sizeof(lines))
        panic("the command lines are longer than %lu bytes", sizeof(lines));
    memcpy(kept, line ? line : "", length);
    lines_used += length;
    return kept;
}

static void add_region(u64 start, u64 length, int ram)
{
    if (boot_memory_count < COUNT(boot_memory) && length)
        boot_memory[boot_memory_count++] = (struct memory_region){start, start + length, ram};
    if (ram)
        boot.memory += length;
}

void boot_add_module(u64 address, u64 length, const char *line)
{
    if (boot.module_count < HYPER_MODULES_MAX)
        boot.modules[boot.module_count++] = (struct hyper_module){address, length, keep_line(line)};
}

/* A PVH loader of version 0 gives no memory map: Xen's own, when it starts its first domain. */
static void read_xen_map(void)
{
    struct xen_region regions[COUNT(boot_memory)];
    u32 count = xen_memory_map(regions, COUNT(regions));

    if (!count)
        panic("neither the loader nor Xen gives a memory map");
    for (u32 i = 0; i < count; i++)
        add_region(regions[i].address, regions[i].length, regions[i].type == REGION_RAM);
}

static void read_pvh(const struct pvh_start *start)
{
    const struct pvh_module *module = (const void *)start->modules;
    const struct pvh_region *region = (const void *)start->map;

    boot.start_info = (u64)start;
    boot.rsdp = start->rsdp;
    boot.line = keep_line((const char *)start->line);
    for (u32 i = 0; i < start->module_count; i++)
        boot_add_module(module[i].address, module[i].length, (const char *)module[i].line);
    if (start->version < 1)
        read_xen_map();
    for (u32 i = 0; start->version >= 1 && i < start->map_count; i++)
        add_region(region[i].address, region[i].length, region[i].type == REGION_RAM);
}

static void read_multiboot_map(const struct multiboot_tag *tag)
{
    u32 step = tag->words[0];

    for (u64 at = (u64)&tag->words[2]; at + step <= (u64)tag + tag->size; at += step) {
        const struct pvh_region *region = (const void *)at;     /* the same layout */

        add_region(region->address, region->length, region->type == REGION_RAM);
    }
}

static void read_multiboot(const u8 *information)
{
    const struct multiboot_tag *tag = (const void *)(information + 8);

    boot.line = "";
    for (; tag->type != TAG_END; tag = (const void *)((u64)tag + round_up(tag->size, 8)))
        switch (tag->type) {
        case TAG_LINE:
            boot.line = keep_line((const char *)tag->words);
            break;
        case TAG_MODULE:
            boot_add_module(tag->words[0], tag->words[1] - tag->words[0], (const char *)&tag->words[2]);
            break;
        case TAG_MAP:
            read_multiboot_map(tag);
            break;
        case TAG_RSDP_OLD:
        case TAG_RSDP_NEW:
            boot.rsdp = (u64)memcpy(root_pointer, tag->words, minimum(tag->size - 8, sizeof(root_pointer)));
            break;
        }
}

void boot_read(u32 magic, const void *information)
{
    if (information && *(const u32 *)information == PVH_MAGIC)
        read_pvh(information);
    else if (magic == MULTIBOOT2_MAGIC)
        read_multiboot(information);
    else
        panic("started neither by PVH nor by Multiboot2 (magic %x)", magic);
}
