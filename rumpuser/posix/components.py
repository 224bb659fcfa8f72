# SPDX-License-Identifier: BSD-2-Clause
"""Drivers that came with other distributions: the entry points of the group "rump.drivers"."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Hypercalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "rump.drivers"


class Components(Hypercalls):
    """Scanning takes tens of milliseconds, importing the scanner too; both happen when somebody asks."""

    def components(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        from importlib.metadata import entry_points

        found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
        return tuple((entry.name, entry.load) for entry in found)
