# SPDX-License-Identifier: BSD-2-Clause
"""What a host lacks, told by its class."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import CALLS, Hypercalls


def absences(host: type[Hypercalls]) -> tuple[str, ...]:
    """The calls that `host` leaves as the contract has them, sorted: what `Traits.absent` says."""
    return tuple(sorted([name for name in CALLS if getattr(host, name) is getattr(Hypercalls, name)]))
