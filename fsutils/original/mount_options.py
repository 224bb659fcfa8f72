# SPDX-License-Identifier: BSD-2-Clause
"""Mount options as the original takes them, per file system, in the terms of our drivers.

-o has names, -s the words of the command that would mount it: ``-o nojoliet`` and ``-s -j`` are the same.
"""

from __future__ import annotations

from rump.fsutils.errors import UsageError

_READ_ONLY = ("ro", "rdonly", "norw")
_READ_WRITE = ("rw", "noro", "nordonly")

# What all file systems take.  It is about others who use a mount, or about write-back, and means nothing to a program
# that mounts for itself alone: nothing in an image is run or opened as a device, and all is written when it ends.
_STANDARD = frozenset((
    "async", "atime", "auto", "coredump", "dev", "devmtime", "exec", "extattr", "force", "groupquota", "hidden", "log",
    "reload", "rump", "softdep", "suid", "symperm", "sync", "union", "update", "userquota",
))  # fmt: skip
NAMES: dict[str, dict[str, str]] = {
    "cd9660": {"nrr": "norrip"},
    "msdosfs": {"gemdosfs": "shortnames", "nowin95": "shortnames", "win95": ""},
}
"""Driver -> names of -o that ours has others for, "" where it does so anyway."""

LETTERS: dict[str, dict[str, str]] = {
    "cd9660": {"e": "extatt", "g": "gens", "i": "nomaplcase", "j": "nojoliet", "r": "norrip"},
    "msdosfs": {"u:": "uid", "g:": "gid", "m:": "mask", "M:": "dirmask", "t:": "tz", "l": "longnames",
                "s": "shortnames", "9": "shortnames", "G": "shortnames"},
    "tmpfs": {"g:": "", "m:": "", "n:": "", "s:": "", "u:": ""},
}  # fmt: skip
"""Driver -> letters of -s, those with a value with ":" behind, and what they are for ours."""


def translate(driver: str, lists: list[str], special: list[str]) -> dict[str, str]:
    """What -o and -s say to a driver, by its own name, in its terms.  Names that nobody knows here are left to it.

    Errors: UsageError - a letter it does not have.
    """
    options: dict[str, str] = {}
    for item in ",".join(lists).split(","):
        _name(driver, item.strip(), options)
    _letters(driver, special, options)
    return options


def _name(driver: str, item: str, options: dict[str, str]) -> None:
    """Take one name of -o."""
    name, _, value = item.partition("=")
    if name in _STANDARD or name.removeprefix("no") in _STANDARD or name in ("", *_READ_ONLY, *_READ_WRITE):
        return
    ours = NAMES.get(driver, {}).get(name, name)
    if ours:
        options[ours] = value


def _letters(driver: str, words: list[str], options: dict[str, str]) -> None:
    """Take the words of -s."""
    known = LETTERS.get(driver, {})
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "-o" and words:
            for item in words.pop(0).split(","):
                _name(driver, item, options)
            continue
        letters = word[1:] if word[:1] == "-" else ""
        if not letters:
            raise UsageError(f"-s {word}: no option of mounting {driver}")
        while letters:
            letter, letters = letters[0], letters[1:]
            ours = known.get(letter, known.get(letter + ":"))
            if ours is None:
                raise UsageError(f"-s -{letter}: {driver} has no such mount option")
            value = ""
            if letter not in known:
                value, letters = letters or (words.pop(0) if words else ""), ""
                if not value:
                    raise UsageError(f"-s -{letter}: a value is missing")
            if ours:
                options[ours] = _zone(value) if ours == "tz" else value


def _zone(text: str) -> str:
    """The time zone of mount_msdos, in seconds east of Greenwich.

    >>> _zone("-5400"), _zone("noon")
    ('-01:30', 'noon')
    """
    digits = text.removeprefix("-").removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return text         # the driver will say what is wrong with it
    minutes = int(digits) // 60
    return f"{'-' if text.startswith('-') else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def read_only(lists: list[str]) -> bool:
    """Whether -o says that nothing is to be written, whatever the file system."""
    last = [name for name in ",".join(lists).split(",") if name in (*_READ_ONLY, *_READ_WRITE)][-1:]
    return last != [] and last[0] in _READ_ONLY
