# SPDX-License-Identifier: BSD-2-Clause
"""Making file systems: what `fsu mkfs` and others share.

    sizes      SIZE, `auto`, --headroom
    maker      what a type has to say for itself: its options, what was made in words, how much room files take
    ext2fs, msdosfs, exfat, cd9660   one maker each
    target     the image or partition that it goes into
    tree       what goes into it: a directory, an archive
    measure    how large it must be for that
    recipe     all of it together
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.making.maker import Maker

KINDS = {
    "ext2": "ext2fs", "ext3": "ext2fs", "ext4": "ext2fs",
    "vfat": "msdosfs", "msdos": "msdosfs", "fat": "msdosfs", "fat12": "msdosfs", "fat16": "msdosfs", "fat32": "msdosfs",
    "exfat": "exfat",
    "cd9660": "cd9660", "iso9660": "cd9660", "iso": "cd9660",
}  # fmt: skip
"""What a type is called -> the module that knows its options."""

USUAL = "ext4"


def maker_of(kind: str) -> Maker:
    """What knows the options of a type; of one that is not known here, what knows of none."""
    if kind not in KINDS:
        from rump.fsutils.making.maker import Maker

        return Maker()
    from importlib import import_module

    found: Maker = import_module(f"rump.fsutils.making.{KINDS[kind]}").MAKER
    return found
