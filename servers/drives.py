# SPDX-License-Identifier: BSD-2-Clause
"""Drives of a server: host files as block devices of its kernel, described as the original's rump_server has it.

    key=/dev/disk0,hostpath=disk.img,size=host
    key=/dev/root,hostpath=disk.img,disklabel=a
    key=/dev/new,hostpath=new.img,size=64m,offset=1m,type=blk
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.init import Kernel

KEYS = ("key", "hostpath", "size", "disklabel", "offset", "type", "ro")
SUFFIXES = {"b": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class DriveError(ValueError):
    """A description that makes no sense; the text says why."""


class Drive:
    """One description, taken apart.

    size        bytes; None: to the end of the host file
    disklabel   the letter of a partition, or ""
    read_only   (`ro`, not the original's) nothing is written to it
    """

    def __init__(self, text: str) -> None:
        values = _taken_apart(text)
        for name in ("key", "hostpath"):
            if not values.get(name):
                raise DriveError(f"{text}: {name}= is missing")
        self.key = os.fsencode(values["key"])
        self.host_path = os.path.abspath(os.fsencode(values["hostpath"]))
        self.read_only = "ro" in values
        self.disklabel = values.get("disklabel", "")
        if not self.key.startswith(b"/"):
            raise DriveError(f"{text}: the key is not an absolute path")
        if values.get("type", "blk") != "blk":
            raise DriveError(f"{text}: type={values['type']}: only block devices are made")
        if ("size" in values) == ("disklabel" in values):
            raise DriveError(f"{text}: one of size= and disklabel= is needed")
        if self.disklabel and ("offset" in values or len(self.disklabel) != 1 or not "a" <= self.disklabel <= "z"):
            raise DriveError(f"{text}: disklabel= is one letter, and stands alone")
        self.offset = amount(values.get("offset", "0"))
        size = values.get("size", "host")
        self.size = None if size == "host" else amount(size)

    def attach(self, kernel: Kernel) -> None:
        """Make the device.  Errors: OSError; DriveError - no such partition."""
        if self.size is not None and not self.read_only:
            _extend(self.host_path, self.offset + self.size)
        offset, size = self._partition(kernel) if self.disklabel else (self.offset, self.size)
        kernel.etfs_register(self.key, self.host_path, offset=offset, size=size, read_only=self.read_only)

    def _partition(self, kernel: Kernel) -> tuple[int, int]:
        """Where the partition lies, in bytes."""
        from rump.kernel.dev.partitions.selection import choose

        kernel.etfs_register(self.key, self.host_path)
        try:
            table = kernel.partitions(self.key)
            if table is None:
                raise DriveError(f"{os.fsdecode(self.host_path)}: no partition table")
            found = choose(table, self.disklabel, None)
            return found.start, found.size
        finally:
            kernel.etfs_remove(self.key)


def _taken_apart(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in KEYS or name in values:
            raise DriveError(f"{text}: {name}: {'given twice' if name in values else 'unknown'}")
        values[name] = value
    return values


def amount(text: str) -> int:
    """Bytes, with a suffix of b (512), k, m, g or t.  Errors: DriveError."""
    number, unit = (text[:-1], SUFFIXES[text[-1].lower()]) if text and text[-1].lower() in SUFFIXES else (text, 1)
    if not number.isascii() or not number.isdigit():
        raise DriveError(f"{text}: not a number of bytes")
    return int(number) * unit


def _extend(path: bytes, size: int) -> None:
    """The file is made, or made longer, to have that size."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        if os.lseek(descriptor, 0, os.SEEK_END) < size:
            os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)
