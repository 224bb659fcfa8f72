# SPDX-License-Identifier: BSD-2-Clause
"""Making FAT12, FAT16 and FAT32: loaded only when one is made.

    options   what is asked for: options as strings, understood
    layout    how large everything is
    boot      the boot sector: parameters, code, partition table
    make      all of it, and the boot sector last
"""
