# SPDX-License-Identifier: BSD-2-Clause
"""getrandom."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import RANDOM_HARD, RANDOM_NOWAIT


def all_bytes_asked_for(t: ContractScenario) -> None:
    for length in (0, 1, 16, 33, 257, 5000, 1 << 20):
        drawn = t.host.getrandom(length)
        t.true(type(drawn) is bytes, "no bytes")
        t.equal(len(drawn), length, "length")


def with_every_flag(t: ContractScenario) -> None:
    for flags in (0, RANDOM_HARD, RANDOM_NOWAIT, RANDOM_HARD | RANDOM_NOWAIT):
        t.equal(len(t.host.getrandom(20, flags)), 20, "length")


def draws_differ(t: ContractScenario) -> None:
    t.equal(len({t.host.getrandom(16) for _ in range(100)}), 100, "different draws")


def every_byte_occurs(t: ContractScenario) -> None:
    """Of 20,000 bytes by chance one value is missing with a probability below 1 in 10**30."""
    t.equal(len({*t.host.getrandom(20_000)}), 256, "different bytes")


def impossible_draws(t: ContractScenario) -> None:
    for arguments in ((-1,), (1, 4), (1, -1)):
        with t.refused(EINVAL):
            t.host.getrandom(*arguments)
