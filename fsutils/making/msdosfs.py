# SPDX-License-Identifier: BSD-2-Clause
"""FAT12, FAT16 and FAT32, with mkfs.fat's letters."""

from __future__ import annotations

import sys

from rump.fsutils.errors import UsageError
from rump.fsutils.making.maker import Maker, counted, derived_uuid, given, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure

SECTOR = 512
MESSAGE_MAX = 1024          # bytes of a message that may matter
_OPTIONS = (
    ("-F", "bits", "12|16|32", "width of the FAT's entries; by the size unless said"),
    ("-n", "label", "LABEL", "the volume's label, at most 11 characters"),
    ("-i", "uuid", "ID", 'the volume\'s number, eight hexadecimal digits, or "random"'),
    ("-S", "sector_size", "BYTES", "size of a sector, 512 unless said"),
    ("-s", "cluster_sectors", "COUNT", "sectors in a cluster"),
    ("-f", "fats", "COUNT", "copies of the FAT; 2 unless said"),
    ("-r", "root_entries", "COUNT", "entries of the root directory (FAT12, FAT16)"),
    ("-R", "reserved_sectors", "COUNT", "sectors before the FAT, at least"),
    ("-b", "backup_sector", "SECTOR", "where the boot sector's copy is, 0 for none (FAT32)"),
    ("-h", "hidden_sectors", "COUNT", "sectors of the disk before the volume"),
    ("-M", "media", "TYPE", "kind of medium: 0xf8, 0xf0 ..."),
    ("-D", "drive", "NUMBER", "the BIOS's number of the drive"),
    ("-g", "geometry", "HEADS/SECTORS", "heads, and sectors in a track"),
)


class Msdosfs(Maker):
    """FAT12, FAT16 and FAT32."""

    title = "vfat, fat12, fat16, fat32 (as mkfs.fat has them)"

    def add_arguments(self, parser: argparse._ActionsContainer) -> None:
        add = parser.add_argument
        for letter, name, value, text in _OPTIONS:
            add(letter, dest=name, metavar=value, help=text)
        add("--codepage", metavar="NUMBER", help="what the label is written in; 850 unless said")
        add("--tz", metavar="+HH:MM", help="how far ahead of UTC the label's time is")
        add("-a", dest="align", action="store_const", const="0", help="do not align to clusters and tracks")
        add("-m", dest="message", metavar="FILE", help="what the boot code prints; - is standard input")
        add("--mbr", dest="mbr", choices=("y", "n", "a"), metavar="y|n|a", help="a partition table, of this volume")
        add("--invariant", action="store_const", const="1", help="a fixed number and time")
        add("-C", dest="creates", action="store_true",
            help="make a new file; a SIZE without a suffix is in KiB")  # fmt: skip
        add("-I", dest="force", action="store_true", help="--force")
        add("-v", dest="verbose", action="store_true", help="accepted; what was made is always said")

    def options(self, arguments: argparse.Namespace) -> dict[str, str]:
        names = tuple([name for _, name, _, _ in _OPTIONS])
        options = given(arguments, (*names, "codepage", "tz", "align", "invariant"))
        if arguments.message is not None:
            options["message"] = _message(arguments.message)
        if arguments.mbr == "y":
            options["mbr"] = "1"
        return options

    def derived(self, options: dict[str, str]) -> dict[str, str]:
        if options.get("uuid", "random") != "random" or "invariant" in options:
            return {}
        return {"uuid": derived_uuid("uuid", options.get("label", ""))[:8]}

    def usual_size(self, size: int) -> int:
        return size

    def measure(self, options: dict[str, str]) -> Measure:
        from rump.fsutils.making.measure_fat import MeasureFat

        return MeasureFat("root_entries" not in options)

    def summary(self, made: dict[str, str]) -> str:
        root = "" if made["root entries"] == "0" else f"; {made['root entries']} entries in the root directory"
        label = " " + quoted(made["label"]) if made["label"] else ""
        fats = counted(made["FATs"], "FAT")
        return (
            f"{made['type']}{label}, number {made['uuid']}: {made['sectors']} sectors of {made['sector size']} bytes, "
            f"{made['reserved sectors']} of them reserved; {fats} of {counted(made['FAT sectors'], 'sector')}"
            f"{root}; {counted(made['clusters'], 'cluster')} of {made['cluster size']} bytes."
        )

    def reproducible(self, options: dict[str, str]) -> dict[str, str]:
        found = super().reproducible(options)
        if "invariant" in options:
            found.pop("time", None)
        return found


def _message(path: str) -> str:
    """What is in a file that -m names."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MESSAGE_MAX)
        else:
            with open(path, "rb") as file:
                data = file.read(MESSAGE_MAX)
    except OSError as error:
        raise UsageError(f"-m {path}: {error.strerror}") from None
    return data.decode("utf-8", "surrogateescape")


MAKER = Msdosfs()
