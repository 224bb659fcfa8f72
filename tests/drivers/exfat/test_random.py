# SPDX-License-Identifier: BSD-2-Clause
"""Volumes of many kinds, changed through system calls in any order, against a model and fsck.exfat."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from exfat_model import NAMES, Both, Chance
from exfat_support import Session, make, needs_exfatprogs, pattern
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

pytestmark = needs_exfatprogs
STEPS, CHECK_EVERY = 60, 20
KINDS = {
    # name: (size, cluster size, sector size)
    "clusters of a sector": (4 << 20, 512, 512),
    "4k": (8 << 20, 4096, 512),
    "sectors of 4k": (16 << 20, 4096, 4096),
    "32k": (16 << 20, 32768, 512),
    "often full": (3 << 20, 1024, 512),
    "sectors of 2k": (4 << 20, 8192, 2048),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_by_chance(tmp_path, kind):
    """A long way of operations; the image is unmounted and checked now and then."""
    session = Session(make(tmp_path / "image", *KINDS[kind]), marshal=True)
    both = Both(session)
    chance = Chance(both, 100 + len(kind))
    for number in range(STEPS):
        chance.step()
        if number % CHECK_EVERY == CHECK_EVERY - 1:
            both.check()
            session.remount()
            both.check()
    session.close()


OFFSETS = st.sampled_from([0, 1, 511, 512, 513, 1023, 1024, 4096, 20_000]) | st.integers(0, 40_000)
LENGTHS = st.sampled_from([1, 511, 512, 513, 1024, 5000]) | st.integers(1, 20_000)
PICKS = st.integers(0, 30)


class Machine(RuleBasedStateMachine):
    """Every rule picks files by number from what the model holds, and does the same to both."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rump-exfat-"))
        self.both = Both(Session(make(self.folder / "image", 3 << 20, 1024)))
        self.failed = False

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.both.check()
                self.both.session.close()
        finally:
            shutil.rmtree(self.folder)

    def do(self, *operation) -> None:
        try:
            self.both.do(*operation)
        except BaseException:
            self.failed = True
            raise

    def pick(self, number: int) -> bytes:
        found = [*self.both.model.tree()]
        return found[number % len(found)] if found else b"none"

    def place(self, number: int, name: bytes) -> bytes:
        folders = [b"", *[path + b"/" for path, data in self.both.model.tree().items() if data is None]]
        return folders[number % len(folders)] + (name or b"other")

    @rule(where=PICKS, name=st.sampled_from(NAMES), offset=OFFSETS, length=LENGTHS, seed=st.integers(0, 99))
    def write_new(self, where, name, offset, length, seed):
        self.do("write", self.place(where, name), offset, pattern(seed, length))

    @rule(which=PICKS, offset=OFFSETS, length=LENGTHS, seed=st.integers(0, 99))
    def write(self, which, offset, length, seed):
        self.do("write", self.pick(which), offset, pattern(seed, length))

    @rule(which=PICKS, size=OFFSETS)
    def truncate(self, which, size):
        self.do("truncate", self.pick(which), size)

    @rule(which=PICKS, size=LENGTHS)
    def allocate(self, which, size):
        self.do("allocate", self.pick(which), size)

    @rule(where=PICKS, name=st.sampled_from(NAMES))
    def mkdir(self, where, name):
        self.do("mkdir", self.place(where, name))

    @rule(which=PICKS)
    def remove(self, which):
        path = self.pick(which)
        node = self.both.model.tree().get(path, b"")
        self.do("rmdir" if node is None else "unlink", path)

    @rule(which=PICKS, where=PICKS, name=st.sampled_from(NAMES))
    def rename(self, which, where, name):
        self.do("rename", self.pick(which), self.place(where, name))

    @rule(which=PICKS, over=PICKS)
    def rename_over(self, which, over):
        self.do("rename", self.pick(which), self.pick(over))

    @rule(where=PICKS, first=st.integers(0, 40), count=st.integers(1, 30), size=st.integers(0, 2000))
    def many(self, where, first, count, size):
        self.do("many", self.place(where, b"x").rpartition(b"/")[0], first, count, size)

    @rule()
    def remount(self):
        self.both.session.remount()


def test_machine():
    """Hypothesis looks for a way that leads to something else."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
