# SPDX-License-Identifier: BSD-2-Clause
"""Looking over all of an ext2, ext3 or ext4, changing nothing: loaded only when one is checked.

    check         the passes, one after the other
    state         what one pass finds and the next needs
    inodes        pass 1: each inode, its map, its attributes; who has which blocks
    maps          all blocks of a file, those of its map too
    directories   pass 2: entries, and what they lead to
    trees         hash trees: whether every name can be found
    counts        pass 3: whether all can be reached, links; pass 4: bitmaps and counters

Usage by quota is not checked.
"""
