# SPDX-License-Identifier: BSD-2-Clause
"""FAT volumes under Hypothesis: the steps of fat_session, chosen and made smaller by it; fsck.fat and a remount at
the end of each run."""

from __future__ import annotations

import random
from typing import Any

import fat_session
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

CHANCE = st.randoms(use_true_random=False)
STEPS = (
    "write", "mkdir", "unlink", "rmdir", "rename", "truncate", "allocate", "populate", "hold", "use", "drop", "sync",
    "times", "listing",
)  # fmt: skip
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
THOROUGH = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=CHECKS, derandomize=True
)


class Session(fat_session.Session):
    """Whose contents come of a seed: Hypothesis need not draw each byte."""

    def data(self) -> bytes:
        size = self.random.choice((0, 1, 500, 512, 513, 4096, 5000, 20_000))
        return random.Random(self.random.randrange(256)).randbytes(size)


class Machine(RuleBasedStateMachine):
    """Small volumes, so that they fill up."""

    @initialize(kind=st.sampled_from(("fat12", "fat12-one", "fat16", "fat32")), chance=CHANCE)
    def make(self, kind: str, chance: random.Random) -> None:
        self.session = Session(kind, 0)
        self.session.random = chance

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.check()


def _step(name: str) -> Any:
    def step(self: Machine, chance: random.Random) -> None:
        self.session.random = chance
        getattr(self.session, name)()

    step.__name__ = name
    return rule(chance=CHANCE)(step)


for _name in STEPS:
    setattr(Machine, _name, _step(_name))


@fat_session.needs_dosfstools
def test_machine() -> None:
    run_state_machine_as_test(Machine, settings=THOROUGH)


@fat_session.needs_dosfstools
def test_it_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that does not give clusters back."""
    from rump.drivers.fs.msdosfs.writing.alloc import Clusters

    monkeypatch.setattr(Clusters, "condemn", lambda self, start: None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Machine, settings=settings(THOROUGH, phases=[Phase.generate]))
