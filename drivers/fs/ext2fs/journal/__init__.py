# SPDX-License-Identifier: BSD-2-Clause
"""The journal (jbd2).

    log         the ring of blocks: its superblock, where it is on the device, its checksums
    recovery    what a log says, and putting it into place
    overlay     the device as it would be after recovery, for reading
    commit      transactions are written; loaded only by mounts that write
"""
