# SPDX-License-Identifier: BSD-2-Clause
"""Sizes of file systems, as people give them."""

from __future__ import annotations

from rump.fsutils.errors import UsageError

AUTO = "auto"
_UNITS = {"": 1, "s": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_size(text: str, unit: str = "") -> int:
    """A size in bytes.  `unit`: the suffix it has if it has none.  Errors: UsageError.

    >>> parse_size("1440K"), parse_size("3s"), parse_size("1.5G"), parse_size("4096"), parse_size("1440", "k")
    (1474560, 1536, 1610612736, 4096, 1474560)
    """
    digits = text.rstrip("bBiI") if text[-1:] in "bBiI" else text
    suffix = digits[-1:].lower() if digits[-1:].isalpha() else ""
    number = digits[: len(digits) - len(suffix)]
    whole, _, part = number.partition(".")
    if suffix not in _UNITS or not (whole + part).isascii() or not (whole + part).isdigit() or len(number) > 20:
        raise UsageError(f"{text}: not a size")
    scale: int = 10 ** len(part)
    return int(whole + part) * _UNITS[suffix or unit] // scale


class Headroom:
    """What is to be free besides what the files take: so many bytes, or a share of that.

    >>> Headroom("10%").of(5000), Headroom("4K").of(5000), Headroom("12.5%").of(80)
    (500, 4096, 10)
    """

    def __init__(self, text: str) -> None:
        """Errors: UsageError."""
        self._bytes, self._share = 0, (0, 1)
        if not text.endswith("%"):
            self._bytes = parse_size(text)
            return
        whole, _, part = text[:-1].partition(".")
        if not (whole + part).isascii() or not (whole + part).isdigit() or len(text) > 20:
            raise UsageError(f"--headroom {text}: neither a size nor a percentage")
        self._share = int(whole + part), 100 * 10 ** len(part)

    def of(self, need: int) -> int:
        """Bytes to be free where so many are needed."""
        return self._bytes + -(-need * self._share[0] // self._share[1])
