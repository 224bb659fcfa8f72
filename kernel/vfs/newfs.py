# SPDX-License-Identifier: BSD-2-Clause
"""Making file systems: what drivers share that do.  Options are read, writes are gathered, old contents are wiped."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rump.kernel.dev.block import BlockDevice

PIECE = 1 << 20     # most bytes gathered for one write
CLEARED = 64 << 10  # bytes at both ends of a used device that are wiped: other formats are told by them


def known(options: dict[str, str], names: Iterable[str]) -> None:
    """Errors: EINVAL - an option is none of those."""
    for name in options:
        if name not in names:
            raise fault(e.EINVAL, f"unknown option {name}")


class Numbers:
    """Reads options that are numbers."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options

    def __call__(self, name: str, default: int, least: int, most: int) -> int:
        """An option's value, `default` if it is not given.  Errors: EINVAL - no number, or not in that range."""
        text = self._options.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise fault(e.EINVAL, f"option {name}={text}: not a number")
        if not least <= int(text) <= most:
            raise fault(e.EINVAL, f"option {name}={text}: not in {least} to {most}")
        return int(text)


def power(name: str, value: int) -> int:
    """A number that must be a power of two.  Errors: EINVAL."""
    if value & value - 1:
        raise fault(e.EINVAL, f"option {name}={value}: not a power of two")
    return value


def choice(name: str, text: str, choices: dict[str, int]) -> int:
    """One of some words, as a number.  Errors: EINVAL."""
    if text not in choices:
        raise fault(e.EINVAL, f"option {name}={text}: not one of {' '.join(choices)}")
    return choices[text]


def digits(text: str, base: int) -> int:
    """A number of at most 16 digits, -1 if the text is none."""
    good = 0 < len(text) <= 16 and not text.lower().strip("0123456789abcdef"[:base])
    return int(text, base) if good else -1


def hexadecimal(name: str, text: str) -> int:
    """A number of 32 bits: up to eight hexadecimal digits, perhaps with a dash in the middle.  Errors: EINVAL."""
    value = digits(text[:4] + text[5:] if len(text) == 9 and text[4] == "-" else text, 16)
    if not 0 <= value <= 0xFFFFFFFF:
        raise fault(e.EINVAL, f"option {name}={text}: not a number of 32 bits in hexadecimal digits")
    return value


class Writer:
    """Gathers writes that adjoin.

    count  bytes written so far
    """

    def __init__(self, device: BlockDevice | None) -> None:
        """`device` None: nothing is written."""
        self._device = device
        self._pieces: list[bytes] = []
        self._start = self._end = 0
        self.count = 0

    def write(self, offset: int, data: bytes) -> None:
        """Write at a byte offset, now or later."""
        if offset != self._end or self._end - self._start >= PIECE:
            self.flush()
            self._start = offset
        self._pieces.append(data)
        self._end = offset + len(data)
        self.count += len(data)

    def zero(self, offset: int, length: int) -> None:
        """Write zeros."""
        zeros = bytes(min(PIECE, length))
        for start in range(0, length, PIECE):
            self.write(offset + start, zeros[: length - start])

    def wipe(self, size: int) -> None:
        """Take away what makes a device of `size` bytes look like something else; the beginning first."""
        self.zero(0, min(CLEARED, size))
        self.flush()
        if size >= 4 * CLEARED:
            self.zero(size - CLEARED, CLEARED)

    def flush(self) -> None:
        """Write what has been gathered."""
        if self._pieces and self._device is not None:
            self._device.write(self._start, b"".join(self._pieces))
        self._pieces.clear()
        self._start = self._end = 0

    def seal(self, offset: int, data: bytes) -> None:
        """Write all, and when it is on stable storage `data`, which makes a file system of it."""
        self.flush()
        self.count += len(data)
        if self._device is not None:
            self._device.sync(True)
            self._device.write(offset, data)
            self._device.sync(True)
