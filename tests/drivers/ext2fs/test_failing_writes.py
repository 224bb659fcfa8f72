# SPDX-License-Identifier: BSD-2-Clause
"""Every hypercall fails once while a volume is written to: somebody is told, what was durable stays, the image
recovers, and a volume that lost a write says so for good.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ext2_crash import KINDS, SHORT, base_of
from ext2_session import fsck
from ext2_support import E2FSCK, needs_mke2fs

from rump.conformance import crash
from rump.conformance.crash_files import DURABLE, MNT, Runner, check_tree, expanded, recovered, tree_of
from rump.kernel import boot
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e
from rump.rumpuser.middleware.faults import Faults
from rump.rumpuser.middleware.powerloss import PowerLoss

pytestmark = [needs_mke2fs, pytest.mark.skipif(not E2FSCK, reason="e2fsck is not installed"), pytest.mark.slow]

SCRIPT = tuple(expanded((
    ("write", b"kept", 0, 3000, 1), ("mkdir", b"d"), ("many", b"d", 0, 12), ("sync",),
    ("write", b"new", 0, 5000, 2), ("rename", b"new", b"kept"), ("setxattr", b"kept", b"user.a", 300, 3),
    ("fsync", b"kept"), ("truncate", b"kept", 700), ("symlink", b"l", 200), ("write", b"big", 0, 60_000, 4),
    ("unlink", b"l"), ("sync",),
    ("append", b"kept", 9000, 5), ("unlink", b"big"), ("rename", b"d", b"d2"), ("many_gone", b"d2", 0, 12),
    ("rmdir", b"d2"), ("fsync", b"kept"), ("write", b"last", 0, 100, 6),
)))  # fmt: skip


class Attempt(Runner):
    """A script on a host that fails; stops at the first step that does.

    told    the errors that came up, in order
    done    steps that succeeded;  durable: of those, how many were there when everything was made durable
    """

    def __init__(self, image: Path, faults: Faults, script: tuple = SCRIPT) -> None:
        self.image, self.faults, self.script = image, faults, script
        self.told: list[OSError] = []
        self.lines: list[str] = []
        self.done = self.durable = 0
        self.mounted = False

    def run(self) -> None:
        with boot(default(), log=self.lines.append) as quiet:
            del quiet       # what is loaded at the first boot only is loaded
        kernel = boot(self.faults, log=self.lines.append)
        super().__init__(kernel.lwp)
        try:
            kernel.etfs_register(crash.DEVICE, bytes(self.image), read_only=False)
            kernel.lwp.mkdir(MNT, 0o755)
            kernel.lwp.mount("ext2fs", MNT, device=crash.DEVICE)
            self.mounted = True
            for step in self.script:
                getattr(self, step[0])(*step[1:])
                self.done += 1
                if step[0] in DURABLE:
                    self.durable = self.done
        except OSError as error:
            self.told.append(error)
        if self.mounted:
            self.after(kernel.lwp)
        try:
            kernel.halt()
        except OSError as error:
            self.told.append(error)
        else:
            if self.mounted and self.done == len(self.script):
                self.durable = self.done

    def after(self, lwp) -> None:
        """A volume that has lost a write says so at each sync, and takes no changes; else it goes on."""
        if not self.told:
            return
        answers = []
        for _ in range(2):
            try:
                lwp.sync()
                answers.append(0)
            except OSError as error:
                answers.append(error.errno)
        assert answers[0] == answers[1] or not answers[1] or self.faults._forever, answers
        if answers[0]:
            with pytest.raises(OSError) as refused:
                lwp.mkdir(MNT + b"/after", 0o755)
            assert refused.value.errno in (e.EROFS, e.EIO), refused.value


def history(kind: str, script: tuple = SCRIPT) -> list[dict]:
    """The trees after 0, 1, 2 ... steps when nothing fails."""
    volume = crash.Workload()
    volume.base = lambda: base_of(kind)
    trees: list[dict] = []

    def work(kernel, log) -> None:
        kernel.lwp.mkdir(MNT, 0o755)
        kernel.lwp.mount("ext2fs", MNT, device=crash.DEVICE)
        runner = Runner(kernel.lwp)
        trees.append(tree_of(kernel.lwp))
        for step in script:
            getattr(runner, step[0])(*step[1:])
            trees.append(tree_of(kernel.lwp))

    volume.work = work
    crash.states_of("linux", volume)
    return trees


def look(attempt: Attempt, kind: str, trees: list[dict], image: Path) -> None:
    """The image recovers to a moment between what is durable and what was under way."""
    window = trees[attempt.durable : attempt.done + 2]
    if KINDS[kind][2]:
        tree, after = recovered(image.read_bytes())
        image.write_bytes(after)
        fsck(image)
        without = {path: row for path, row in tree.items() if path != b"/after"}
        check_tree(without, window, True)
    else:
        fsck(image, "-fy", fine=(0, 1))
        fsck(image)
        tree, _ = recovered(image.read_bytes(), read_only=True)
        check_tree(tree, window, False)


@pytest.mark.parametrize("kind", ["ext4", "ext2", "ext4-inline"])
def test_each_hypercall_once(kind: str, tmp_path: Path) -> None:
    trees = history(kind)
    image = tmp_path / "image"
    nth = told = 0
    while True:
        nth += 1
        image.write_bytes(base_of(kind))
        attempt = Attempt(image, Faults(default(), nth=nth))
        attempt.run()
        if not attempt.faults.fired:
            break
        assert attempt.told or attempt.lines, f"call {nth} failed and nobody was told"
        told += bool(attempt.told)
        try:
            look(attempt, kind, trees, image)
        except AssertionError as error:
            error.add_note(f"{kind}: call {nth} failed; {attempt.done} steps done, {attempt.told}")
            raise
    assert nth > 60 and told > nth * 0.8 and attempt.done == len(SCRIPT), (nth, told)


@pytest.mark.parametrize("call", ["write", "sync", "submit"])
@pytest.mark.parametrize("kind", ["ext4", "no-journal"])
def test_a_medium_that_stops_working(kind: str, call: str, tmp_path: Path) -> None:
    """From some call on nothing is written any more, or made durable: every later sync fails."""
    trees = history(kind)
    image = tmp_path / "image"
    fired = 0
    for nth in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        image.write_bytes(base_of(kind))
        attempt = Attempt(image, Faults(default(), call, nth, e.ENXIO, forever=True))
        attempt.run()
        if not attempt.faults.fired:
            break
        fired += 1
        assert attempt.told
        if attempt.done < len(SCRIPT) and call == "sync" and attempt.mounted:
            assert len(attempt.told) > 1, "unmounting said nothing"
        look(attempt, kind, trees, image)
    assert fired or call == "submit"


def test_short_reads(tmp_path: Path) -> None:
    """The device ends half way: no traceback, no damage."""
    image = tmp_path / "image"
    trees = history("ext4", SHORT)
    fired = 0
    for whole in (0, 1, 3, 6, 12, 24, 48):
        image.write_bytes(base_of("ext4"))
        attempt = Attempt(image, Faults(default(), truncate_reads_after=whole), SHORT)
        attempt.run()
        fired += attempt.faults.fired
        look(attempt, "ext4", trees, image)
    assert fired > 2


def test_what_was_lost_is_not_promised(tmp_path: Path) -> None:
    """The n-th sync of the medium fails: what that fsync was to make durable is not said to be so later, either."""
    image = tmp_path / "image"
    image.write_bytes(base_of("ext4"))
    power = PowerLoss(default(), [bytes(image)])
    faults = Faults(power, "sync", 4)
    attempt = Attempt(image, faults)
    attempt.run()
    assert faults.fired and attempt.told
    shutil.copy(image, tmp_path / "copy")
    for state in power.log(bytes(image)).states(base_of("ext4")).seeded(1, 40):
        tree, after = recovered(state.image())
        image.write_bytes(after)
        fsck(image)
        assert tree is not None
