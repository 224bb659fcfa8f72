# SPDX-License-Identifier: BSD-2-Clause
"""Looking over all of an exFAT file system, changing nothing: loaded only when one is checked.

    check         the passes, one after the other
    boot          the boot regions, marks of a volume in use
    state         what one pass finds and the next needs
    special       what the root directory says of the volume: bitmaps, the up-case table, label, GUID
    directories   every directory, and the clusters that its entries lead to
    sets          what is in a directory: sets of entries, what is left over
    bitmaps       the bitmaps of clusters in use
"""
