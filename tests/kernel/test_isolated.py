# SPDX-License-Identifier: BSD-2-Clause
"""Volumes whose drivers run in processes of their own: what befalls whom when such a process goes wrong."""

import os
import signal
import sys

import pytest

from rump.conformance.images import load
from rump.kernel import abi, boot
from rump.kernel.vfs.isolated import process as processes
from rump.rumpuser.interface import errno as e

if not sys.platform.startswith("linux"):
    pytest.skip("the only host with confined processes", allow_module_level=True)

from rump.rumpuser.linux import Linux

ISOLATE = {"isolate": ""}


class Isolation:
    """A kernel of this host, with images to mount isolated at /mnt, and a look at the processes."""

    def __init__(self, folder, **more):
        self.folder = folder
        self.lines = []
        self.host = Linux()
        self.kernel = boot(self.host, log=self.lines.append, **more)
        self.lwp = self.kernel.lwp
        self.lwp.mkdir(b"/mnt", 0o755)

    def mount(self, kind, where=b"/mnt", writable=False, name=None):
        path = self.folder / f"{name or kind}.img"
        path.write_bytes(load(kind))
        key = b"/dev/" + path.name.encode()
        self.kernel.etfs_register(key, os.fsencode(path), read_only=not writable)
        self.lwp.mount("", where, flags=0 if writable else abi.MNT_RDONLY, device=key, options=ISOLATE)
        return path

    @property
    def volume(self):
        """The volume mounted last."""
        return list(self.kernel.mounts)[-1].innermost

    @property
    def pid(self):
        return self.host._confined[self.volume._process._process].pid

    def names(self, path=b"/mnt"):
        fd = self.lwp.open(path, abi.O_RDONLY)
        try:
            return [name for name, _, _ in self.lwp.getdents(fd, 1 << 16)]
        finally:
            self.lwp.close(fd)


@pytest.fixture
def isolation(tmp_path):
    made = []

    def make(**more):
        made.append(Isolation(tmp_path, **more))
        return made[-1]

    yield make
    for each in made:
        try:
            each.kernel.halt()
        except OSError:
            pass
        assert each.host._confined == {}
        assert each.host._streams == {}
        assert each.host._descriptors == {}


def fails(number, call, *arguments, **named):
    with pytest.raises(OSError) as caught:
        call(*arguments, **named)
    assert caught.value.errno == number


def test_what_binds_it(isolation):
    """On any Linux this suite runs on there are limits; what else there is the process says."""
    here = isolation()
    here.mount("ext4")
    assert "limits" in here.volume.confines
    assert set(here.volume.confines) <= set(here.host.traits.confines)


def test_killed_in_the_middle_of_reading_it_is_started_again(isolation):
    here = isolation()
    here.mount("ext4")
    before = here.names()
    fd = here.lwp.open(b"/mnt/" + before[2], abi.O_RDONLY)
    os.kill(here.pid, signal.SIGKILL)
    fails(e.EIO, here.lwp.statvfs, b"/mnt")
    assert here.lines == [
        "ext2fs on ext4.img: the isolated driver failed: its process has ended (signal 9); it is started again"
    ]
    assert here.names() == before
    here.lwp.fstat(fd)
    here.lwp.close(fd)
    assert len(here.lines) == 1


def test_an_image_that_always_kills_it_is_given_up(isolation):
    here = isolation()
    here.mount("ext4")
    for _ in range(4):
        os.kill(here.pid, signal.SIGKILL)
        fails(e.EIO, here.lwp.statvfs, b"/mnt")
        try:
            here.lwp.statvfs(b"/mnt")
        except OSError:
            break
    fails(e.EIO, here.lwp.statvfs, b"/mnt")
    assert len(here.lines) == 4


def test_a_hang_is_a_timeout(isolation):
    here = isolation()
    here.mount("ext4")
    here.volume._process._patience = 200_000_000
    os.kill(here.pid, signal.SIGSTOP)
    fails(e.ETIMEDOUT, here.lwp.statvfs, b"/mnt")
    assert "no answer for 0.2 s" in here.lines[0]
    here.lwp.statvfs(b"/mnt")


def test_other_mounts_go_on(isolation):
    here = isolation()
    here.lwp.mkdir(b"/other", 0o755)
    here.mount("fat16", b"/other")
    here.mount("ext4")
    os.kill(here.pid, signal.SIGKILL)
    here.lwp.statvfs(b"/other")
    fails(e.EIO, here.lwp.statvfs, b"/mnt")
    assert here.names(b"/other")


def test_what_a_dead_writer_had_not_synced_is_lost_and_its_files_fail(isolation):
    """What was synced is there, on a mount for reading; what was open fails, until it is opened anew."""
    here = isolation()
    here.mount("ext4", writable=True)
    lwp = here.lwp
    for name in (b"synced", b"lost"):
        fd = lwp.open(b"/mnt/" + name, abi.O_RDWR | abi.O_CREAT, 0o644)
        lwp.write(fd, name * 1000)
        if name == b"synced":
            lwp.fsync(fd)
    lwp.chdir(b"/mnt")
    os.kill(here.pid, signal.SIGKILL)
    fails(e.EIO, lwp.fsync, fd)
    assert "what was not synced is lost" in here.lines[0]
    assert "mounted again, for reading only" in here.lines[-1]
    for call in (lambda: lwp.fsync(fd), lambda: lwp.pwrite(fd, b"x", 0), lambda: lwp.pread(fd, 10, 0)):
        fails(e.EIO, call)
    again = lwp.open(b"synced", abi.O_RDONLY)
    assert lwp.read(again, 100_000) == b"synced" * 1000
    fails(e.EROFS, lwp.open, b"/mnt/more", abi.O_RDWR | abi.O_CREAT, 0o644)
    lwp.close(again)
    fails(e.EIO, lwp.close, fd)
    lwp.chdir(b"/")
    lwp.unmount(b"/mnt", abi.MNT_FORCE)


class Spoiled(Linux):
    """A host whose confined processes begin at an entry of ours."""

    def __init__(self, entry):
        super().__init__()
        self.entry = entry
        self.times = 1

    def spawn_confined(self, entry, modules, handles, memory, seconds):
        if self.times:
            self.times -= 1
            entry = self.entry
        return super().spawn_confined(entry, modules, handles, memory, seconds)


HERE = os.path.dirname(os.path.abspath(__file__))
"""In `sys.path` by the conftest, and so in that of a confined process."""


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("raising", "RuntimeError: the driver is wrong"),
        ("hungry", "MemoryError"),
        ("silent", "ended"),
        ("lying", "statvfs"),
    ],
)
def test_a_driver_that_goes_wrong(tmp_path, monkeypatch, entry, said):
    """An exception, too much memory, an end without a word, an answer of the wrong form: EIO and one line; and then
    it is started again, and right."""
    monkeypatch.setattr(sys.modules[__name__], "Linux", lambda: Spoiled(f"spoiled_driver:{entry}"))
    here = Isolation(tmp_path)
    here.mount("ext4")
    fails(e.EIO, here.lwp.statvfs, b"/mnt")
    assert len(here.lines) == 1
    assert said in here.lines[0]
    here.lwp.statvfs(b"/mnt")
    here.kernel.halt()
    assert here.host._confined == {}


def test_drivers_that_do_not_come_along_are_not_isolated(isolation):
    here = isolation()
    with pytest.raises(OSError, match="no driver"):
        here.lwp.mount("nothing", b"/mnt", options=ISOLATE)
    assert processes.BUILT_IN
