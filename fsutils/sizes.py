# SPDX-License-Identifier: BSD-2-Clause
"""Sizes for people."""

from __future__ import annotations

UNITS = "KMGTPEZY"


def human(size: int) -> str:
    """A size in at most four characters or so, rounded up: what is written never is less than what there is.

    >>> [human(n) for n in (0, 1023, 1024, 1025, 10239, 10240, 10241, 1048575, 1 << 40)]
    ['0', '1023', '1.0K', '1.1K', '10K', '10K', '11K', '1.0M', '1.0T']
    """
    if size < 1024:
        return str(size)
    exponent = (size.bit_length() - 1) // 10
    tenths = -(-size * 10 // (1 << 10 * exponent))
    if tenths < 100:
        return f"{tenths // 10}.{tenths % 10}{UNITS[exponent - 1]}"
    whole = -(-size // (1 << 10 * exponent))
    if whole >= 1024:
        return f"1.0{UNITS[exponent]}"
    return f"{whole}{UNITS[exponent - 1]}"


def block_size(text: str) -> int:
    """What --block-size says.  Errors: UsageError.

    >>> block_size("512"), block_size("M")
    (512, 1048576)
    """
    from rump.fsutils.amounts import parse
    from rump.fsutils.errors import UsageError

    size = parse(text if text[:1].isdigit() else "1" + text)
    if not size:
        raise UsageError("--block-size: blocks of nothing")
    return size


def blocks(size: int, unit: int = 1024) -> int:
    """How many units a size takes, the last one perhaps in part.

    >>> blocks(0), blocks(1), blocks(2048)
    (0, 1, 2)
    """
    return -(-size // unit)
