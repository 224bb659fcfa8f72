# SPDX-License-Identifier: BSD-2-Clause
"""Which bodies run on which file systems.

The *slice* is for hosts that are slow: of the bodies, in the order written, the first and every `STEP`-th after it.
Each runs once for every driver, on one of that driver's file systems of at most `SMALL` bytes: they take turns.
"""

from __future__ import annotations

from rump.conformance.bodies import collect, suited
from rump.conformance.drivers import SUBJECTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rump.conformance.drivers import Subject
    from rump.conformance.scenario import Body

    Cases = dict[str, list[tuple[str, Body]]]

STEP = 7
SMALL = 8 << 20


def everything(subjects: Iterable[str] = (), patterns: Iterable[str] = ()) -> Cases:
    """file system -> its bodies, all or those whose name contains one of the patterns."""
    wanted = tuple(patterns) or ("",)
    bodies = {name: body for name, body in collect().items() if any(part in name for part in wanted)}
    return {name: list(suited(SUBJECTS[name], bodies).items()) for name in subjects or SUBJECTS}


def representative(step: int = STEP) -> Cases:
    """The slice, or one of other steps."""
    chosen: Cases = {name: [] for name in SUBJECTS}
    bodies = list(collect().items())[::step]
    for kin in _kin():
        for turn, (name, body) in enumerate(bodies):
            fit = [subject for subject in kin if suited(subject, {name: body})]
            if fit:
                chosen[fit[turn % len(fit)].name].append((name, body))
    return {name: cases for name, cases in chosen.items() if cases}


def _kin() -> Iterator[list[Subject]]:
    """The small file systems of each driver."""
    drivers: dict[str, list[Subject]] = {}
    for subject in SUBJECTS.values():
        if subject.size <= SMALL:
            drivers.setdefault(subject.fstype, []).append(subject)
    yield from drivers.values()
