# SPDX-License-Identifier: BSD-2-Clause
"""Tests of find that the BSDs have, and those that ask for users, groups and the file system by name."""

from __future__ import annotations

from rump.fsutils.file_flags import bits
from rump.fsutils.owners import Numbers, Owners
from rump.kernel.abi import AT_FDCWD
from rump.kernel.vfs.volume import FLAGS, GID, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.finding.expression import Primary, Words
    from rump.fsutils.finding.found import Found, Test

    Lookup = Callable[[Numbers, str], int]


def flags(words: Words) -> Test:
    """-flags [-|+]NAMES: just these flags; with a dash at least these, with a plus any.  ``no`` before a name: without
    it."""
    text = words.argument()
    how = text[:1] if text[:1] in ("-", "+") else ""
    names = text[len(how):]
    try:
        wanted, unwanted = (int(names, 8), 0) if names.isdigit() else bits(names)
    except ValueError as error:
        raise words.wrong(text, str(error)) from None
    if how == "-":
        return lambda found: found.row[FLAGS] & wanted == wanted and not found.row[FLAGS] & unwanted
    if how == "+":
        return lambda found: bool(found.row[FLAGS] & wanted) or found.row[FLAGS] & unwanted != unwanted
    return lambda found: found.row[FLAGS] == wanted


def fstype(words: Words) -> Test:
    """-fstype TYPE: what is in a file system of that type, by any of its names."""
    from rump.kernel.component import ALIASES

    wanted = words.argument()
    wanted = ALIASES.get(wanted, wanted)

    def test(found: Found) -> bool:
        kind = found.lwp.statvfs(found.at if found.fd == AT_FDCWD else b"/").f_fstypename.decode("ascii", "replace")
        return ALIASES.get(kind, kind) == wanted

    return test


def named(field: int, lookup: Lookup, other: Primary) -> Primary:
    """-user and -group: a number, or a name in the image's /etc/passwd and /etc/group."""

    def make(words: Words) -> Test:
        text = words.peek() or ""
        if text[:1] in ("+", "-") or text.isdigit():
            return other(words)
        text = words.argument()
        known: dict[int, int] = {}

        def test(found: Found) -> bool:
            key = found.lwp.process.pid
            if key not in known:
                known[key] = lookup(Numbers("image", found.lwp), text)
            return found.row[field] == known[key]

        return test

    return make


def nameless(field: int, name: Callable[[Owners, int], str]) -> Primary:
    """-nouser and -nogroup: the number has no name in the image."""

    def make(words: Words) -> Test:
        known: dict[int, Owners] = {}

        def test(found: Found) -> bool:
            key = found.lwp.process.pid
            owners = known.get(key)
            if owners is None:
                owners = known[key] = Owners("image", found.lwp)
            return name(owners, found.row[field]) == str(found.row[field])

        return test

    return make


def table(numbers: Callable[[int], Primary]) -> dict[str, Primary]:
    """Word -> what makes its test.  `numbers` makes the test for a number in a field."""
    return {
        "-flags": flags, "-fstype": fstype,
        "-user": named(UID, Numbers.user, numbers(UID)), "-group": named(GID, Numbers.group, numbers(GID)),
        "-nouser": nameless(UID, Owners.user), "-nogroup": nameless(GID, Owners.group),
    }  # fmt: skip
