# SPDX-License-Identifier: BSD-2-Clause
"""Volume descriptors (ECMA-119, 8): the primary one, El Torito's boot record, Joliet's supplementary one, the end."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk, disk_boot
from rump.drivers.fs.cd9660.dates import encode7, encode17

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.newfs.options import Wanted
    from rump.drivers.fs.cd9660.writing.hierarchy import Hierarchy
    from rump.kernel.structure import Structure

TEXT_FIELDS = {
    "system": "system-id", "volume": "label", "volume_set": "volume-set", "publisher": "publisher",
    "preparer": "preparer", "application": "application", "copyright_file": "copyright", "abstract_file": "abstract",
    "bibliography_file": "bibliographic",
}  # fmt: skip
"""Fields of the descriptors, and the options they come from."""
JOLIET_LEVEL_3 = disk.JOLIET_ESCAPES[2]


def packed(kind: type[Structure], **values: int | bytes) -> bytes:
    """A structure, from those of its fields that are not zero."""
    fields = [values.pop(name, b"" if code.endswith("s") else 0) for name, code in kind.fields.items()]
    assert not values, values
    return kind.struct.pack(*fields)


class Tables:
    """Where a hierarchy is: sectors of its two path tables, and itself."""

    def __init__(self, hierarchy: Hierarchy, little: int, big: int) -> None:
        self.hierarchy = hierarchy
        self.little = little
        self.big = big


def volume(wanted: Wanted, tables: Tables, sectors: int, time: int, *, joliet: bool) -> bytes:
    """The primary descriptor, or Joliet's, of a volume of so many sectors."""
    root = tables.hierarchy.root
    size, length = root.sectors * disk.SECTOR, tables.hierarchy.path_size
    values: dict[str, int | bytes] = {
        "type": disk.SUPPLEMENTARY if joliet else disk.PRIMARY, "identifier": disk.STANDARD_ID, "version": 1,
        "escapes": JOLIET_LEVEL_3 if joliet else b"", "path_table": tables.little,
        "path_table_be": tables.big.to_bytes(4, "big"), "root_length": disk.RECORD_SIZE + 1,
        "root_date": encode7(root.node.mtime), "root_flags": disk.FILE_DIRECTORY, "root_name_length": 1,
        "created": encode17(time), "modified": encode17(time), "expires": encode17(None), "effective": encode17(None),
        "structure_version": 1,
    }  # fmt: skip
    numbers = {
        "space_size": sectors, "path_table_size": length, "root_extent": root.extent, "root_size": size,
    }  # fmt: skip
    for name, number in numbers.items():
        values[name], values[name + "_be"] = number, number.to_bytes(4, "big")
    for name, number in (("set_size", 1), ("sequence", 1), ("block_size", disk.SECTOR), ("root_sequence", 1)):
        values[name], values[name + "_be"] = number, number.to_bytes(2, "big")
    for name, option in TEXT_FIELDS.items():
        width = int(disk.VolumeDescriptor.fields[name][:-1])
        values[name] = (wide if joliet else narrow)(wanted.texts.get(option, ""), width)
    return packed(disk.VolumeDescriptor, **values)


def narrow(text: str, width: int) -> bytes:
    """A text of a primary descriptor: what is not ASCII becomes "_"."""
    return "".join([letter if " " <= letter <= "~" else "_" for letter in text])[:width].encode().ljust(width)


def wide(text: str, width: int) -> bytes:
    """A text of Joliet's descriptor: UCS-2; the last byte of an odd width is zero."""
    letters = "".join([letter if letter < "\ufffd" and not "\ud800" <= letter < "\ue000" else "_" for letter in text])
    return letters[: width // 2].ljust(width // 2).encode("utf-16-be")


def boot_record(catalog: int) -> bytes:
    """El Torito's: in which sector the boot catalog is."""
    return packed(disk.BootRecord, type=disk.BOOT_RECORD, identifier=disk.STANDARD_ID, version=1,
                  boot_system=disk_boot.BOOT_SYSTEM, catalog=catalog)  # fmt: skip


def terminator() -> bytes:
    """Behind the last."""
    return packed(disk.DescriptorHead, type=disk.TERMINATOR, identifier=disk.STANDARD_ID, version=1)
