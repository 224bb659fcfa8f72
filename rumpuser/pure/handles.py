# SPDX-License-Identifier: BSD-2-Clause
"""Numbers for what a host has open.

They are a host's own, the lowest free one first: the same in every run, whatever else the program around the kernel has
open.  0 to 2 stay unused, so that no handle in a trace is taken for a standard stream.
"""

from __future__ import annotations

from rump.rumpuser.interface.errno import EBADF, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Thing = TypeVar("Thing")

FIRST_HANDLE = 3


def number_for(table: dict[int, Thing], thing: Thing) -> int:
    """Enter what is in no table yet; its number."""
    number = FIRST_HANDLE
    # Other threads may be here too; setdefault takes a number or leaves it, in one step.
    while table.setdefault(number, thing) is not thing:
        number += 1
    return number


def found(table: dict[int, Thing], number: int) -> Thing:
    """What has this number.  Errors: EBADF - nothing."""
    try:
        return table[number]
    except KeyError:
        raise HostError(EBADF) from None
