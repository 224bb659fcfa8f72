# SPDX-License-Identifier: BSD-2-Clause
"""ext2, ext3 and ext4, for writing: loaded only by mounts that write.

    medium       metadata blocks, as they are in the running transaction
    state        what all parts share; counters of the superblock
    inode        inodes while they change
    groups, alloc, alloc_inodes     descriptors and bitmaps; which blocks and inodes are given out
    extents, indirect, maps         block maps that change
    data         reserve, commit_write, allocate, punch, truncate
    directory, htree, entries       names come and go
    xattr, inline                   extended attributes; files that live in their inode
    orphans      inodes to finish deleting after a crash
    volume       the operations
    mount        whether a volume can be written to; recovery; putting the parts together
    marks, superblock_sum, mmp      what the medium says of being mounted, so that nothing can tear it; to whom
    ordered      commits without a journal (with one: `journal.commit`)
"""
