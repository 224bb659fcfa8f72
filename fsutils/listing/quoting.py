# SPDX-License-Identifier: BSD-2-Clause
"""Names in quotes: so that a shell takes them, or as C has them."""

from __future__ import annotations

from rump.fsutils import names

_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")
_LETTERS = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r"}


def shell(name: bytes) -> bytes:
    """A name as a shell takes it, in quotes only where it must be.

    >>> shell(b"plain"), shell(b"two words"), shell(b"it's"), shell(b"a\\nb"), shell(b"")
    (b'plain', b"'two words'", b'"it\\'s"', b"'a'$'\\\\n''b'", b"''")
    """
    if _SAFE.issuperset(name) and name:
        return name
    if names.is_plain(name):
        if not name.isascii() and _SAFE.issuperset(byte for byte in name if byte < 128):
            return name
        if b"'" in name and not any(byte in b'"$`\\!' for byte in name):
            return b'"' + name + b'"'
    return shell_always(name)


def shell_always(name: bytes) -> bytes:
    """The same, always in quotes.

    >>> shell_always(b"a'b"), shell_always(b"\\xff")
    (b"'a'\\\\''b'", b"''$'\\\\377'")
    """
    pieces, odd = [b"'"], False
    for character in names.text(name):
        raw = character.encode("utf-8", "surrogateescape")
        plain = character.isprintable()
        if plain == odd:
            pieces.append(b"''" if plain else b"'$'")
            odd = not plain
        if not plain:
            pieces.append(b"".join([_LETTERS.get(byte) or b"\\%03o" % byte for byte in raw]))
        else:
            pieces.append(b"'\\''" if raw == b"'" else raw)
    return b"".join(pieces) + b"'"


def c(name: bytes) -> bytes:
    """A name as a string of C.

    >>> c(b'a"b\\n')
    b'"a\\\\"b\\\\n"'
    """
    return b'"' + names.escape(name, also=b'\\"') + b'"'


def version_key(name: bytes) -> list[tuple[int, int, bytes]]:
    """What sorts names so that numbers in them count as numbers.

    >>> sorted([b"a10", b"a9", b"a", b"a9.1", b"b1"], key=version_key)
    [b'a', b'a9', b'a9.1', b'a10', b'b1']
    """
    import re

    return [(1, int(part), part) if part.isdigit() else (0, 0, part)
            for part in re.split(rb"(\d+)", name) if part] + [(-1, 0, name)]  # fmt: skip
