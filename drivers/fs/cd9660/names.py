# SPDX-License-Identifier: BSD-2-Clause
"""Names, as the four name spaces have them, as bytes in UTF-8 (Rock Ridge's and plain ones: as they are).

What no name may have - NUL and slash - becomes "_"; "." and ".." are the kernel's.  Plain names ("README.;1") lose
version number and a dot at the end, and their letters are made small, as NetBSD does.
"""

from __future__ import annotations

NAME_MAX = 255              # bytes
ASSOCIATED = b"="           # before the name of an associated file
DOTS = (b".", b"..")
_BAD = bytes.maketrans(b"/\0", b"__")


def safe(name: bytes) -> bytes:
    """A name the kernel can have."""
    name = name.translate(_BAD)[:NAME_MAX]
    return b"_" * len(name) or b"_" if name in (b"", *DOTS) else name


def plain(raw: bytes) -> bytes:
    """A name of the primary volume descriptor's tree."""
    name = raw.partition(b";")[0].lower()
    if name[-1:] == b".":
        name = name[:-1]
    if not name or b"/" in name or b"\0" in name or name in DOTS:
        return safe(name)
    return name


def plain_capital(raw: bytes) -> bytes:
    """The same with its letters as they are."""
    name = raw.partition(b";")[0]
    return safe(name[:-1] if name[-1:] == b"." else name)


def generation(raw: bytes) -> bytes:
    """The same with its version number."""
    return safe(raw.lower())


def generation_capital(raw: bytes) -> bytes:
    """The same with its letters as they are."""
    return safe(raw)


def enhanced(raw: bytes) -> bytes:
    """A name of an enhanced volume descriptor's tree: there are no version numbers, but some write them."""
    return safe(raw[:-2] if raw[-2:] == b";1" else raw)


def joliet(raw: bytes) -> bytes:
    """A name of a Joliet tree, in UCS-2 or UTF-16, big-endian; a lone surrogate takes three bytes (WTF-8)."""
    text = raw[: len(raw) & ~1].decode("utf-16-be", "surrogatepass")
    base, semicolon, version = text.rpartition(";")
    if semicolon and version.isdecimal() and version.isascii():
        text = base
    name = text.encode("utf-8", "surrogatepass")
    if not name or b"/" in name or b"\0" in name or name in DOTS:
        return safe(name)
    return name


def utf16_units(name: bytes) -> int:
    """How long a name is in UTF-16."""
    return len(name.decode("utf-8", "replace").encode("utf-16-le")) // 2


def fold(name: bytes) -> bytes:
    """The same for names that differ in case only."""
    if name.isascii():
        return name.lower()
    try:
        return name.decode("utf-8", "surrogatepass").lower().encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return name.lower()
