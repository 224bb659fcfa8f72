# SPDX-License-Identifier: BSD-2-Clause
"""Names for new entries: what a name may be, and the short name that every file has.

As Windows does it: a name of at most 8 + 3 characters, each part in one case, needs no long form.  All others have one,
and a short name made of it: upper case, without spaces and what the code page has not, with a tail ~1 to ~9 where that
is needed to tell it from others; then two characters, four of a hash, and a tail.
"""

from __future__ import annotations

from rump.drivers.fs.msdosfs.disk import (
    ATTR_LONG,
    CASE_BASE,
    CASE_EXTENSION,
    LAST_LONG,
    NAME_E5,
    NAME_FREE,
    LongEntry,
)  # fmt: skip
from rump.drivers.fs.msdosfs.lookup import checksum, name_key
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Final

UNITS_MAX = 255             # UTF-16 units of a long name
UNITS = 13                  # in a piece of one
FORBIDDEN: Final = frozenset('"*/:<>?\\|\x7f') | {chr(code) for code in range(32)}
_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_OTHERS = b"0123456789!#$%&'()-@^_`{}~"
_SHORT = bytes([byte if byte in _UPPER + _OTHERS else 0x5F for byte in range(256)])
_IN_UPPER = _UPPER + _OTHERS
_IN_LOWER = _LOWER + _OTHERS
TAILS = [b"%d" % number for number in range(1, 10)]
HASHES = 64                 # tried before giving up
_pack = LongEntry.struct.pack


def decode(name: bytes) -> str:
    """A name as text.  Errors: EINVAL - no file can have it; ENAMETOOLONG."""
    try:
        text = name.decode("utf-8", "surrogatepass")
        units = len(text) if name.isascii() else _units(text)
    except UnicodeError:
        raise fault(e.EINVAL, "the name is not UTF-8") from None
    if units > UNITS_MAX:
        raise fault(e.ENAMETOOLONG)
    if not FORBIDDEN.isdisjoint(text):
        raise fault(e.EINVAL, 'no name has " * / : < > ? \\ | or control characters here')
    if not text or text[-1] in ". ":
        raise fault(e.EINVAL, "no name ends with a space or a dot here")
    return text


def _units(text: str) -> int:
    """How many UTF-16 units it has.  Errors: UnicodeError - two halves that are one character are not so spelled."""
    raw = text.encode("utf-16-le", "surrogatepass")
    if raw.decode("utf-16-le", "surrogatepass") != text:
        raise UnicodeError
    return len(raw) // 2


def plain(name: bytes) -> tuple[bytes, int] | None:
    """(the 11 bytes, CASE_*) of a name that needs no long form, or None."""
    base, dot, extension = name.partition(b".")
    if len(base) > 8 or len(extension) > 3 or not base or (dot and not extension):
        return None
    case = 0
    if base.translate(None, _IN_UPPER):
        if base.translate(None, _IN_LOWER):
            return None
        case = CASE_BASE
    if extension.translate(None, _IN_UPPER):
        if extension.translate(None, _IN_LOWER):
            return None
        case |= CASE_EXTENSION
    return base.upper().ljust(8) + extension.upper().ljust(3), case


def alias(text: str, code_page: str, taken: Container[bytes]) -> tuple[bytes, bytes]:
    """The 11 bytes of the short name for a long one, and its key.  `taken` has the keys (`lookup.name_key`) of the
    names around.

    Errors: EEXIST - there is none left.
    """
    stem, dot, tail = text.lstrip(". ").rpartition(".")
    if not dot:
        stem, tail = tail, ""
    base, exact = _squeeze(stem, code_page, 8)
    extension, fits = _squeeze(tail, code_page, 3)
    exact = exact and fits and not text.startswith((".", " "))
    if exact and base:
        key = _key(base, extension, code_page)
        if key not in taken:
            return _join(base, extension), key
    found = _numbered(base, extension, code_page, taken)
    if found:
        return found
    number = _hash(text)
    for step in range(HASHES):
        mixed = _cut(base, code_page, 2) + b"%04X" % (number + step * 0x1D3 & 0xFFFF)
        found = _numbered(mixed, extension, code_page, taken)
        if found:
            return found
    raise fault(e.EEXIST, "no short name is left")


def _numbered(
    base: bytes, extension: bytes, code_page: str, taken: Container[bytes]
) -> tuple[bytes, bytes] | None:
    """A short name with one of the tails, and its key; None if they are all taken."""
    start = _cut(base, code_page, 6) + b"~"
    behind = b"." + extension if extension else b""
    plain = start.isascii() and behind.isascii()
    for digit in TAILS:
        tried = start + digit
        key = tried + behind if plain else _key(tried, extension, code_page)
        if key not in taken:
            return _join(tried, extension), key
    return None


def _squeeze(text: str, code_page: str, most: int) -> tuple[bytes, bool]:
    """A part of a name in upper case, in the code page, with what may be in short names only; and whether nothing was
    left out."""
    if text.isascii():
        own = text.upper().encode()
        raw = own.translate(_SHORT, b" .")[:most]
        return raw, raw == own
    exact = True
    parts: list[bytes] = []
    for character in text:
        if character in " .":
            exact = False
            continue
        upper = character.upper()
        upper = upper if len(upper) == 1 else character
        raw = upper.encode(code_page, "ignore") if upper.isprintable() else b""
        if not raw or (upper.isascii() and raw not in _IN_UPPER):
            raw, exact = b"_", False
        parts.append(raw)
    whole = b"".join(parts)
    short = _cut(whole, code_page, most)
    return short, exact and short == whole


def _cut(raw: bytes, code_page: str, most: int) -> bytes:
    """At most so many bytes, no half of a character at the end."""
    if len(raw) <= most or raw.isascii():
        return raw[:most]
    return raw[:most].decode(code_page, "ignore").encode(code_page)


def _join(base: bytes, extension: bytes) -> bytes:
    raw = base.ljust(8) + extension.ljust(3)
    return bytes([NAME_E5]) + raw[1:] if raw[0] == NAME_FREE else raw


def _key(base: bytes, extension: bytes, code_page: str) -> bytes:
    """What the name cache would call it."""
    whole = base + b"." + extension if extension else base
    return whole if whole.isascii() else name_key(whole.decode(code_page, "replace").encode())


def _hash(text: str) -> int:
    """16 bits of a name."""
    number = 0
    for unit in text.encode("utf-16-le", "surrogatepass"):
        number = number * 37 + unit & 0xFFFF
    return number


def pieces(text: str, raw: bytes) -> bytes:
    """The entries of a long name, as they precede the short entry named `raw`."""
    units = text.encode("utf-16-le", "surrogatepass")
    count = -(-len(units) // (2 * UNITS))
    if len(units) % (2 * UNITS):
        units = (units + b"\0\0").ljust(count * 2 * UNITS, b"\xff")
    total = checksum(raw)
    made: list[bytes] = []
    for number in range(count, 0, -1):
        at = (number - 1) * 2 * UNITS
        ordinal = number | LAST_LONG if number == count else number
        part = units[at : at + 26]
        made.append(_pack(ordinal, part[:10], ATTR_LONG, 0, total, part[10:22], 0, part[22:]))
    return b"".join(made)
