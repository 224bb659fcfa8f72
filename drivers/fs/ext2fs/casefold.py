# SPDX-License-Identifier: BSD-2-Clause
"""Folding of names in directories that do not tell upper from lower case (feature casefold, encoding UTF-8).

The format wants Unicode 12.1's NFD of the full case folding, without the characters that are ignored by default.
Python's tables may be of a later Unicode; they only ever gain characters.
"""

from __future__ import annotations

# Ignorable by default (DerivedCoreProperties.txt): the ones met in names.
_IGNORED = dict.fromkeys(
    (0xAD, 0x34F, 0x61C, *range(0x180B, 0x180F), *range(0x200B, 0x2010), *range(0x202A, 0x202F),
     *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF)
)  # fmt: skip


def fold(name: bytes) -> bytes:
    """What two names that mean the same file have in common.  A name that is not UTF-8 means only itself."""
    if name.isascii():
        return name.lower()
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return name
    # Only here: a small Python may be built without its tables.
    from unicodedata import normalize

    return normalize("NFD", normalize("NFD", text).casefold()).translate(_IGNORED).encode()
