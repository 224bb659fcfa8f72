# SPDX-License-Identifier: BSD-2-Clause
"""A file's attributes as directories are listed with them, from what stat says; and modes in letters."""

from __future__ import annotations

from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT, S_ISGID, S_ISUID, S_ISVTX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.volume import Attributes

SECTOR = 512            # what st_blocks counts in
UNKNOWN_TIME = -(1 << 90)               # a time that could not be read
_TYPES = {0o010000: "p", 0o020000: "c", 0o040000: "d", 0o060000: "b", 0o100000: "-", 0o120000: "l", 0o140000: "s"}


def of(stat: Stat) -> Attributes:
    """What stat says, as a row of a directory has it."""
    return (
        stat.st_ino, stat.st_gen, stat.st_mode, stat.st_nlink, stat.st_uid, stat.st_gid, stat.st_rdev, stat.st_size,
        stat.st_blocks * SECTOR, stat.st_atime_ns, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_birthtime_ns,
        stat.st_flags,
    )  # fmt: skip


def is_directory(mode: int) -> bool:
    return mode & S_IFMT == S_IFDIR


def is_link(mode: int) -> bool:
    return mode & S_IFMT == S_IFLNK


def letters(mode: int) -> str:
    """A mode as ls shows it.

    >>> letters(0o100644), letters(0o041777), letters(0o104711), letters(0o102640), letters(0o120777)
    ('-rw-r--r--', 'drwxrwxrwt', '-rws--x--x', '-rw-r-S---', 'lrwxrwxrwx')
    """
    if mode < 0:
        return "?" * 10
    bits = [letter if mode >> 8 - place & 1 else "-" for place, letter in enumerate("rwxrwxrwx")]
    for special, place, letter in ((S_ISUID, 2, "s"), (S_ISGID, 5, "s"), (S_ISVTX, 8, "t")):
        if mode & special:
            bits[place] = letter if bits[place] == "x" else letter.upper()
    return _TYPES.get(mode & S_IFMT, "?") + "".join(bits)
