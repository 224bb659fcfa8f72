# SPDX-License-Identifier: BSD-2-Clause
"""Names as they are in directory records: d-characters (ECMA-119, 7.5, 7.6), or what Joliet allows.

What does not fit is replaced and cut; names of a directory that come out the same are numbered, in the order of the
true names; those that need no change have theirs first.  They are in order by name, then by extension, each as if
filled up with spaces (9.3): as what separates the two comes before all d-characters, that is the order of the whole.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = b";1"
EXTENSION_KEPT = 12         # bytes of a long extension that are kept where the name is too long with it
JOLIET_BAD = "*/:;?\\"      # and control characters (Joliet, 2.4)
DIGITS = 3                  # of a number that tells names apart, at least

_D_CHARACTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_LOWER = _D_CHARACTERS.lower()
_UPPER = bytes([code if code in _D_CHARACTERS + b"." else code - 32 if code in _LOWER else 0x5F for code in range(256)])
_FOLLOWING = bytes(range(0x80, 0xC0))       # bytes of UTF-8 that go on with a character: it becomes one "_"
_NO_DOT = bytes.maketrans(b".", b"_")
_JOLIET = dict.fromkeys((*range(32), *JOLIET_BAD.encode()), "_")


def unique(names: list[bytes], directories: list[bool], shape: Callable[[bytes, bool], tuple[str, str, int]]
           ) -> list[str]:  # fmt: skip
    """The identifiers of a directory's names, without versions, in the order of the names.

    `shape` makes two parts and how long they may be together of a name; the second is kept whole.
    """
    shapes = [shape(name, directory) for name, directory in zip(names, directories, strict=True)]
    result = [stem + tail for stem, tail, _ in shapes]
    if len(set(result)) == len(result):
        return result
    taken: set[str] = set()
    counts: dict[tuple[str, str], int] = {}
    for number in sorted(range(len(names)), key=lambda at: (names[at] != result[at].encode(), names[at], at)):
        if result[number] in taken:
            result[number] = _numbered(*shapes[number], taken, counts)
        taken.add(result[number])
    return result


def _numbered(stem: str, tail: str, limit: int, taken: set[str], counts: dict[tuple[str, str], int]) -> str:
    """The first name with a number that is free."""
    stem = stem[: limit - len(tail) - DIGITS]
    count = counts.get((stem, tail), 0)
    while True:
        digits = f"{count:0{DIGITS}}"
        candidate = stem[: limit - len(tail) - len(digits)] + digits + tail
        count += 1
        if candidate not in taken:
            counts[stem, tail] = count
            return candidate


def iso_shape(level: int) -> Callable[[bytes, bool], tuple[str, str, int]]:
    """The shape of names at a level of interchange: 8 and 3 characters at level 1; 31 else, with the dot."""
    name_max, extension_max = (8, 3) if level == 1 else (30, EXTENSION_KEPT)
    directory_max = 8 if level == 1 else 31

    def shape(name: bytes, directory: bool) -> tuple[str, str, int]:
        plain = name.translate(_UPPER, _FOLLOWING) or b"_"
        if directory:
            return plain.translate(_NO_DOT)[:directory_max].decode("ascii"), "", directory_max
        stem, dot, extension = plain.rpartition(b".")
        if not dot or not stem:
            stem, extension = plain, b""
        stem = stem.translate(_NO_DOT)
        if level == 1 or len(stem) + len(extension) > name_max:
            extension = extension[:extension_max]
            stem = stem[: name_max if level == 1 else name_max - len(extension)]
        tail = b"." + extension
        limit = name_max + len(tail) if level == 1 else name_max + 1
        return stem.decode("ascii"), tail.decode("ascii"), limit

    return shape


def joliet_shape(limit: int) -> Callable[[bytes, bool], tuple[str, str, int]]:
    """The shape of Joliet's names, of so many characters at most."""

    def shape(name: bytes, directory: bool) -> tuple[str, str, int]:
        text = name.decode("utf-8", "replace").translate(_JOLIET)
        if not text.isascii():
            text = "".join([letter if letter < "\ufffd" else "_" for letter in text])
        if len(text) <= limit and not directory:
            stem, dot, extension = text.rpartition(".")
            return (stem, dot + extension, limit) if stem and len(extension) <= EXTENSION_KEPT else (text, "", limit)
        if directory:
            return text[:limit], "", limit
        stem, dot, extension = text.rpartition(".")
        if not stem or len(extension) > EXTENSION_KEPT:
            return text[:limit], "", limit
        tail = dot + extension
        return stem[: limit - len(tail)], tail, limit

    return shape


def iso_identifier(name: str, directory: bool) -> bytes:
    """An identifier as it is recorded; a file's with its version."""
    return name.encode("ascii") if directory else name.encode("ascii") + VERSION


def joliet_identifier(name: str, directory: bool) -> bytes:
    """The same in UCS-2."""
    return (name if directory else name + ";1").encode("utf-16-be", "surrogatepass")
