# SPDX-License-Identifier: BSD-2-Clause
"""Looking over all of a cd9660 volume: loaded only when one is checked.

    check         the passes, one after the other
    descriptors   volume descriptors, the boot catalog
    state         what one pass finds and the next needs
    trees         every directory of a tree, and what its records say
    uses          system use fields: Rock Ridge
    paths         path tables
    overlaps      who has which blocks
"""
