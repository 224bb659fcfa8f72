# SPDX-License-Identifier: BSD-2-Clause
"""init, and what a host says of itself."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface import VERSION, Upcalls
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import CALLS, Traits


def another_version_is_refused(t: ContractScenario) -> None:
    for version in (VERSION + 1, VERSION - 1, -1):
        with t.refused(EINVAL):
            t.host.init(version, Upcalls(lambda: None, lambda: None))


def traits_are_complete(t: ContractScenario) -> None:
    traits = t.traits
    t.true(isinstance(traits, Traits), "traits are something else")
    t.true(traits.name and traits.name.isascii() and " " not in traits.name, "a host without a name")
    for name in ("threads", "range_sync", "punches_holes", "finds_holes", "locks", "copies_ranges", "notifies"):
        t.true(type(getattr(traits, name)) is bool, f"{name} is no truth value")
    t.true(type(traits.clock_resolution) is int, "the clock's resolution is no integer")
    for names in (traits.compiled, traits.absent):
        t.equal(names, tuple(sorted({*names})), "sorted names")
    t.true({*traits.absent} <= {*CALLS}, "a call is absent that there is not")


def traits_fit_together(t: ContractScenario) -> None:
    traits = t.traits
    t.equal("thread_create" not in traits.absent, traits.threads, "threads can be made")
    t.true("lock" not in traits.absent or not traits.locks, "locks work, and there is no lock")
    t.true("discard" not in traits.absent or not traits.punches_holes, "holes can be punched, and nothing does")
    t.true("copy_range" not in traits.absent or not traits.copies_ranges, "copies by a call that there is not")
    t.true("watch_wait" not in traits.absent or not traits.notifies, "notifies by a call that there is not")


def unknown_traits_are_an_error(t: ContractScenario) -> None:
    try:
        getattr(t.traits, "no_such_trait")  # noqa: B009
    except AttributeError:
        return
    t.true(False, "a trait that there is not has a value")


def components_are_sorted(t: ContractScenario) -> None:
    t.needs("components")
    found = t.host.components()
    t.true(type(found) is tuple, "no tuple")
    t.equal(list(found), sorted(found, key=lambda entry: entry[0]), "sorted by name")
    t.true(all(isinstance(name, str) and callable(load) for name, load in found), "not a name and a call")
