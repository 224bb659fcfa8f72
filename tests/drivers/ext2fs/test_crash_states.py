# SPDX-License-Identifier: BSD-2-Clause
"""Power loss while volumes are written to: what is left recovers, for us, for e2fsck and for Linux, and nothing that
was durable is lost.

RUMP_CRASH_STATES=N looks at N states of each workload; `ext2_crash.py` does so by hand.
"""

from __future__ import annotations

import os

import pytest
from ext2_crash import KINDS, SHORT, Volume, random_script, script_of, sweep
from ext2_session import Damaged
from ext2_support import E2FSCK, ROOT, needs_mke2fs

from rump.conformance import crash
from rump.conformance.crash_files import SCRIPTS, check_tree, moments
from rump.rumpuser.middleware.powerloss import Lost, verify

pytestmark = [needs_mke2fs, pytest.mark.skipif(not E2FSCK, reason="e2fsck is not installed"), pytest.mark.slow]

STATES = int(os.environ.get("RUMP_CRASH_STATES", "70"))

CASES = [
    *[(kind, script) for kind in ("ext4", "ext2") for script in SCRIPTS],
    *[("no-journal", script) for script in ("names", "splits", "contents", "orphans")],
    *[("ext3", script) for script in ("names", "orphans", "wrap", "reuse")],
    *[("ext4-inline", script) for script in ("names", "contents", "attributes")],
    *[("ext4-ea-inode", "attributes"), ("ext4-orphan-file", "orphans"), ("no-journal-inline", "contents")],
    *[(kind, f"random-{number}") for number, kind in enumerate(("ext4", "ext2", "ext4-inline", "no-journal", "ext3"))],
]


@pytest.mark.parametrize(("kind", "script"), CASES, ids=["-".join(case) for case in CASES])
def test_what_a_crash_leaves_recovers(kind: str, script: str) -> None:
    volume = Volume(kind, script_of(script), linux=60)
    assert sweep(volume, len(script), STATES) >= STATES // 2
    assert volume.mounted or not ROOT or volume.looked < 60


@pytest.mark.parametrize("kind", ["ext4", "ext2"])
def test_every_prefix_of_a_short_one(kind: str) -> None:
    volume = Volume(kind, SHORT)
    assert verify(crash.states_of("bare-memory", volume).prefixes(), volume.check) > 50


@pytest.mark.parametrize("script", ["names", "wrap"])
@pytest.mark.parametrize("kind", ["ext4", "ext3", "ext2", "no-journal"])
def test_without_barriers_it_fails(kind: str, script: str) -> None:
    volume = Volume(kind, script_of(script))
    states = crash.states_of("bare-memory", volume, barriers=False)
    with pytest.raises(Lost, match="barriers dropped"):
        verify(states.seeded(1, 60), volume.check)


def test_a_state_is_found_again_by_its_seed() -> None:
    volume = Volume("ext4", random_script(3))
    made = [crash.again("bare-memory", volume, 5, 17, True) for _ in range(2)]
    assert made[0].image() == made[1].image() and str(made[0]) == str(made[1])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_do_after_the_end(kind: str) -> None:
    """No crash at all: what e2fsck -fn says of the image as it was unmounted."""
    volume = Volume(kind, script_of("random-9"))
    *_, last = crash.states_of("bare-memory", volume).prefixes()
    volume._fsck(last.image(), "-fn")
    volume.check(last)


def test_the_check_sees_what_is_lost() -> None:
    """A tree that lacks, or changes, what was promised."""
    row = (12, 0o100644, 1, 0, 0, 600, b"", (), b"x" * 600)
    before, after = {b"/a": row, b"/b": row}, {b"/a": row, b"/c": row}
    window = moments([("begun", 0, [before, after]), ("durable", 0, [before, after]), ("begun", 0, [before, after])])
    assert window == [before, after]
    check_tree(before, window, True)
    check_tree(after, window, True)
    with pytest.raises(AssertionError, match="gone"):
        check_tree({b"/b": row}, window, False)
    with pytest.raises(AssertionError, match="contents"):
        check_tree({b"/a": (*row[:-1], b"x" * 512 + b"y" * 88), b"/b": row}, window, False)
    with pytest.raises(AssertionError, match="never had"):
        check_tree({b"/a": row, b"/b": (*row[:-1], b"y" * 600)}, window, False)
    with pytest.raises(AssertionError, match="no one moment"):
        check_tree({b"/a": row, b"/b": row, b"/c": row}, window, True)
    with pytest.raises(Damaged):
        Volume("ext2", ())._fsck(bytes(2 << 20), "-fn")
