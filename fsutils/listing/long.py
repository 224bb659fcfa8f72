# SPDX-License-Identifier: BSD-2-Clause
"""Long lines.  The work is by column and directory; what repeats - modes, owners, dates - is formatted once."""

from __future__ import annotations

from operator import itemgetter

from rump.fsutils import attributes, dates, sizes
from rump.kernel import abi
from rump.kernel.vfs.volume import FILEID, FLAGS, GID, MODE, RDEV, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from rump.fsutils.listing.entries import Entry
    from rump.fsutils.listing.naming import Naming
    from rump.fsutils.owners import Owners
    from rump.kernel.vfs.volume import Attributes

    Kind: TypeAlias = tuple[int, ...]     # mode, links, user, group

LIMIT = 20000           # leads kept
FEW = 8                 # kinds of files in a usual directory
_ROW = itemgetter(2)                        # of an entry
_KIND = itemgetter(slice(MODE, GID + 1))    # of a row
_SIZE = itemgetter(SIZE)
_DEVICES = (abi.S_IFCHR, abi.S_IFBLK)


class Leads(dict["Kind", bytes]):
    """The first columns - mode, links, user, group - of all files that have these alike, in given widths."""

    def __init__(self, links: int, user: int, group: int, owners: Owners, o: argparse.Namespace) -> None:
        super().__init__()
        self._widths = links, user, group
        self._owners = owners
        self._show_user, self._show_group = not o.no_owner, not o.no_group

    def __missing__(self, key: Kind) -> bytes:
        mode, links, uid, gid = key
        words = [attributes.letters(mode), number(links).rjust(self._widths[0])]
        if self._show_user:
            words.append(_justified(self._owners.user(uid), self._widths[1]))
        if self._show_group:
            words.append(_justified(self._owners.group(gid), self._widths[2]))
        text = self[key] = " ".join(words).encode("utf-8", "surrogateescape")
        return text


def number(value: int) -> str:
    """A number, or ``?`` for what could not be read."""
    return str(value) if value >= 0 else "?"


def _justified(name: str, width: int) -> str:
    """Numbers to the right, names to the left."""
    if name == "-1":
        name = "?"
    return name.rjust(width) if name.isdigit() else name.ljust(width)


class LongFormat:
    """Makes the lines of `ls -l`."""

    def __init__(self, o: argparse.Namespace, naming: Naming, owners: Owners) -> None:
        self._options = o
        self._naming = naming
        self._owners = owners
        self._dates = dates.in_style(o.time_style)
        self._leads: dict[tuple[int, int, int], Leads] = {}
        self._usual: dict[frozenset[Kind], tuple[Leads, bool]] = {}     # of directories with files of a few kinds

    def lines(self, entries: Sequence[Entry], targets: dict[bytes, bytes]) -> list[bytes]:
        """A line for each entry; `targets` are those of the symbolic links among them."""
        if not entries:
            return []
        rows = [*map(_ROW, entries)]
        keys = [*map(_KIND, rows)]
        kinds = frozenset(keys)
        known = self._usual.get(kinds)
        leads, odd = known or self._learn(kinds)
        width, amounts = self._amounts(entries, rows, odd)
        shape = b"%%b %%%dd %%b %%b\n" % width if width else b"%b %b %b %b\n"
        when, step, time = self._dates, self._dates.step, self._options.time
        names = self._names(entries, targets)
        return [
            shape % (leads[key], amount, when[row[time] // step], name)
            for key, amount, row, name in zip(keys, amounts, rows, names, strict=True)
        ]

    def _names(self, entries: Sequence[Entry], targets: dict[bytes, bytes]) -> list[bytes]:
        names = self._naming.show(entries)
        if targets:
            for index, (name, _, row) in enumerate(entries):
                target = targets.get(name)
                if target is not None and attributes.is_link(row[MODE]):
                    names[index] = self._naming.one(name, row[MODE], self._naming.target(target))
        return names

    def _learn(self, kinds: frozenset[Kind]) -> tuple[Leads, bool]:
        """The leads that fit files of these kinds, and whether there is more to say of any than its size."""
        odd = bool(self._options.human or self._options.flags)
        for kind in kinds:
            if kind[0] < 0 or kind[0] & abi.S_IFMT in _DEVICES:
                odd = True
        found = self._leads_for(kinds), odd
        if len(kinds) <= FEW and len(found[0]) < LIMIT:
            if len(self._usual) >= LIMIT // FEW:
                self._usual.clear()
            self._usual[kinds] = found
        return found

    def _leads_for(self, kinds: frozenset[Kind]) -> Leads:
        """The leads in the widths that these need."""
        owners = self._owners
        widths = (
            max([len(str(kind[1])) for kind in kinds]),
            max([len(owners.user(kind[2])) for kind in kinds]),
            max([len(owners.group(kind[3])) for kind in kinds]),
        )
        leads = self._leads.get(widths)
        if leads is None or len(leads) > LIMIT:
            leads = self._leads[widths] = Leads(*widths, owners, self._options)
        return leads

    def _amounts(
        self, entries: Sequence[Entry], rows: Sequence[Attributes], odd: bool
    ) -> tuple[int, Sequence[int | bytes]]:
        """The column of sizes: plain numbers and their width, or texts and 0 where there is more (`odd`)."""
        if not odd:
            amounts = [*map(_SIZE, rows)]
            return len(str(max(amounts))), amounts
        show: Callable[[int], str] = sizes.human if self._options.human else str
        minors = [row[RDEV] for row in rows if row[MODE] & abi.S_IFMT in _DEVICES]
        widest = max([len(str(abi.minor(device))) for device in minors], default=0)
        texts = [_amount(row, show, widest).encode() for row in rows]
        width = max(map(len, texts))
        texts = [text.rjust(width) for text in texts]
        return 0, [flags + b" " + text for flags, text in zip(_flags(entries), texts, strict=True)] if (
            self._options.flags) else texts  # fmt: skip


def _flags(entries: Sequence[Entry]) -> list[bytes]:
    """The column of --flags."""
    from rump.fsutils.file_flags import shown

    texts = [shown(row[FLAGS]).encode() for _, _, row in entries]
    width = max(map(len, texts))
    return [text.ljust(width) for text in texts]


def _amount(row: Sequence[int], show: Callable[[int], str], minor: int) -> str:
    """A file's size, or a device's two numbers."""
    if row[MODE] < 0:
        return "?"
    if row[MODE] & abi.S_IFMT in _DEVICES:
        return f"{abi.major(row[RDEV])}, {str(abi.minor(row[RDEV])).rjust(minor)}"
    return show(row[SIZE])


def inodes(entries: Sequence[Entry]) -> list[bytes]:
    """The column of -i."""
    texts = [b"%d" % row[FILEID] if row[FILEID] else b"?" for _, _, row in entries]
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]
