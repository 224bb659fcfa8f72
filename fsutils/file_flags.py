# SPDX-License-Identifier: BSD-2-Clause
"""File flags, chflags(2), by name."""

from __future__ import annotations

from rump.kernel import abi

# The first name is the one shown.
_NAMES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (abi.SF_APPEND, ("sappnd", "sappend")),
    (abi.SF_ARCHIVED, ("arch", "archived")),
    (abi.SF_IMMUTABLE, ("schg", "schange", "simmutable")),
    (abi.UF_APPEND, ("uappnd", "uappend")),
    (abi.UF_ARCHIVE, ("uarch", "uarchive")),
    (abi.UF_HIDDEN, ("hidden", "uhidden")),
    (abi.UF_IMMUTABLE, ("uchg", "uchange", "uimmutable")),
    (abi.UF_NODUMP, ("nodump",)),
    (abi.UF_OPAQUE, ("opaque",)),
    (abi.UF_READONLY, ("rdonly", "urdonly", "readonly", "ureadonly")),
    (abi.UF_SYSTEM, ("system", "usystem")),
)
FLAGS: dict[str, int] = {name: bit for bit, names in _NAMES for name in names}
"""Name -> flag."""


def shown(flags: int) -> str:
    """Flags by their names, with commas; ``-`` if there are none; what has no name as a number.

    >>> shown(abi.SF_IMMUTABLE | abi.UF_NODUMP), shown(0), shown(1 << 20)
    ('schg,nodump', '-', '0x100000')
    """
    names = []
    for bit, known in _NAMES:
        if flags & bit:
            names.append(known[0])
            flags &= ~bit
    if flags:
        names.append(f"{flags:#x}")
    return ",".join(names) or "-"


class FlagChange:
    """What flags become: ``uchg,noarch`` sets one and clears another, an octal number is all there is to be.

    >>> change = FlagChange("uchg,noarch,dump")
    >>> shown(change(abi.SF_ARCHIVED | abi.UF_NODUMP | abi.UF_OPAQUE)), FlagChange("0")(0xFF)
    ('uchg,opaque', 0)
    """

    __slots__ = ("_clear", "_set")

    def __init__(self, text: str) -> None:
        """Errors: ValueError - an unknown name."""
        if text and set(text) <= set("01234567"):
            self._set, self._clear = int(text, 8), -1
            return
        self._set, self._clear = bits(text)

    def __call__(self, flags: int) -> int:
        """The new flags."""
        return flags & ~self._clear | self._set


def bits(text: str) -> tuple[int, int]:
    """The flags that names ask for, and those they ask to be without.  Errors: ValueError - an unknown name."""
    wanted = unwanted = 0
    for name in text.split(","):
        if name in FLAGS:
            wanted |= FLAGS[name]
        elif name == "dump":
            unwanted |= abi.UF_NODUMP
        elif name.startswith("no") and name[2:] in FLAGS:
            unwanted |= FLAGS[name[2:]]
        else:
            known = ", ".join(names[0] for _, names in _NAMES)
            raise ValueError(f"{name or text!r}: not a file flag; there are {known}")
    return wanted, unwanted & ~wanted
