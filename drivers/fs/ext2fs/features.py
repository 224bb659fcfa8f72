# SPDX-License-Identifier: BSD-2-Clause
"""The names of the features, as mke2fs(8), ext4(5) and dumpe2fs(8) spell them."""

from __future__ import annotations

# Bit number -> name, in the order dumpe2fs prints them: compatible, incompatible, read-only compatible.
COMPAT = {
    0: "dir_prealloc", 1: "imagic_inodes", 2: "has_journal", 3: "ext_attr", 4: "resize_inode", 5: "dir_index",
    6: "lazy_bg", 8: "snapshot_bitmap", 9: "sparse_super2", 10: "fast_commit", 11: "stable_inodes", 12: "orphan_file",
}  # fmt: skip
INCOMPAT = {
    0: "compression", 1: "filetype", 2: "needs_recovery", 3: "journal_dev", 4: "meta_bg", 6: "extent", 7: "64bit",
    8: "mmp", 9: "flex_bg", 10: "ea_inode", 12: "dirdata", 13: "metadata_csum_seed", 14: "large_dir",
    15: "inline_data", 16: "encrypt", 17: "casefold",
}  # fmt: skip
RO_COMPAT = {
    0: "sparse_super", 1: "large_file", 3: "huge_file", 4: "uninit_bg", 5: "dir_nlink", 6: "extra_isize",
    7: "snapshot", 8: "quota", 9: "bigalloc", 10: "metadata_csum", 11: "replica", 12: "read-only", 13: "project",
    14: "shared_blocks", 15: "verity", 16: "orphan_present",
}  # fmt: skip


def names(compat: int, incompat: int, ro_compat: int) -> list[str]:
    """The names of the bits set; unknown ones as FEATURE_C7 (I7, R7)."""
    sets = ((compat, COMPAT, "C"), (incompat, INCOMPAT, "I"), (ro_compat, RO_COMPAT, "R"))
    return [table.get(bit, f"FEATURE_{letter}{bit}") for mask, table, letter in sets for bit in range(32)
            if mask >> bit & 1]  # fmt: skip
