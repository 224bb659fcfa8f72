# SPDX-License-Identifier: BSD-2-Clause
"""The options that all types share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """What it is made of, how large, what goes in."""
    from rump.fsutils.copy.changes import add_options as add_change_options

    add = parser.add_argument
    add("-t", "--type", metavar="TYPE", help="ext2, ext3, ext4 (it is, unless said), vfat, fat12, fat16, fat32, exfat, "
        "cd9660, or what else there is a driver for")  # fmt: skip
    add("-d", dest="tree", metavar="TREE", help="fill it with what is in a directory, of the host or of an image "
        "(IMAGE:/DIR), or in a tar archive; - is an archive from standard input")  # fmt: skip
    add("--headroom", metavar="PERCENT|SIZE", help="with SIZE auto: room that is to be left, 10%% or 64M")
    add("--force", action="store_true", help="overwrite whatever is there")
    add("--dry-run", action="store_true", help="say what would be made, and make nothing; but for FAT also -n")
    add("-q", "--quiet", action="store_true", help="say nothing")
    add("--no-sync", dest="sync", action="store_false",
        help="do not wait for the disk; if the host crashes now the image may be lost")  # fmt: skip
    add("image", metavar="IMAGE[@PARTITION]", help="where to")
    add("size", nargs="?", metavar="SIZE", help="bytes, or with a suffix K, M, G, T or s (sectors); auto: as little "
        "as what -d fills in takes; unless given, all there is")  # fmt: skip
    add_change_options(parser)
