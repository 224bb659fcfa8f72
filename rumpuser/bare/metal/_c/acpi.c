/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of ACPI as a timer and switching off need.  ACPI specification 6.4, sections 5.2.5 to 5.2.9, 7.4.2,
 * 4.8.3.7.
 */

#include "kernel.h"

#define BIOS_START 0xe0000ul
#define BIOS_END 0x100000ul
#define SLEEP_ENABLE (1 << 13)
#define SLEEP_CONTROL_ENABLE (1 << 5)
#define SLEEP_TYPE_BIT 10
#define FADT_HARDWARE_REDUCED (1u << 20)
#define AML_PACKAGE 0x12
#define AML_BYTE 0x0a

struct root_pointer {
    char signature[8];
    u8 checksum, oem[6], revision;
    u32 rsdt, length;
    u64 xsdt;
} __attribute__((packed));

struct table {
    char signature[4];
    u32 length;
    u8 rest[28];
} __attribute__((packed));

struct fadt {
    struct table header;
    u32 facs, dsdt;
    u8 reserved0[12];
    u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer;
    u8 reserved1[32];
    u32 flags;
    u8 reserved2[24];
    u64 x_dsdt;
    u8 reserved3[96];
    u8 sleep_control_space, sleep_control_width, sleep_control_offset, sleep_control_access;
    u64 sleep_control;
} __attribute__((packed));

_Static_assert(__builtin_offsetof(struct fadt, pm_timer) == 76, "FADT: PM_TMR_BLK");
_Static_assert(__builtin_offsetof(struct fadt, flags) == 112, "FADT: Flags");
_Static_assert(__builtin_offsetof(struct fadt, x_dsdt) == 140, "FADT: X_DSDT");
_Static_assert(__builtin_offsetof(struct fadt, sleep_control_space) == 244, "FADT: SLEEP_CONTROL_REG");

static const struct fadt *fadt;

static const struct root_pointer *find_root(void)
{
    for (u64 at = BIOS_START; at < BIOS_END && !boot.rsdp; at += 16)
        if (memcmp((const void *)at, "RSD PTR ", 8) == 0)
            boot.rsdp = at;
    return (const struct root_pointer *)boot.rsdp;
}

static const struct table *find_table(const char *signature)
{
    const struct root_pointer *root = find_root();
    const struct table *list, *table;
    u64 width;

    if (!root)
        return NULL;
    width = root->revision >= 2 && root->xsdt ? 8 : 4;
    list = (const struct table *)(width == 8 ? root->xsdt : root->rsdt);
    for (u64 at = (u64)list + 36; at + width <= (u64)list + list->length; at += width) {
        table = (const struct table *)(width == 8 ? *(const u64 *)at : *(const u32 *)at);
        if (memcmp(table->signature, signature, 4) == 0)
            return table;
    }
    return NULL;
}

void acpi_start(void)
{
    fadt = (const struct fadt *)find_table("FACP");
}

u16 acpi_timer_port(void)
{
    return fadt && !(fadt->flags & FADT_HARDWARE_REDUCED) ? (u16)fadt->pm_timer : 0;
}

/* SLP_TYP of soft-off: the first element of the package \_S5 in the DSDT, wherever it stands. */
static int soft_off_type(void)
{
    u64 address = fadt->header.length >= 148 && fadt->x_dsdt ? fadt->x_dsdt : fadt->dsdt;
    const struct table *table = (const struct table *)address;

    if (!table)
        return -1;
    for (u64 at = address + 36; at + 12 < address + table->length; at++) {
        const u8 *code = (const u8 *)at;

        if (memcmp(code, "_S5_", 4) || code[4] != AML_PACKAGE)
            continue;
        code += 6 + (code[5] >> 6) + 1;         /* the package's length and its number of elements */
        return *code == AML_BYTE ? code[1] : *code;
    }
    return -1;
}

void acpi_power_off(void)
{
    int type = fadt ? soft_off_type() : -1;

    if (type < 0)
        return;
    if (fadt->flags & FADT_HARDWARE_REDUCED) {
        if (fadt->header.length >= 256 && fadt->sleep_control_space == 0 && fadt->sleep_control)
            *(volatile u8 *)fadt->sleep_control = (u8)(type << 2 | SLEEP_CONTROL_ENABLE);
        else if (fadt->header.length >= 256 && fadt->sleep_control_space == 1)
            outb((u16)fadt->sleep_control, (u8)(type << 2 | SLEEP_CONTROL_ENABLE));
        return;
    }
    outw((u16)fadt->pm1a_control, (u16)(type << SLEEP_TYPE_BIT | SLEEP_ENABLE));
    if (fadt->pm1b_control)
        outw((u16)fadt->pm1b_control, (u16)(type << SLEEP_TYPE_BIT | SLEEP_ENABLE));
}
