# SPDX-License-Identifier: BSD-2-Clause
"""exFAT, for writing: loaded only by mounts that write.

    state       what all parts share
    alloc       clusters given out and taken back, in memory and in the bitmap
    record      the entry set of a file, while it changes
    directory   sets come, change and go; directories grow
    data        reserve, commit_write, allocate, truncate
    links       files come and go, and are renamed
    populate    many files at once
    marks       what the medium says of being mounted
    volume      the operations
    mount       whether a volume can be written to; putting the parts together
"""
