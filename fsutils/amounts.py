# SPDX-License-Identifier: BSD-2-Clause
"""Numbers of bytes, lines, blocks as people write them: ``10``, ``4K``, ``1MB``, ``2GiB``, ``7b``."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.sizes import UNITS


def parse(text: str) -> int:
    """A number with an optional suffix: K M G ... (KiB ...) of 1024, KB MB ... of 1000, b of 512.

    Errors: UsageError.

    >>> [parse(text) for text in ("10", "4K", "1MB", "2GiB", "3b", "1k")]
    [10, 4096, 1000000, 2147483648, 1536, 1024]
    """
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    suffix = text[len(digits):]
    if not digits.isascii() or not digits or len(digits) > 20:
        raise UsageError(f"{text}: not a number")
    if suffix == "b":
        return int(digits) * 512
    unit, rest = suffix[:1].upper(), suffix[1:].upper()
    if unit and (unit not in UNITS or rest not in ("", "B", "IB")):
        raise UsageError(f"{text}: an unknown suffix")
    return int(digits) * ((1000 if rest == "B" else 1024) ** (UNITS.index(unit) + 1) if unit else 1)


def signed(text: str) -> tuple[str, int]:
    """The same with ``+`` or ``-`` before it, "" if there is none.

    >>> signed("+5"), signed("-1K"), signed("7")
    (('+', 5), ('-', 1024), ('', 7))
    """
    sign = text[:1] if text[:1] in ("+", "-") else ""
    return sign, parse(text[len(sign):])
