# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong in the commands, and how it is said."""

from __future__ import annotations

from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e


class UsageError(Exception):
    """The command line makes no sense; the text says why.  Exit status 2."""


class ImageError(Fault):
    """An image holds nothing that can be mounted, or leaves open what is meant; `message` says all there is to say."""

    def __init__(self, message: str, number: int = e.EFTYPE) -> None:
        super().__init__(number, message)
        self.message = message

    def __str__(self) -> str:
        return self.message


def reason(error: BaseException | str) -> str:
    """An error for people, without the name of what it befell: ``detail: phrase``, or what is known of them."""
    if isinstance(error, str):
        return error
    if isinstance(error, ImageError):
        return error.message
    if isinstance(error, Fault):
        return f"{error.detail}: {error.strerror}" if error.detail else error.strerror or str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__
