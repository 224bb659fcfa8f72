# SPDX-License-Identifier: BSD-2-Clause
"""Who uses a file or device where no lock shows it: loop devices, swap, mounts, devices stacked on a device.

Read from sysfs and procfs, as the kernel's Documentation/ABI (sysfs-block, sysfs-block-loop) and proc(5) describe them.
A file is known by device and inode, a block device by its number: names may differ.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    Identity: TypeAlias = tuple[int, int]

SYS = "/sys"
PROC = "/proc"
_BLOCK = -1             # stands for the file system of an identity that is a block device's number
_DELETED = " (deleted)"


def user_of(status: os.stat_result, sys: str = SYS, proc: str = PROC) -> str:
    """Who uses the file with that status; `sys` and `proc` are where those file systems are."""
    one = _identity(status)
    if one is None:
        return ""
    them = _related(one, sys) if one[0] == _BLOCK else {one}
    users = (_loops(them, sys), _swap(them, proc), _mounts(them, proc), _holders(them, sys))
    return next((user for found in users for user in found), "")


def _identity(status: os.stat_result) -> Identity | None:
    if stat.S_ISBLK(status.st_mode):
        return _BLOCK, status.st_rdev
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _identity_of(path: str) -> Identity | None:
    try:
        return _identity(os.stat(path))
    except (OSError, ValueError):
        return None


def _related(device: Identity, sys: str) -> set[Identity]:
    """A block device, its partitions, and the disk that it is a partition of."""
    number = device[1]
    folder = f"{sys}/dev/block/{os.major(number)}:{os.minor(number)}"
    related = {device}
    for name in _list(folder):
        if os.path.exists(f"{folder}/{name}/partition"):
            related.add(_number(_line(f"{folder}/{name}/dev")))
    if os.path.exists(f"{folder}/partition"):
        related.add(_number(_line(f"{os.path.realpath(folder)}/../dev")))
    return related


def _loops(them: set[Identity], sys: str) -> Iterator[str]:
    for name in _list(f"{sys}/block"):
        if name.startswith("loop"):
            path = _line(f"{sys}/block/{name}/loop/backing_file")
            if path and (_identity_of(path) or _identity_of(path.removesuffix(_DELETED))) in them:
                yield f"loop device /dev/{name}"


def _swap(them: set[Identity], proc: str) -> Iterator[str]:
    for line in _lines(f"{proc}/swaps")[1:]:
        if line and _identity_of(_unescaped(line.split()[0])) in them:
            yield "swap"


def _mounts(them: set[Identity], proc: str) -> Iterator[str]:
    """By device number; some file systems (btrfs) have one of their own there, so by the source, too."""
    devices = {number for kind, number in them if kind == _BLOCK}
    for line in _lines(f"{proc}/self/mountinfo") if devices else ():
        before, _, behind = line.partition(" - ")
        fields, rest = before.split(), behind.split()
        if len(fields) < 5 or len(rest) < 2:
            continue
        source = _unescaped(rest[1])
        if _number(fields[2])[1] in devices or (source.startswith("/") and _identity_of(source) in them):
            yield f"mounted on {fields[4]}"


def _holders(them: set[Identity], sys: str) -> Iterator[str]:
    """Device mapper, MD and the like."""
    for kind, number in sorted(them):
        if kind == _BLOCK:
            for name in _list(f"{sys}/dev/block/{os.major(number)}:{os.minor(number)}/holders"):
                yield f"device {name}"


def _number(text: str) -> Identity:
    """Of "major:minor"; anything else is a device that nobody has."""
    major, _, minor = text.partition(":")
    return (_BLOCK, os.makedev(int(major), int(minor))) if major.isdecimal() and minor.isdecimal() else (_BLOCK, -1)


def _unescaped(text: str) -> str:
    """procfs writes blanks and backslashes of names as three octal digits."""
    first, *others = text.split("\\")
    return first + "".join([chr(int(part[:3], 8)) + part[3:] for part in others if part[:3].isdecimal()])


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _line(path: str) -> str:
    return next(iter(_lines(path)), "")


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().split("\n")
    except OSError:
        return []
