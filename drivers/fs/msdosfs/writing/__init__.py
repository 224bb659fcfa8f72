# SPDX-License-Identifier: BSD-2-Clause
"""FAT volumes, for writing: loaded only by mounts that write.

    state       what all parts share
    entries     directory entries of files, found by their numbers
    names       what names may be, and short names for long ones
    directory   names come and go
    alloc       clusters taken, zeroed and given up
    data        contents of regular files
    links       files made, removed and renamed
    populate    many new files at once
    attributes  what can be changed of a file
    marks       that the volume is in use; counters of FAT32
    volume      the operations
    mount       whether a volume can be written to; putting the parts together
"""
