# SPDX-License-Identifier: BSD-2-Clause
"""Images written in turn by us, by the Linux kernel and by debugfs: everybody goes on from what the others left."""

from __future__ import annotations

import os
from pathlib import Path

import long_random
import pytest
from ext2_model import REGULAR, Model, difference, pattern
from ext2_session import Pair, Session, fsck, make_image, walk_of_folder, walk_of_image
from ext2_support import E2FSCK, debugfs, loop_mounted, needs_mke2fs, needs_root

pytestmark = [
    needs_mke2fs, needs_root, pytest.mark.root, pytest.mark.slow,
    pytest.mark.skipif(not E2FSCK, reason="e2fsck is not installed"),
]  # fmt: skip

FEATURES = (
    "ext4-1k", "ext4", "ext2-1k", "ext3", "ext4-inline", "ext4-no-journal", "ext4-ea-inode", "ext4-uninit",
    "ext4-meta-bg", "ext4-orphan-file", "ext4-lazy", "ext3-128", "ext4-indirect",
)  # fmt: skip


class HostSide:
    """What the host does to a mounted folder, and the same to the model."""

    def __init__(self, folder: Path, model: Model) -> None:
        self.base = os.fsencode(folder)
        self.model = model

    def do(self, operation: tuple) -> None:
        name, path, *arguments = operation
        getattr(self, "_" + name)(b"/".join((self.base, *path)), *arguments)
        getattr(self.model, name)(path, *arguments)

    def full(self, path: tuple[bytes, ...]) -> bytes:
        return b"/".join((self.base, *path))

    def _create(self, path, mode):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        os.chmod(path, mode)

    def _mkdir(self, path, mode):
        os.mkdir(path, mode)
        os.chmod(path, mode)

    def _symlink(self, path, target):
        os.symlink(target, path)

    def _unlink(self, path):
        os.unlink(path)

    def _rmdir(self, path):
        os.rmdir(path)

    def _rename(self, old, new):
        os.rename(old, self.full(new))

    def _link(self, old, new):
        os.link(old, self.full(new), follow_symlinks=False)

    def _write(self, path, offset, length, seed):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(pattern(seed, length))

    def _truncate(self, path, size):
        os.truncate(path, size)

    def _fallocate(self, path, offset, length):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), offset, length)

    def _setxattr(self, path, name, length, seed):
        os.setxattr(path, name, pattern(seed, length), follow_symlinks=False)

    def _chmod(self, path, mode):
        os.chmod(path, mode)

    def _chown(self, path, uid, gid):
        os.lchown(path, uid, gid)


def by_linux(model: Model, round_number: int, folder: Path) -> None:
    """A directory that grows, files that change, others that go: some of them ours."""
    side = HostSide(folder, model)
    top = (b"linux-%d" % round_number,)
    side.do(("mkdir", top, 0o755))
    for number in range(60):
        side.do(("create", (*top, b"%03d" % number + b"x" * (number * 7 % 120)), 0o644))
    side.do(("create", (*top, b"data"), 0o600))
    for number in range(20):
        side.do(("write", (*top, b"data"), (19 - number) * 9000, 3000, 100 + number))
    side.do(("fallocate", (*top, b"data"), 150_000, 60_000))
    side.do(("setxattr", (*top, b"data"), b"user.big", 500, 9))
    side.do(("symlink", (*top, b"slow"), b"s" * 300))
    ours = [path for path, node in model.walk() if node.kind == REGULAR and not node.flags and path[0] != top[0]]
    for number, path in enumerate(ours[::3]):
        size = model.at(path).contents.size
        if number % 4 == 0:
            side.do(("write", path, size // 2, 5000, number))
        elif number % 4 == 1:
            side.do(("truncate", path, size // 3))
        elif number % 4 == 2:
            side.do(("rename", path, (*top, b"was-%d" % number)))
        else:
            side.do(("unlink", path))


def by_debugfs(model: Model, round_number: int, image: Path, folder: Path) -> None:
    """New files and directories, links; what debugfs does not keep straight by itself is left alone."""
    source = folder / "source"
    source.write_bytes(pattern(5, 70_000))
    name = b"debugfs-%d" % round_number
    empty = folder / "empty"
    empty.touch(0o644)
    commands = [f"mkdir {name.decode()}", f"cd {name.decode()}", f"write {source} large", "symlink s target"]
    model.make((name,), 0o040000, 0o755)
    model.make((name, b"large"), REGULAR, 0o644).contents.write(0, pattern(5, 70_000))
    model.make((name, b"s"), 0o120000, 0o777, b"target")
    for number in range(25):
        commands.append(f"write {empty} file{number}")
        model.make((name, b"file%d" % number), REGULAR, 0o644)
    for number in range(0, 25, 3):
        commands.append(f"rm file{number}")
        model.unlink((name, b"file%d" % number))
    debugfs(image, *commands)
    for path, node in model.walk():
        if path[:1] == (name,) or not path:
            node.mtime = node.atime = (False, 0)


def by_us(pair_model: Model | None, image: Path, seed: int, steps: int) -> Pair:
    """A random run that goes on from what is there."""
    pair = Pair(Session(image))
    if pair_model is not None:
        pair.model = pair_model
    chance = long_random.Chance(seed, pair.model)
    chance.number = seed * 1000
    for _ in range(steps):
        operation = chance.next()
        # Attributes whose form Linux interprets, and flags that keep it from writing, are another test's.
        if operation[0] not in ("remount", "chflags", "setacl", "utimens"):
            pair.do(operation)
    pair.finish()
    return pair


def settle(model: Model) -> None:
    """Others set times as they like."""
    for _, node in model.walk():
        node.mtime = node.atime = (False, -(1 << 62))


@pytest.mark.parametrize("features", FEATURES)
def test_in_turn(features: str, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", features)
    model: Model | None = None
    step = 1
    for number in range(3):
        pair = by_us(model, image, 50 + number, 80)
        model, step = pair.model, pair.capabilities.time_step
        with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
            pair.difference_of(walk_of_folder(folder), step)
            by_linux(model, number, folder)
        fsck(image)
        settle(model)
        pair.difference_of(walk_of_image(image), step)
        by_debugfs(model, number, image, tmp_path)
        fsck(image, "-fy", fine=(0, 1))         # it leaves counts to be mended
        settle(model)
        pair.difference_of(walk_of_image(image), step)
    by_us(model, image, 99, 60)
    problem = difference(model, walk_of_image(image), step)
    assert not problem


@pytest.mark.parametrize("features", ["ext4-1k", "ext3"])
def test_a_journal_that_linux_left(features: str, tmp_path: Path) -> None:
    """An image copied while Linux had it mounted: we replay, go on writing, and Linux goes on from there."""
    image = make_image(tmp_path / "image", features)
    copy = tmp_path / "copy"
    model = Model()
    with loop_mounted(image, tmp_path / "mnt", "rw,commit=600") as folder:
        model.make((b"lost+found",), 0o040000, 0o700)
        by_linux(model, 0, folder)
        os.sync()
        copy.write_bytes(image.read_bytes())
    settle(model)
    pair = by_us(model, copy, 7, 80)
    with loop_mounted(copy, tmp_path / "mnt", "rw") as folder:
        pair.difference_of(walk_of_folder(folder), pair.capabilities.time_step)
        by_linux(model, 1, folder)
    fsck(copy)
    settle(model)
    pair.difference_of(walk_of_image(copy), pair.capabilities.time_step)


def test_a_journal_that_we_left(tmp_path: Path) -> None:
    """The other way: copied while we had it mounted, after a sync; Linux replays our journal."""
    image = make_image(tmp_path / "image", "ext4-1k")
    copy = tmp_path / "copy"
    pair = Pair(Session(image))
    chance = long_random.Chance(3, pair.model)
    for number in range(150):
        operation = chance.next()
        if operation[0] not in ("remount", "open", "setacl"):
            pair.do(operation)
        if number % 20 == 19:
            pair.do(("sync",))
    pair.do(("sync",))
    copy.write_bytes(image.read_bytes())
    pair.session.close()
    assert copy.read_bytes() != image.read_bytes()
    with loop_mounted(copy, tmp_path / "mnt", "rw") as folder:
        pair.difference_of(walk_of_folder(folder), pair.capabilities.time_step)
    fsck(copy)
