/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which things come to life. */

#include "tree.h"
#include "xen.h"

static const char program[] = "python";

/* The program is linked for a window that must be memory, and in which no module may lie. */
static void clear_window(void)
{
    int there = 0;

    for (u32 i = 0; i < boot_memory_count; i++)
        there |= boot_memory[i].ram && boot_memory[i].start <= PROGRAM_START && boot_memory[i].end >= PROGRAM_END;
    if (!there)
        panic("there is no memory between %lx and %lx: give the machine more", PROGRAM_START, PROGRAM_END);
    for (u64 i = 0; i < boot.module_count; i++) {
        struct hyper_module *module = &boot.modules[i];
        u64 moved;

        if (module->address >= PROGRAM_END || module->address + module->length <= PROGRAM_START)
            continue;
        moved = pages_allocate(round_up(module->length, PAGE) / PAGE);
        if (!moved)
            panic("no memory to move a boot module to");
        memcpy((void *)moved, (void *)module->address, module->length);
        module->address = moved;
    }
}

/* From entry.S. */
void kernel_main(u32 magic, const void *information);
void kernel_main(u32 magic, const void *information)
{
    struct node *node;

    traps_start();
    xen_start();
    console_start();
    boot.machine = xen_present() ? "xen" : "metal";
    boot_read(magic, information);
    acpi_start();
    time_start();
    pages_start(PROGRAM_START, PROGRAM_END);
    threads_start();
    apic_start();
    random_start();
    boot.shared_info = xen_shared_info;
    clear_window();
    tree_start();
    if (!boot.module_count)
        panic("no boot module: the program comes in an initial ram disk");
    cpio_unpack((u8 *)boot.modules[0].address, boot.modules[0].length);
    descriptors_start();
    node = node_find(root, program, sizeof(program) - 1);
    if (!node)
        panic("the boot module has no file %s", program);
    program_load(node->data, node->size);
    syscall_start();
    program_start();
}
