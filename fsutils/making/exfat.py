# SPDX-License-Identifier: BSD-2-Clause
"""exFAT, with mkfs.exfat's letters."""

from __future__ import annotations

from rump.fsutils.making.maker import Maker, counted, derived_uuid, given, quoted
from rump.fsutils.making.sizes import parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure

_SIZES = ("sector_size", "cluster_size", "boundary")


class Exfat(Maker):
    """exFAT."""

    title = "exfat (as mkfs.exfat has them)"

    def add_arguments(self, parser: argparse._ActionsContainer) -> None:
        add = parser.add_argument
        add("-L", "--volume-label", dest="label", metavar="LABEL", help="the volume's label, at most 11 characters")
        add("-U", "--volume-guid", dest="guid", metavar="GUID", help="a volume GUID; none unless given")
        add("-i", "--volume-serial", dest="uuid", metavar="ID",
            help='the volume\'s number, eight hexadecimal digits, or "random"')  # fmt: skip
        add("-c", "--cluster-size", metavar="SIZE", help="size of a cluster: a sector to 32M, a power of two")
        add("-b", "--boundary-align", dest="boundary", metavar="SIZE",
            help="FAT and clusters begin at a multiple of this; 1M unless said")  # fmt: skip
        add("-s", "--sector-size", metavar="BYTES", help="size of a sector, 512 unless said")
        add("--pack-bitmap", action="store_true", help="the bitmap lies behind the FAT, before the boundary")
        add("-f", "--full-format", action="store_true", help="write zeros everywhere")
        add("-n", dest="dry_run", action="store_true", help="--dry-run")

    def options(self, arguments: argparse.Namespace) -> dict[str, str]:
        options = given(arguments, ("label", "guid", "uuid"))
        options |= {name: str(parse_size(text)) for name, text in given(arguments, _SIZES).items()}
        for name in ("pack_bitmap", "full_format"):
            if getattr(arguments, name):
                options[name] = "1"
        return options

    def derived(self, options: dict[str, str]) -> dict[str, str]:
        if options.get("uuid", "random") != "random":
            return {}
        return {"uuid": derived_uuid("uuid", options.get("label", ""))[:8]}

    def reproducible(self, options: dict[str, str]) -> dict[str, str]:
        found = super().reproducible(options)
        found.pop("time", None)         # nothing in it has a time
        return found

    def usual_size(self, size: int) -> int:
        return size

    def measure(self, options: dict[str, str]) -> Measure:
        from rump.fsutils.making.measure_fat import MeasureExfat

        return MeasureExfat("guid" in options, int(options.get("sector_size", "512")))

    def summary(self, made: dict[str, str]) -> str:
        label = " " + quoted(made["label"]) if made["label"] else ""
        return (
            f"{made['type']}{label}, number {made['uuid']}: {counted(made['clusters'], 'cluster')} of "
            f"{made['cluster size']} bytes from byte {made['heap offset']} on, the FAT at {made['FAT offset']}; "
            f"sectors of {made['sector size']} bytes."
        )


MAKER = Exfat()
