# SPDX-License-Identifier: BSD-2-Clause
"""KeyboardInterrupt at any point of an operation: it is done, or it is not, and the volume is whole.

Where the interrupt threw somebody out of the kernel who held a lock, others are told so (EDEADLK), and what cannot be
put right makes the volume read-only: then the image is what a crash leaves, and recovers.  Nothing hangs.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path

import long_random
import pytest
from ext2_interrupts import Interrupted, Interrupts
from ext2_model import Model, Refusal, difference
from ext2_session import MNT, Different, Pair, Session, fsck, make_image, walk_of, walk_of_image
from ext2_support import E2FSCK, needs_mke2fs

from rump.rumpuser.interface import errno as e

pytestmark = [
    needs_mke2fs, pytest.mark.skipif(not E2FSCK, reason="e2fsck is not installed"), pytest.mark.slow,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="signals: known of 3.11 and 3.12"),
    # An interrupt that comes while a generator is being closed goes to nobody.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]  # fmt: skip

TRIALS = int(os.environ.get("RUMP_INTERRUPT_TRIALS", "12"))
STEPS = 30
STUCK = (e.EDEADLK, e.EROFS, e.EBUSY, e.EIO)
CONTENTS = ("write", "append", "truncate", "fallocate", "punch")
"""Operations that may stop half way: what they did to the contents of their file stands."""
LEFT_OUT = (
    "remount", "check", "many", "many_gone", "fragment", "utimens", "open", "hwrite", "hread", "hclose", "hsync",
    "htruncate",
)  # fmt: skip


class Trial:
    """A random run in which about every other operation is interrupted.

    counts   "interrupted"; of those "done" and "undone", and "stale": the kernel did not know which until the volume
             was mounted again; "stuck": the kernel could not go on
    places   where
    """

    def __init__(self, folder: Path, features: str, seed: int) -> None:
        self.image = folder / "image"
        self.image.unlink(missing_ok=True)      # a kernel that is stuck keeps its locks on the file
        self.image.write_bytes(_base(features))
        self.journal = "ext2" not in features and "no-journal" not in features
        self.random = random.Random(seed)
        session = Session(self.image)
        session.small = True
        self.lwp = session.lwp = Interrupted(session.lwp)
        self.pair = Pair(session)
        self.step = self.pair.capabilities.time_step
        self.chance = long_random.Chance(seed, self.pair.model, small=True)
        self.history: list[Model] = []
        self.counts: Counter[str] = Counter()
        self.places: list[str] = []
        self.problem = ""
        self._durable()

    def _durable(self) -> None:
        self.history = [copy.deepcopy(self.pair.model)]

    def run(self, steps: int = STEPS) -> None:
        """Do that many operations, and look at what is left."""
        done = 0
        while done < steps and not self.counts["stuck"]:
            operation = self.chance.next()
            if operation[0] not in LEFT_OUT:
                done += 1
                self._one(operation)
        self._end()

    def _one(self, operation: tuple) -> None:
        nth = int(2 ** (self.random.random() * 13)) if self.random.random() < 0.6 else 0
        interrupts = self.lwp.interrupts = Interrupts(nth)
        try:
            self.pair.do(operation)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        except Different:
            # The model has done it; the kernel could not, which is all right if it cannot do anything any more.
            self.pair.model = self.chance.model = copy.deepcopy(self.history[-1])
            if not self._is_stuck():
                raise
            self.counts["stuck"] += 1
            return
        except OSError as error:
            if error.errno not in STUCK:
                raise
            self.counts["stuck"] += 1
            return
        finally:
            self.lwp.interrupts = None
        if interrupted:
            self.counts["interrupted"] += 1
            self.places.append(f"{operation[0]}: {interrupts.place}")
            self._look(operation)
        elif operation[0] in ("sync", "fsync"):
            self._durable()
        self.history.append(copy.deepcopy(self.pair.model))

    def _is_stuck(self) -> bool:
        self.lwp.interrupts = None
        try:
            walk_of(self.lwp)
            self.lwp.mkdir(b"/mnt/probe", 0o700)
            self.lwp.rmdir(b"/mnt/probe")
        except OSError as error:
            return error.errno in STUCK
        return False

    def _look(self, operation: tuple) -> None:
        """It was done or not."""
        try:
            halfway = operation[0] == "rename" and not self.journal
            if halfway or not self._judged(operation):
                self.counts["stale"] += 1
                self.lwp.unmount(MNT)
                self.pair.session.mount()
                assert self._judged(operation), f"{operation!r:.300} at {self.places[-1]}: {self.problem}"
        except OSError as error:
            if error.errno not in STUCK:
                raise
            self.counts["stuck"] += 1
            after = copy.deepcopy(self.pair.model)
            _apply(after, operation)
            self.history.append(after)

    def _judged(self, operation: tuple) -> bool:
        """Whether what is there is one of the two."""
        try:
            found = walk_of(self.lwp)
        except OSError as error:
            if error.errno != e.ENOENT:
                raise
            return False
        model = self.pair.model
        loose = frozenset({operation[1]}) if operation[0] in CONTENTS else frozenset()
        undone = difference(model, found, self.step, loose)
        if undone:
            after = copy.deepcopy(model)
            done = _apply(after, operation) or difference(after, found, self.step, loose)
            if done and self._has_both(operation, found):
                operation = ("link", *operation[1:])
                done = ""
            if done:
                self.problem = f"neither undone ({undone}) nor done ({done})"
                return False
            _apply(model, operation)
        self.counts["undone" if undone == "" else "done"] += 1
        for path in loose:
            model.at(path).contents = found[path]["contents"]
        return True

    def _has_both(self, operation: tuple, found: dict) -> bool:
        """Without a journal a file that is renamed has both names for a while; it may keep them."""
        if operation[0] != "rename" or self.journal:
            return False
        after = copy.deepcopy(self.pair.model)
        _apply(after, ("unlink", operation[2]))
        if _apply(after, ("link", *operation[1:])) or difference(after, found, self.step):
            return False
        _apply(self.pair.model, ("unlink", operation[2]))
        return True

    # ---- the end ---------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        try:
            self.pair.session.kernel.halt()
        except OSError as error:
            assert error.errno in STUCK, error
            self.counts["stuck"] += 1
        if self.counts["stuck"]:
            self._recover()
        else:
            fsck(self.image)
            problem = difference(self.pair.model, walk_of_image(self.image), self.step)
            assert not problem, f"after the end: {problem}; interrupted at {self.places[-5:]}"

    def _recover(self) -> None:
        """The kernel could not put its image in order: another one does, as after a crash."""
        crashed = self.image.with_name("crashed")
        shutil.copy(self.image, crashed)            # the locks of the kernel that is stuck are on the other one
        if not self.journal:
            fsck(crashed, "-fy", fine=(0, 1))
            fsck(crashed)
            return
        session = Session(crashed)
        found = walk_of(session.lwp)
        session.close()
        every = frozenset(found)
        problems = [difference(model, found, self.step, every) for model in self.history]
        assert "" in problems, f"of no moment: {problems[-1]}; interrupted at {self.places[-5:]}"


@lru_cache
def _base(features: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return make_image(Path(folder) / "image", features).read_bytes()


def _apply(model: Model, operation: tuple) -> str:
    """Let the model do it; why it would not."""
    name, *arguments = operation
    try:
        getattr(model, name, lambda *each: None)(*arguments)
    except Refusal as refusal:
        return f"the model says {e.NAMES.get(refusal.args[0])}"
    return ""


FEATURES = "ext4-small", "ext4-1k", "ext2-small", "ext4-inline", "ext3", "ext4-no-journal-small", "ext4-ea-inode"


@pytest.mark.parametrize("features", FEATURES)
def test_interrupted_at_any_point(features: str, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for seed in range(TRIALS):
        trial = Trial(tmp_path, features, seed)
        try:
            trial.run()
        except BaseException as error:
            error.add_note(f"{features}, seed {seed}")
            raise
        counts += trial.counts
    assert counts["undone"] > TRIALS * 3 and counts["done"], counts


def test_every_point_of_some_operations(tmp_path: Path) -> None:
    """Each seventh point of some operations, from the first to the last."""
    total = 0
    before = ("create", (b"a",), 0o644), ("write", (b"a",), 0, 3000, 5), ("create", (b"b",), 0o644), ("sync",)
    whole = ("rename", (b"a",), (b"b",)), ("create", (b"c",), 0o644), ("setxattr", (b"a",), b"user.a", 300, 5)
    for operation in whole:
        nth = 1
        while True:
            trial = Trial(tmp_path, "ext4-small", 1)
            trial.pair.run(before)
            trial._durable()
            interrupts = trial.lwp.interrupts = Interrupts(nth)
            try:
                trial.pair.do(operation)
                if interrupts.points < nth:
                    break       # that was the last point
                trial.lwp.interrupts = None
            except KeyboardInterrupt:
                trial.places.append(interrupts.place)
                trial.lwp.interrupts = None
                trial._look(operation)
                trial._end()
            total += 1
            nth += 7
    assert total > 100
