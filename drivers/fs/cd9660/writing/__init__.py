# SPDX-License-Identifier: BSD-2-Clause
"""Filling a new volume, which is written once: loaded only by mounts that do.

While the volume is mounted its tree is in memory; what files hold goes straight to the medium, one behind the other.
When it is unmounted directories and descriptors are written, the descriptors last: until then the medium shows the
empty volume that `newfs` made.

    mount       whether a volume may be filled
    volume      the operations
    tree        files and their names, in memory
    space       which sectors are taken
    contents    where the bytes of files go
    publish     the outcome: everything that is not a file's contents, and the descriptors last
    hierarchy   directories of ISO 9660 or of Joliet: names, order, records, path tables
    relocation  directories too deep for ISO 9660
    identifiers names as ISO 9660 and Joliet have them
    rockridge   names and attributes as POSIX has them
    boot        El Torito
    hybrid      partition tables
    descriptors volume descriptors
"""
