# SPDX-License-Identifier: BSD-2-Clause
"""What FAT and exFAT have in common.  No driver: `msdosfs` and `exfat` build on it.

    chains     tables of clusters: chains as extents
    times      dates and times of MS-DOS
    options    mount options
    claims     who has which clusters, for a check
  and of volumes that are written to:
    stages     what reaches the device before what
    revision   caches of what was derived from blocks, when operations are rolled back
    table      chains that change
    space      clusters given out and taken back
    places     files' numbers, where the format has none
"""
