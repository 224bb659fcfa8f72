# SPDX-License-Identifier: BSD-2-Clause
"""What a disk image is to be: a TOML file, options of the command line, or both; understood and checked."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

REST = -1
"""A size: whatever is left of the disk."""
SCHEMES = ("gpt", "mbr", "none")
CHANGES = ("owner", "mode", "mtime", "map-uid", "map-gid")   # what all files of a partition get instead of their own


class Copy:
    """Something of the host that goes into a partition.

    source   a directory, whose contents are meant, a file, or a tar archive
    target   the path in the partition
    """

    __slots__ = ("source", "target")

    def __init__(self, source: str, target: str) -> None:
        self.source = source
        self.target = target


class PartitionSpec:
    """A partition to be.

    where      for messages: "partition 2"
    number     its number, or None: the next
    start      bytes, or None: behind the one before
    size       bytes, REST, or None: as large as what is in it
    headroom   how much of a size that is computed stays free: "10%" or a size
    type       as the table's scheme has it, or a word for it; "" goes by the format
    format     of its file system, or ""
    mkfs       more options for making that, as `fsu mkfs` has them
    label      of the file system
    contents   what goes in, in this order
    file       of the host whose bytes are the partition; or ""
    changes    options of `fsu cp` for owners, modes and times of what goes in
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.number: int | None = None
        self.name = ""
        self.type = ""
        self.uuid = ""
        self.start: int | None = None
        self.size: int | None = None
        self.headroom = "10%"
        self.bootable = False
        self.attributes = 0
        self.hybrid = ""
        self.format = ""
        self.mkfs: list[str] = []
        self.label = ""
        self.contents: list[Copy] = []
        self.file = ""
        self.changes: list[str] = []


class Blob:
    """Bytes that lie outside of partitions, such as a boot loader: a file of the host, at an offset."""

    __slots__ = ("file", "offset")

    def __init__(self, file: str, offset: int) -> None:
        self.file = file
        self.offset = offset


class DiskSpec:
    """A disk to be.

    table       "gpt", "mbr" or "none": one file system in the whole image
    size        bytes, or None: as large as it must be
    identity    the disk's GUID, or signature in hexadecimal digits; "" is made up
    boot_code   file with what the MBR boots, or ""
    """

    def __init__(self) -> None:
        self.table = "gpt"
        self.size: int | None = None
        self.sector_size = 512
        self.alignment = 1 << 20
        self.identity = ""
        self.boot_code = ""
        self.partitions: list[PartitionSpec] = []
        self.blobs: list[Blob] = []


def read_file(path: str) -> DiskSpec:
    """The specification in a TOML file; paths in it are relative to its folder.  Errors: UsageError, OSError."""
    import tomllib

    with open(path, "rb") as file:
        data = file.read()
    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    try:
        return from_table(table, os.path.dirname(path))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def from_table(table: dict[str, Any], folder: str = "") -> DiskSpec:
    """A specification from plain values.  Errors: UsageError, naming the place."""
    spec = DiskSpec()
    rows = _tables(table, "partition", "")
    blobs = _tables(table, "raw", "")
    fill_disk(spec, {key: value for key, value in table.items() if key not in ("partition", "raw")}, folder)
    for number, row in enumerate(rows, 1):
        spec.partitions.append(partition(row, number, folder))
    for number, row in enumerate(blobs, 1):
        spec.blobs.append(blob(row, f"raw {number}", folder))
    return spec


def fill_disk(spec: DiskSpec, table: dict[str, Any], folder: str = "") -> None:
    """Set what is said of the disk as a whole.  Errors: UsageError."""
    _fill(spec, table, _disk_keys(folder), "")


def blob(table: dict[str, Any], where: str, folder: str = "") -> Blob:
    """A blob from plain values.  Errors: UsageError."""
    found = Blob("", -1)
    _fill(found, table, {"file": ("file", _path(folder)), "offset": ("offset", _size)}, where)
    if not found.file or found.offset < 0:
        raise UsageError(f"{where}: file and offset are needed")
    return found


def partition(table: dict[str, Any], number: int, folder: str = "") -> PartitionSpec:
    """A partition from plain values."""
    where = f"partition {number}"
    spec = PartitionSpec(where)
    table = dict(table)
    sources = table.pop("from", [])
    for source in [sources] if isinstance(sources, str) else _list(sources, where, "from"):
        spec.contents.append(Copy(_path(folder)(source), "/"))
    for index, row in enumerate(_tables(table, "copy", where), 1):
        copy = Copy("", "")
        keys: Keys = {"from": ("source", _path(folder)), "to": ("target", _target)}
        _fill(copy, row, keys, f"{where}: copy {index}")
        if not copy.source or not copy.target:
            raise UsageError(f"{where}: copy {index}: from and to are needed")
        spec.contents.append(copy)
    table.pop("copy", None)
    for key in CHANGES:
        if key in table:
            spec.changes += [f"--{key}={item}" for item in _strings(table.pop(key), where, key)]
    _fill(spec, table, _partition_keys(folder), where, ("from", "copy", *CHANGES))
    _check(spec)
    return spec


def _check(spec: PartitionSpec) -> None:
    if spec.file and spec.format:
        raise UsageError(f"{spec.where}: either format or file: the file's bytes are the partition")
    if spec.contents and not spec.format:
        raise UsageError(f"{spec.where}: what is to be copied into it needs a format")
    if spec.size is None and not spec.format and not spec.file:
        raise UsageError(f'{spec.where}: nothing is in it to compute a size from; give a size, or "rest"')
    if spec.label and not spec.format:
        raise UsageError(f"{spec.where}: a label is a file system's: format is needed (or name, in a GPT)")


# ---- reading values --------------------------------------------------------------------------------------------------

if TYPE_CHECKING:
    from typing import TypeAlias

    Keys: TypeAlias = dict[str, tuple[str, Callable[[Any], Any]]]


def _disk_keys(folder: str) -> Keys:
    return {
        "table": ("table", _choice(SCHEMES)), "size": ("size", _size), "sector-size": ("sector_size", _sector_size),
        "alignment": ("alignment", _alignment), "id": ("identity", _text), "boot-code": ("boot_code", _path(folder)),
    }  # fmt: skip


def _partition_keys(folder: str) -> Keys:
    return {
        "number": ("number", _number), "name": ("name", _text), "type": ("type", _text), "uuid": ("uuid", _text),
        "start": ("start", _size), "size": ("size", _size_or_rest), "headroom": ("headroom", _text),
        "bootable": ("bootable", _truth), "attributes": ("attributes", _number), "hybrid": ("hybrid", _text),
        "format": ("format", _text), "label": ("label", _text), "mkfs": ("mkfs", _words),
        "file": ("file", _path(folder)),
    }  # fmt: skip


def _fill(thing: object, table: dict[str, Any], keys: Keys, where: str, others: tuple[str, ...] = ()) -> None:
    """Set attributes of a thing; `others` are keys that have been dealt with.  Errors: UsageError - an unknown key, or
    a value that does not do."""
    before = f"{where}: " if where else ""
    for key, value in table.items():
        if key not in keys:
            raise UsageError(f"{before}unknown key {key!r}; there are {', '.join((*keys, *others))}")
        name, read = keys[key]
        try:
            setattr(thing, name, read(value))
        except (ValueError, UsageError) as error:
            raise UsageError(f"{before}{key}: {error}") from None


def _tables(table: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{where}: {key}: tables are wanted" if where else f"{key}: tables are wanted: [[{key}]]")
    return rows


def _list(value: Any, where: str, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError(f"{where}: {key}: text or a list is wanted")
    return value


def _strings(value: Any, where: str, key: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in values):
        raise UsageError(f"{where}: {key}: text is wanted")
    return [str(item) for item in values]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _target(value: Any) -> str:
    path = _text(value)
    if not path.startswith("/"):
        raise ValueError(f"{path!r} does not begin with /")
    return path


def _words(value: Any) -> list[str]:
    """Options, as a list or as a shell would take them apart."""
    if isinstance(value, str):
        from shlex import split

        return split(value)
    if not isinstance(value, list) or not all(isinstance(item, str | int) for item in value):
        raise ValueError("a list of options is wanted")
    return [str(item) for item in value]


def _truth(value: Any) -> bool:
    if value in (True, "yes", "true", "1"):
        return True
    if value in (False, "no", "false", "0"):
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def _number(value: Any) -> int:
    number = value if isinstance(value, int) else int(_text(value), 0)
    if number < 0:
        raise ValueError(f"{number} is below 0")
    return number


def _size(value: Any) -> int:
    from rump.fsutils.making.sizes import parse_size

    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is no size")
    size = value if isinstance(value, int) else parse_size(value)
    if size < 0:
        raise ValueError(f"{size} is below 0")
    return size


def _size_or_rest(value: Any) -> int:
    return REST if value == "rest" else _size(value)


def _sector_size(value: Any) -> int:
    size = _size(value)
    if size not in (512, 1024, 2048, 4096):
        raise ValueError(f"{size}: sectors have 512, 1024, 2048 or 4096 bytes")
    return size


def _alignment(value: Any) -> int:
    size = _size(value)
    if size < 512 or size & (size - 1):
        raise ValueError(f"{size} is no power of two from 512 on")
    return size


def _choice(words: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return str(value)

    return read


def _path(folder: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        path = os.path.join(folder, _text(value)) if _text(value) != "-" else "-"
        if not _text(value):
            raise ValueError("a path is wanted")
        return path

    return read


def from_option(text: str, number: int) -> PartitionSpec:
    """A partition from ``--partition name=efi,type=efi,size=64M,format=vfat,from=esp``; a comma in a value is doubled.

    Errors: UsageError.
    """
    table: dict[str, Any] = {}
    for item in text.replace(",,", "\0").split(","):
        key, equals, value = item.replace("\0", ",").partition("=")
        if not equals and key not in ("bootable",):
            raise UsageError(f"--partition {text}: {item!r} is not KEY=VALUE")
        if key == "from":
            table.setdefault("from", []).append(value)
        else:
            table[key] = value if equals else "yes"
    try:
        return partition(table, number)
    except UsageError as error:
        raise UsageError(f"--partition {text}: {error}") from None
