# SPDX-License-Identifier: BSD-2-Clause
"""Making ext2, ext3 and ext4: loaded only when one is made.

    options     what is asked for: options as strings, understood
    layout      how large everything is
    space       what is where: bitmaps, inode tables, and which blocks are taken
    sums        checksums
    files       the first files
    mapping     where the blocks of larger files are
    journal     the log
    quota       quota files
    special     the block of multiple mount protection, the orphan file
    groups      descriptors, bitmaps and tables of all groups
    make        all of it, and the superblock last
"""
