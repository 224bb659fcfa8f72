# SPDX-License-Identifier: BSD-2-Clause
"""Looking over all of a FAT file system, changing nothing: loaded only when one is checked.

    check         the passes, one after the other
    boot          the boot sector, its copy, FSInfo, marks of a volume in use
    state         what one pass finds and the next needs
    directories   every directory, and the chains that its entries lead to
    entries       what is in a directory: short names, long names, what is left over
    tables        the file allocation tables: whether they agree, what they have that nobody has
"""
