# SPDX-License-Identifier: BSD-2-Clause
"""ISO 9660 with Rock Ridge, Joliet and El Torito, with the letters of mkisofs (genisoimage, xorrisofs)."""

from __future__ import annotations

from rump.fsutils.making.maker import Maker, given, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure

_TEXTS = (
    (("-V", "-volid", "--label"), "label", "LABEL", "the volume's name, at most 32 characters"),
    (("-sysid",), "system-id", "TEXT", "the system that it is for"),
    (("-volset",), "volume-set", "TEXT", "the set that it belongs to"),
    (("-P", "-publisher"), "publisher", "TEXT", "who published it"),
    (("-p", "-preparer"), "preparer", "TEXT", "who made it"),
    (("-A", "-appid"), "application", "TEXT", "the program that made it"),
    (("-copyright",), "copyright", "PATH", "the file in it about copyrights"),
    (("-abstract",), "abstract", "PATH", "the file in it with an abstract"),
    (("-biblio",), "bibliographic", "PATH", "the file in it with bibliographic notes"),
    (("-iso-level",), "level", "1|2|3", "the standard's level; 3 unless said, with files of any size"),
    (("-b", "-eltorito-boot"), "boot", "PATH", "the file in it that a BIOS boots"),
    (("-e", "--efi-boot"), "efi", "PATH", "the file in it, a FAT image, that UEFI boots"),
    (("-c", "-eltorito-catalog"), "boot-catalog", "PATH", "where the boot catalog is seen; unless said nowhere"),
    (("-boot-load-size",), "boot-load-size", "COUNT", "sectors of 512 bytes that the BIOS loads (4), or full"),
    (("-boot-load-seg",), "boot-load-segment", "NUMBER", "where it loads them"),
    (("-isohybrid-mbr",), "mbr", "PATH", "the file in it whose code goes to the boot sector"),
    (("--hybrid",), "hybrid", "mbr|gpt|both", "a partition table, with the EFI image for a partition"),
    (("--pad",), "pad", "SECTORS", "zeros at the end, in sectors of 2048 bytes"),
)
_SWITCHES = (
    (("--no-rock-ridge",), "rockridge", "0", "no Rock Ridge: names, links, owners of POSIX"),
    (("--no-joliet",), "joliet", "0", "no Joliet: names in Unicode"),
    (("-joliet-long",), "joliet-long", "1", "Joliet names of 103 characters, not 64"),
    (("-D", "-disable-deep-relocation"), "allow-deep", "1", "deep directories stay where they are"),
    (("-no-emul-boot",), "boot-emulation", "none", "the BIOS boots the file as it is; so it is unless said"),
    (("-hard-disk-boot",), "boot-emulation", "hd", "the file is an image of a hard disk"),
    (("-floppy-boot",), "boot-emulation", "floppy", "the file is an image of a floppy"),
    (("-boot-info-table",), "boot-info-table", "1", "tell the boot file where it is, as isolinux and GRUB want it"),
    (("--grub2-boot-info",), "grub2-boot-info", "1", "the same in GRUB 2's other way"),
)
_ACCEPTED = ("-R", "-rock", "-J", "-joliet", "-eltorito-alt-boot")
RATIONAL = "a+rX,a-w,ug-s"


class Cd9660(Maker):
    """ISO 9660."""

    title = "cd9660 (as mkisofs has them)"
    grows = True

    def add_arguments(self, parser: argparse._ActionsContainer) -> None:
        add = parser.add_argument
        for letters, name, value, text in _TEXTS:
            add(*letters, dest=name, metavar=value, help=text)
        for letters, name, constant, text in _SWITCHES:
            add(*letters, dest=name, action="store_const", const=constant, help=text)
        add("-r", "-rational-rock", dest="rational", action="store_true",
            help=f"files as all may read them: --owner 0:0 --mode {RATIONAL}")  # fmt: skip
        add(*_ACCEPTED, dest="accepted", action="store_true", help="accepted; so it is anyway")
        add("-n", dest="dry_run", action="store_true", help="--dry-run")

    def options(self, arguments: argparse.Namespace) -> dict[str, str]:
        if arguments.rational:
            arguments.owner = arguments.owner or "0:0"
            arguments.mode = arguments.mode or RATIONAL
        names = [name for _, name, _, _ in _TEXTS] + [name for _, name, _, _ in _SWITCHES]
        return given(arguments, tuple(dict.fromkeys(names)))

    def mounting(self, options: dict[str, str], measure: Measure | None) -> dict[str, str]:
        found = {"author": "", **options}
        if measure is not None:
            found["expect"] = f"{measure.files}:{measure.directories}:{measure.text}"
        return found

    def measure(self, options: dict[str, str]) -> Measure:
        from rump.fsutils.making.measure import Measure

        return Measure()

    def summary(self, made: dict[str, str]) -> str:
        label = " " + quoted(made["label"]) if made.get("label") else ""
        features = f" with {made['features']}" if made.get("features") else ""
        return f"{made['type']}{label}{features}."


MAKER = Cd9660()
