# SPDX-License-Identifier: BSD-2-Clause
"""Power loss, and writes that fail: see `exfat_crash` for more of it."""

from __future__ import annotations

import subprocess

import pytest
from exfat_crash import Volume, script_of, sweep
from exfat_support import FSCK, Memory, fsck, make, mount, needs_exfatprogs, pattern

from rump.drivers.fs.exfat.writing import alloc, directory
from rump.drivers.fs.fat import stages
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e
from rump.rumpuser.middleware.powerloss import Lost

pytestmark = needs_exfatprogs
ROOT = (1, 0)
STATES = 20


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("512", "names"), ("512", "contents"), ("1k", "orphans"), ("512", "moves"), ("512", "random-1"),
        ("4k", "names"), ("4k", "random-2"),
    ],
)  # fmt: skip
def test_power_loss(kind, script):
    """fsck.exfat mends it; what was durable and has not been touched is there, before that too."""
    assert sweep(Volume(kind, script_of(script)), 3, STATES) >= STATES // 2


@pytest.mark.parametrize(
    ("module", "name", "value", "script"),
    [
        (directory, "CUT", stages.NEW, "moves"),        # old names go before the new ones are there
        (directory, "NAMES", stages.NEW, "moves"),      # names come before what they lead to
        (alloc, "NEW", stages.RELEASE, "reuse"),        # clusters are taken later than they are reachable
    ],
)
def test_the_order_matters(monkeypatch, module, name, value, script):
    """With another order the same states lose something."""
    monkeypatch.setattr(module, name, value)
    with pytest.raises(Lost):
        sweep(Volume("512", script_of(script)), 1, 100)


def test_every_write_fails(tmp_path):
    """From whichever write on all fail: what cannot be made to last makes the volume read-only, which says so at every
    sync, and what is on the medium can be mended."""
    path = make(tmp_path / "image", 3 << 20, 1024)
    base = path.read_bytes()
    failed = sticky = 0
    for number in range(0, 60, 2):
        device = Memory(base, read_only=False)
        volume = mount(device, write=True, log=[])
        device.fail_after = number
        try:
            _work(volume)
            volume.unmount()
        except Fault as error:
            assert error.errno == e.EIO
            failed += 1
        if volume.store.error:
            sticky += 1
            with pytest.raises(Fault):
                volume.sync()
            with pytest.raises(Fault) as caught:
                volume.create(ROOT, b"more", abi.S_IFREG | 0o644, 0, 0, 0, b"")
            assert caught.value.errno == e.EROFS
        path.write_bytes(device.data)
        subprocess.run([FSCK, "-y", path], capture_output=True, check=False)
        fsck(path)
    assert 5 < sticky <= failed < 29


def _work(volume) -> None:
    made, _ = volume.create(ROOT, b"d", abi.S_IFDIR | 0o755, 0, 0, 0, b"")
    for number in range(4):
        file = volume.create(made[:2], b"f%d" % number, abi.S_IFREG | 0o644, 0, 0, 0, b"")[0][:2]
        volume.set_attributes(file, ((v.SIZE, 3000),))
        volume.sync()
    volume.rename(made[:2], b"f1", ROOT, b"moved")
    volume.unlink(made[:2], b"f2")


def test_an_operation_is_rolled_back(tmp_path):
    """What fails in the middle leaves all as it was, in memory too."""
    path = make(tmp_path / "image", 3 << 20, 1024)
    volume = mount(Memory(path.read_bytes(), read_only=False), write=True)
    file = volume.create(ROOT, b"file", abi.S_IFREG | 0o644, 0, 0, 0, b"")[0][:2]
    volume.set_attributes(file, ((v.SIZE, 10_000),))
    state = volume.state
    for part, name in (
        (state.stages, "write"), (state.stages, "edit"), (state.alloc, "claim"), (state.directories, "save"),
        (state.data, "attach"),
    ):  # fmt: skip
        before = _picture(volume)
        for operation in (
            lambda: volume.set_attributes(file, ((v.SIZE, 200_000),)),
            lambda: volume.create(ROOT, b"d", abi.S_IFDIR | 0o755, 0, 0, 0, b""),
            lambda: volume.rename(ROOT, b"file", ROOT, b"x" * 200),
            lambda: volume.populate(ROOT, ((b"p", abi.S_IFDIR | 0o755, 0, 0, 0, b"", 0, 10**18, 10**18, 0, b"", ()),)),
        ):
            setattr(part, name, _fails)
            try:
                operation()
            except Fault as error:
                assert error.errno == e.EIO
                delattr(part, name)
                assert _picture(volume) == before
            else:
                delattr(part, name)
                before = _picture(volume)
                _put_back(volume)
                before = _picture(volume)
    volume.unmount()
    path.write_bytes(volume.device.data)
    fsck(path)


def _fails(*_arguments, **_keywords):
    raise Fault(e.EIO, "made to fail")


def _picture(volume) -> tuple:
    entries = volume.list_attributes(ROOT, 0, 100)[0]
    return entries, volume.statvfs(), {**volume.store.blocks}


def _put_back(volume) -> None:
    """Undo what an operation did that did not come by what was made to fail."""
    names = [name for name, *_ in volume.list(ROOT, 0, 100)[0]]
    for name in names:
        if name in (b"d", b"p"):
            file = volume.lookup(ROOT, name)[:2]
            volume.rmdir(ROOT, name)
            volume.inactive(file)
        elif name != b"file":
            volume.rename(ROOT, name, ROOT, b"file")
    volume.set_attributes(volume.lookup(ROOT, b"file")[:2], ((v.SIZE, 10_000),))


def test_interrupted_writes(tmp_path):
    """Between reserving and writing nothing is lost but the space held in memory, which can be given back."""
    path = make(tmp_path / "image", 3 << 20, 1024)
    volume = mount(Memory(path.read_bytes(), read_only=False), write=True)
    file = volume.create(ROOT, b"file", abi.S_IFREG | 0o644, 0, 0, 0, b"")[0][:2]
    free = volume.statvfs()[3]
    volume.reserve(file, 0, 50_000)
    assert volume.statvfs()[3] == free - 49
    volume.abandon(file)
    assert volume.statvfs()[3] == free
    runs = volume.reserve(file, 0, 50_000)
    volume.device.write(runs[0][3], pattern(1, 2000))
    volume.commit_write(file, 0, 2000)
    assert volume.statvfs()[3] == free - 2
    assert volume.place(ROOT, (1000, 5000)) is not None
    volume.abandon(ROOT)
    assert volume.statvfs()[3] == free - 2
    volume.unmount()
    path.write_bytes(volume.device.data)
    fsck(path)
