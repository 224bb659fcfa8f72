# SPDX-License-Identifier: BSD-2-Clause
"""Make a whole disk image: a partition table, and partitions with file systems filled from directories or archives.

What is to be made is said in a TOML file, by options, or both.  Sizes that are not given are computed from what goes
in.  With SOURCE_DATE_EPOCH in the environment the outcome is reproducible, byte for byte.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import ImageError, UsageError, reason
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.disk_image.layout import Layout
    from rump.fsutils.disk_image.spec import DiskSpec

OPERANDS = "[-f SPEC.toml] [-p KEY=VALUE,...] IMAGE"
_DISK = ("table", "size", "sector_size", "alignment", "id", "boot_code")

EXAMPLES = """\
fsu mkimage -f disk.toml disk.img
    with this in disk.toml:

        table = "gpt"
        size = "2G"

        [[partition]]
        name = "efi"
        type = "efi"
        size = "64M"
        format = "vfat"
        label = "EFI"
        from = "esp/"

        [[partition]]
        name = "root"
        type = "root-x86-64"
        size = "rest"
        format = "ext4"
        label = "root"
        from = ["rootfs.tar.xz", "overlay/"]
        owner = "0:0"

fsu mkimage -p name=efi,type=efi,size=64M,format=vfat,from=esp -p name=root,format=ext4,from=rootfs disk.img
    the same by options; the second partition becomes as large as it must be, and a tenth of that

fsu mkimage --table mbr -p format=fat32,label=BOOT,from=boot,bootable --raw u-boot.bin@8K card.img
    an SD card with a boot loader outside of partitions
"""

RELATED = ("mkfs", "part")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("-f", "--file", metavar="SPEC.toml", help="what is to be made; options go before what it says")
    add("-p", "--partition", metavar="KEY=VALUE,...", action="append", default=[],
        help="a partition, behind those of the file: name, type, size (or rest), start, number, format, label, from, "
        "file, mkfs, headroom, bootable, uuid, attributes, hybrid, owner, mode, mtime")  # fmt: skip
    add("--table", choices=("gpt", "mbr", "none"), help="the partition table; gpt unless said")
    add("--size", metavar="SIZE", help="of the disk; unless said as large as it must be")
    add("--sector-size", metavar="BYTES", help="512 unless said")
    add("--alignment", metavar="SIZE", help="where partitions begin; 1M unless said")
    add("--id", metavar="ID", help="the disk's GUID, or the signature of its MBR in hexadecimal digits")
    add("--boot-code", metavar="FILE", help="what the first sector boots, its first 440 bytes")
    add("--raw", metavar="FILE@OFFSET", action="append", default=[], help="a file outside of partitions: a boot loader")
    add("--force", action="store_true", help="overwrite an image that is there")
    add("--dry-run", action="store_true", help="say where everything would be, and make nothing")
    add("-q", "--quiet", action="store_true", help="say nothing")
    add("--no-sync", dest="sync", action="store_false",
        help="do not wait for the disk; if the host crashes now the image may be lost")  # fmt: skip
    add("image", metavar="IMAGE", help="the file to be made")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make the image."""
    try:
        spec = _spec(arguments)
    except OSError as error:
        command.fail(arguments.file, error)
        return command.status
    from rump.fsutils.disk_image.build import Build

    path = arguments.image
    build = Build(command, spec, path)
    try:
        if os.path.lexists(path) and not arguments.force and not arguments.dry_run:
            raise ImageError("is there already; --force overwrites it", e.EEXIST)
        if os.path.lexists(path) and not os.path.isfile(path):
            raise ImageError("is no regular file", e.EINVAL)
        layout = build.plan()
        if not arguments.dry_run:
            build.run()
    except OSError as error:
        command.fail("" if reason(error).startswith("partition ") else path, error)
    finally:
        build.close()
    if not command.status and not command.interrupted and not arguments.quiet:
        command.out.write(_told(layout, spec, path, arguments.dry_run).encode("utf-8", "replace"))
    return command.status


def _spec(arguments: argparse.Namespace) -> DiskSpec:
    """What is asked for.  Errors: UsageError, OSError."""
    from rump.fsutils.disk_image import spec as s

    spec = s.read_file(arguments.file) if arguments.file else s.DiskSpec()
    given = {name.replace("_", "-"): getattr(arguments, name) for name in _DISK if getattr(arguments, name) is not None}
    s.fill_disk(spec, given)
    for text in arguments.partition:
        spec.partitions.append(s.from_option(text, len(spec.partitions) + 1))
    for text in arguments.raw:
        file, at, offset = text.rpartition("@")
        if not at:
            raise UsageError(f"--raw {text}: not FILE@OFFSET")
        spec.blobs.append(s.blob({"file": file, "offset": offset}, f"--raw {text}"))
    if not spec.partitions and not spec.blobs:
        raise UsageError("nothing is to be made: give -f SPEC.toml or -p KEY=VALUE,...")
    return spec


def _told(layout: Layout, spec: DiskSpec, path: str, dry_run: bool) -> str:
    """What was made, in a table."""
    from rump.fsutils.names import shown
    from rump.fsutils.part import columns
    from rump.kernel.dev.partitions.table import human_size

    unit = spec.sector_size
    scheme = {"gpt": "GPT", "mbr": "MBR", "none": "no partition table"}[spec.table]
    rows = [["@", "Start", "End", "Size", "Format", "Label", "Name"]]
    rows += [
        [str(row.number), str(row.start // unit), str((row.start + row.size) // unit - 1), human_size(row.size),
         part.format or (shown(os.path.basename(part.file)) if part.file else "-"), shown(part.label), shown(part.name)]
        for part, row in zip(spec.partitions, layout.rows, strict=True)
    ]  # fmt: skip
    head = f"{shown(path)}: {'would be ' * dry_run}{human_size(layout.size)}, {scheme}"
    return "\n".join([head, *columns(rows, right=(1, 2, 3))]) + "\n"
