# SPDX-License-Identifier: BSD-2-Clause
"""getparam."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL, ENOENT
from rump.rumpuser.interface.hypercalls import PARAM_HOSTNAME, PARAM_NCPU


def two_are_always_there(t: ContractScenario) -> None:
    cpus = t.host.getparam(PARAM_NCPU)
    t.true(cpus.isascii() and cpus.isdecimal() and int(cpus) > 0, f"{cpus!r} virtual CPUs")
    t.true(t.host.getparam(PARAM_HOSTNAME), "a host without a name")


def others_with_an_underscore(t: ContractScenario) -> None:
    for name in ("_RUMP_TEST", "_RUMPUSER_OTHER", "_"):
        with t.refused(EINVAL):
            t.host.getparam(name)


def not_set(t: ContractScenario) -> None:
    for name in ("RUMP_TEST_MISSING", "", "a\0b", "a=b"):
        with t.refused(ENOENT):
            t.host.getparam(name)
