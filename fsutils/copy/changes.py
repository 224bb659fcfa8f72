# SPDX-License-Identifier: BSD-2-Clause
"""Attributes that a tree gets in place of its own: --owner, --map-uid, --map-gid, --mtime, --mode."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT
from rump.kernel.vfs.volume import ATIME, GID, MODE, MTIME, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.copy.options import Keep
    from rump.fsutils.modes import ModeChange
    from rump.kernel.vfs.volume import Attributes

MOST = 0xFFFFFFFE       # the highest number that a user or group can have


class Changes:
    """Made of the options; an instance is what a source's `change` is.

    epoch   times later than this become it, and access times - which the mere reading of the source changes - become
            modification times; None: they are kept
    """

    def __init__(self) -> None:
        self.uid: int | None = None
        self.gid: int | None = None
        self.uids: list[tuple[int, int, int]] = []
        self.gids: list[tuple[int, int, int]] = []
        self.mtime: int | None = None
        self.mode: ModeChange | None = None
        self.epoch: int | None = None

    def __bool__(self) -> bool:
        return bool(self.owner or self.mode is not None or self.mtime is not None or self.epoch is not None)

    @property
    def owner(self) -> bool:
        """Whether owners are changed."""
        return self.uid is not None or self.gid is not None or bool(self.uids or self.gids)

    def applied_to(self, keep: Keep) -> None:
        """What is changed is not left to the target's habits."""
        keep.owner = keep.owner or self.owner
        keep.mode = keep.mode or self.mode is not None
        keep.times = keep.times or self.mtime is not None

    def __call__(self, attributes: Attributes) -> Attributes:
        row = list(attributes)
        row[UID] = mapped(row[UID], self.uids) if self.uid is None else self.uid
        row[GID] = mapped(row[GID], self.gids) if self.gid is None else self.gid
        if self.mode is not None and row[MODE] & S_IFMT != S_IFLNK:
            kind = row[MODE] & S_IFMT
            row[MODE] = kind | self.mode(row[MODE], kind == S_IFDIR)
        if self.mtime is not None:
            row[ATIME] = row[MTIME] = self.mtime
        if self.epoch is not None:
            row[ATIME] = row[MTIME] = min(row[MTIME], self.epoch)
        return tuple(row)  # type: ignore[return-value]     # of the same length


def mapped(number: int, ranges: list[tuple[int, int, int]]) -> int:
    """A number in the first of some ranges (from, to, count) that has it; itself if none has.

    >>> mapped(1005, [(1000, 0, 10)]), mapped(5, [(1000, 0, 10)])
    (5, 5)
    """
    for begin, to, count in ranges:
        if begin <= number < begin + count:
            return to + number - begin
    return number


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that make changes."""
    add = parser.add_argument_group("what the copies get instead of what the files have").add_argument
    add("--owner", metavar="UID[:GID]", help="all belong to this user (and group)")
    add("--map-uid", metavar="A:B[:COUNT]", action="append", default=[],
        help="users A, A+1 ... become B, B+1 ...; COUNT of them, 1 unless given")  # fmt: skip
    add("--map-gid", metavar="A:B[:COUNT]", action="append", default=[], help="the same for groups")
    add("--mtime", metavar="DATE|@SECONDS", help="all were modified (and read) at this time")
    add("--mode", metavar="CHANGES", help="permissions, as chmod has them: 644, u+rwX,go-w")


def read_options(arguments: argparse.Namespace, now: int) -> Changes:
    """What the options say.  Errors: UsageError."""
    changes = Changes()
    if arguments.owner is not None:
        uid, _, gid = arguments.owner.partition(":")
        changes.uid = _number("--owner", uid) if uid else None
        changes.gid = _number("--owner", gid) if gid else None
    changes.uids = [_range("--map-uid", text) for text in arguments.map_uid]
    changes.gids = [_range("--map-gid", text) for text in arguments.map_gid]
    try:
        if arguments.mtime is not None:
            from rump.fsutils.moments import parse

            changes.mtime = parse(arguments.mtime, now)
        if arguments.mode is not None:
            from rump.fsutils.modes import ModeChange

            changes.mode = ModeChange(arguments.mode)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from None
    return changes


def _number(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:11]) > MOST:
        raise UsageError(f"{option} {text}: not a number from 0 to {MOST}")
    return int(text)


def _range(option: str, text: str) -> tuple[int, int, int]:
    fields = text.split(":")
    if len(fields) not in (2, 3):
        raise UsageError(f"{option} {text}: write A:B or A:B:COUNT")
    numbers = [_number(option, field) for field in fields]
    begin, to, count = numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 1
    if to + count - 1 > MOST:
        raise UsageError(f"{option} {text}: beyond {MOST}")
    return begin, to, count
