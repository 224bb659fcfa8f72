# SPDX-License-Identifier: BSD-2-Clause
"""Writing where things go wrong: damaged volumes, devices that fail, KeyboardInterrupt, power loss."""

from __future__ import annotations

import os
import random
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from fat_crash import TREES, Volume, script_of, step_of, sweep, tree_of
from fat_session import Mounted, assert_clean, fsck, needs_dosfstools, new_image

from rump.conformance import crash
from rump.drivers.fs.msdosfs.mount import Geometry
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e
from rump.rumpuser.middleware.powerloss import Lost, verify

sys.path.insert(0, str(Path(__file__).parents[1] / "ext2fs"))

import ext2_interrupts
from ext2_interrupts import Interrupts

pytestmark = needs_dosfstools


@lru_cache
def filled(kind: str) -> bytes:
    """A volume with a few files and folders."""
    mounted = Mounted(new_image(kind))
    for step in (
        ("mkdir", b"d"), ("mkdir", b"d/e"), ("write", b"a", 0, 3000, 1), ("write", b"d/a long name.txt", 0, 9000, 2),
        ("many", b"d", 0, 20), ("write", b"d/e/x", 0, 100, 3), ("mkdir", b"empty directory"),
        ("write", b"b", 0, 6000, 4),
    ):  # fmt: skip
        step_of(mounted.lwp, step)
    return mounted.unmount()


STEPS = (
    ("write", b"a", 0, 5000, 5), ("append", b"d/a long name.txt", 4000, 6), ("truncate", b"b", 1000),
    ("mkdir", b"d/new"),
    ("write", b"new.file", 2000, 3000, 7), ("rename", b"d/e", b"moved"), ("rename", b"a", b"d/a long name.txt"),
    ("unlink", b"b"), ("rmdir", b"empty directory"), ("many", b"d", 20, 10), ("many_gone", b"d", 0, 12),
    ("rename", b"d/file number 15", b"d/15"), ("truncate", b"new.file", 9000), ("sync",),
)  # fmt: skip


def try_all(mounted: Mounted) -> None:
    """Every step; an error must be one of the medium or of names, and say what is the matter."""
    for step in STEPS:
        try:
            step_of(mounted.lwp, step)
        except OSError as error:
            _foreseen(error)
    try:
        fd = mounted.lwp.open(b"d", abi.O_RDONLY)
        rows = tuple([
            (b"row %d" % size, 0o100644, 0, 0, 0, b"", 0, 10**18, 10**18, 0, b"x" * size, ()) for size in (0, 9, 6000)
        ])  # fmt: skip
        mounted.lwp.rump_populate(fd, rows)
        mounted.lwp.close(fd)
        tree_of(mounted.lwp)
    except OSError as error:
        _foreseen(error)


def _foreseen(error: OSError) -> None:
    assert isinstance(error, Fault) and error.__cause__ is None, repr(error.__cause__)
    kinds = (e.EIO, e.ENOENT, e.ENOSPC, e.EEXIST, e.ENOTDIR, e.EISDIR, e.ENOTEMPTY, e.ESTALE, e.EROFS, e.EINVAL)
    assert error.errno in (*kinds, e.EPERM, e.EBUSY, e.EACCES), error


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_damaged_volumes(kind: str) -> None:
    """Bytes by chance in the structures: data or an error, whatever is done to the volume."""
    whole = filled(kind)
    geometry = Geometry(whole[:512])
    data = geometry.data_offset
    hot = [
        (11, 90), (geometry.fat_offset, geometry.fat_offset + 120), (data, data + 40 * 512),
        (geometry.root_offset, geometry.root_offset + 32 * 16),
    ]  # fmt: skip
    chance = random.Random(21)
    changed = 0
    for _ in range(50):
        image = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(*chance.choice(hot if chance.random() < 0.3 else hot[1:]))
            image[place] = chance.choice((image[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 0xFF))
        try:
            mounted = Mounted(image)
        except Fault as error:
            assert error.errno in (e.EIO, e.EFTYPE, e.EROFS)
            continue
        try_all(mounted)
        try:
            mounted.unmount()
        except OSError as error:
            _foreseen(error)
        changed += 1
    assert changed > 25


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_damaged_tables(kind: str) -> None:
    """Chains that run in circles, into one another, into nothing and behind the end."""
    whole = filled(kind)
    geometry = Geometry(whole[:512])
    chance = random.Random(22)
    for _ in range(30):
        image = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            cluster = chance.randrange(2, 70)
            near, end = chance.randrange(2, 70), geometry.end_cluster
            value = chance.choice((0, 1, cluster, near, end, 0x0FFFFFF7, 0x0FFFFFFF))
            _set(image, geometry, cluster, value)
        try:
            mounted = Mounted(image)
        except Fault as error:
            assert error.errno == e.EIO
            continue
        try_all(mounted)
        try:
            mounted.unmount()
        except OSError as error:
            _foreseen(error)


def _set(image: bytearray, geometry: Geometry, cluster: int, value: int) -> None:
    bits = geometry.bits
    at, shift = divmod(cluster * bits, 8)
    at += geometry.fat_offset
    old = int.from_bytes(image[at : at + 5], "little")
    mask = (1 << bits) - 1
    new = old & ~(mask << shift) | (value & mask) << shift
    image[at : at + 5] = new.to_bytes(5, "little")


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="signals: known of 3.11 and 3.12")
@pytest.mark.parametrize("kind", ["fat12", "fat32"])
def test_interrupted_anywhere(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """KeyboardInterrupt in the middle of an operation: done or not done, and the volume is whole."""
    monkeypatch.setattr(ext2_interrupts, "WHERE", (os.sep + os.path.join("rump", "drivers") + os.sep,))
    chance = random.Random(23)
    base = filled(kind)
    for index, step in enumerate(STEPS):
        mounted = Mounted(base)
        for earlier in STEPS[:index]:
            step_of(mounted.lwp, earlier)
        image = mounted.unmount()
        count = Interrupts(0)
        with Mounted(image) as trial:
            before = tree_of(trial.lwp)
            count(step_of, trial.lwp, step)
            after = tree_of(trial.lwp)
        for _ in range(4 if count.points > 1 else 0):
            trial = Mounted(image)
            interrupts = Interrupts(chance.randrange(1, count.points))
            try:
                interrupts(step_of, trial.lwp, step)
            except (KeyboardInterrupt, OSError):
                pass
            found = tree_of(trial.lwp)
            if step[0] not in ("many", "many_gone", "write", "append"):
                assert found in (before, after), interrupts.place
            trial.write(b"and on", b"it goes")
            assert_unharmed(trial, interrupts.place)


def assert_unharmed(mounted: Mounted, place: str) -> None:
    try:
        image = mounted.unmount()
    except OSError as error:
        # A file descriptor that nobody was told of keeps the volume busy.
        assert error.errno == e.EBUSY, place
        mounted.lwp.sync()
        return
    assert_clean(image)


@pytest.mark.parametrize("kind", ["fat12", "fat32"])
def test_writes_that_fail(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that fails once: the volume is read-only from then on, and what is on it can be mended."""
    from rump.kernel.dev.disk import Disk

    write = Disk.write
    left = 0

    def failing(self, offset, data):
        nonlocal left
        left -= 1
        if left == 0:
            raise Fault(e.EIO, "injected")
        return write(self, offset, data)

    monkeypatch.setattr(Disk, "write", failing)
    base = filled(kind)
    for nth in range(1, 60, 4):
        left = 0
        mounted = Mounted(base)
        left = nth
        try_all(mounted)
        left = 0
        try:
            mounted.unmount()
        except OSError as error:
            _foreseen(error)
        status, said, mended = fsck(mounted.image(), "-a")
        assert status in (0, 1), said
        with Mounted(fsck(mended, "-a")[2], read_only=True) as again:
            assert tree_of(again.lwp)


# ---- power loss ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("fat12", "names"), ("fat16", "contents"), ("fat32", "replaced"), ("fat32", "names"),
        ("fat32-4096", "random-1"), ("fat12-one", "random-2"),
    ],
)  # fmt: skip
def test_what_a_crash_leaves(kind: str, script: str) -> None:
    """What was durable and has not been touched is there, before and after fsck.fat has mended the rest."""
    assert script in TREES or script.startswith("random")
    assert sweep(Volume(kind, script_of(script)), len(script), 14) >= 14


def test_without_barriers_it_fails() -> None:
    states = crash.states_of("bare-memory", Volume("fat16", script_of("names")), barriers=False)
    with pytest.raises(Lost, match="barriers dropped"):
        verify(states.seeded(1, 60), Volume("fat16", ()).check)
