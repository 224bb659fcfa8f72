# SPDX-License-Identifier: BSD-2-Clause
"""Mounting for writing and taking off again: claims, failures of the last writes, files without names, force."""

import pytest
from blocky import Blocky, World

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import Capabilities, FileSystem
from rump.rumpuser.interface import errno as e


def _devices_claims(world, monkeypatch):
    """What is claimed and released of the device from now on."""
    device, calls = world.kernel.device(b"/dev/d"), []
    for name in ("claim", "release"):
        original = getattr(device, name)
        monkeypatch.setattr(
            device, name, lambda *a, name=name, original=original: (calls.append((name, *a)), original(*a))[1]
        )
    return calls


def test_writers_claim_exclusively_and_readers_share(world, monkeypatch):
    calls = _devices_claims(world, monkeypatch)
    world.lwp.unmount(b"/d")
    assert calls == [("release", True)]
    calls.clear()
    for flags in (0, abi.MNT_RDONLY):
        world.lwp.mount("blocky", b"/d", flags, b"/dev/d")
        world.lwp.unmount(b"/d")
    assert calls == [("claim", True), ("release", True), ("claim", False), ("release", False)]


def test_the_devices_of_failed_unmounts_are_released(world, monkeypatch, refused):
    calls = _devices_claims(world, monkeypatch)
    world.volume.error["unmount"] = e.EIO
    with refused(e.EIO):
        world.lwp.unmount(b"/d")
    assert calls == [("release", True)]
    assert len(world.lwp.getvfsstat()) == 1
    world.lwp.mount("blocky", b"/d", 0, b"/dev/d")


def test_what_cannot_be_synced_stays_mounted_unless_forced(world, monkeypatch, refused):
    """By force it goes: unmounted, its device released, and the error told."""
    calls = _devices_claims(world, monkeypatch)
    world.volume.error["sync"] = e.EIO
    with refused(e.EIO):
        world.lwp.unmount(b"/d")
    assert (calls, "unmount" in world.volume.log) == ([], False)
    with refused(e.EIO):
        world.lwp.unmount(b"/d", abi.MNT_FORCE)
    assert (calls, world.volume.log[-1]) == ([("release", True)], "unmount")
    assert len(world.lwp.getvfsstat()) == 1


def test_halting_unmounts_what_cannot_be_synced(world, lab, refused):
    world.file(b"f", b"data")
    world.volume.error["sync"] = e.ENOSPC
    with refused(e.ENOSPC):
        world.kernel.halt()
    assert world.volume.log[-1] == "unmount"
    assert list(world.kernel.mounts) == []
    world.kernel.halt()


@pytest.mark.parametrize("how", ["force", "halt", "close"])
def test_files_without_names_are_gone_when_it_is_off(world, how):
    """Open at the end or not; what has a name stays."""
    kept, fd = world.file(b"kept", b"1"), world.file(b"f", b"data")
    nodes = world.volume._nodes
    world.lwp.mkdir(b"/d/dir", 0o755)
    directory = world.lwp.open(b"/d/dir", abi.O_RDONLY)
    world.lwp.unlink(b"/d/f")
    world.lwp.rmdir(b"/d/dir")
    assert len(nodes) == 4
    if how == "force":
        world.lwp.unmount(b"/d", abi.MNT_FORCE)
    elif how == "halt":
        world.kernel.halt()
    else:
        for each in (fd, directory):
            world.lwp.close(each)
        world.lwp.close(kept)
        world.lwp.unmount(b"/d")
    assert len(nodes) == 2
    assert world.volume.log.count("inactive") == 2
    assert world.volume.log[-2:] == ["sync", "unmount"]


def test_what_is_open_after_a_forced_unmount_leads_nowhere(world, lab, refused):
    """Nothing reaches the driver or the device any more; descriptors can be closed."""
    fd = world.file(b"f", b"x" * 3000)
    directory = world.lwp.open(b"/d", abi.O_RDONLY)
    world.lwp.chdir(b"/d")
    world.lwp.unmount(b"/d", abi.MNT_FORCE)
    before, gone, log = bytes(world.bytes), world.volume, len(world.volume.log)
    calls = (
        lambda: world.lwp.pread(fd, 10, 0),
        lambda: world.lwp.pwrite(fd, b"y", 0),
        lambda: world.lwp.ftruncate(fd, 0),
        lambda: world.lwp.fsync(fd),
        lambda: world.lwp.fchmod(fd, 0o600),
        lambda: world.lwp.posix_fallocate(fd, 0, 1),
        lambda: world.lwp.fdiscard(fd, 0, 1),
        lambda: world.lwp.rump_listdir(directory),
        lambda: world.lwp.open(b"new", abi.O_WRONLY | abi.O_CREAT),
        lambda: world.lwp.stat(b"f2"),
        lambda: world.lwp.rump_populate(directory, ()),
    )
    for call in calls:
        with refused(e.EIO):
            call()
    world.lwp.mount("blocky", b"/d", 0, b"/dev/d")
    world.lwp.chdir(b"/")
    for each in (fd, directory):
        world.lwp.close(each)
    assert (world.bytes, len(gone.log)) == (before, log)


def test_a_failure_to_give_a_file_up_is_logged(world):
    """The call that closed it has done what it was for."""
    fd = world.file(b"f", b"data")
    world.lwp.unlink(b"/d/f")
    world.volume.error["inactive"] = e.EIO
    world.lwp.close(fd)
    assert any("blocky: giving up file" in line for line in world.lab.messages)
    world.volume.error.clear()
    world.lwp.stat(b"/d")


def test_a_volume_without_a_root_is_let_go(lab, refused):
    class Rootless(Blocky):
        def root(self):
            raise fault(e.EIO, "no root")

    made = []

    def mount(arguments):
        made.append(Rootless(arguments.services, arguments.device))
        return made[0]

    driver = FileSystem("rootless", mount=mount, capabilities=Blocky.capabilities)
    kernel = lab.boot(drivers=(driver,))
    kernel.etfs_register(b"/dev/d", lab.image(b"image", bytes(1 << 20)), read_only=False)
    with refused(e.EIO):
        kernel.lwp.mount("rootless", b"/tmp", 0, b"/dev/d")
    assert made[0].log[-1] == "unmount"
    kernel.etfs_remove(b"/dev/d")


def test_who_says_that_it_cannot_be_written_to(lab, refused):
    """The device, the driver's table, or the driver when it has looked: EROFS each time, and why."""

    def mount(arguments):
        raise fault(e.EROFS, "unsupported read-only feature: verity")

    able = FileSystem("able", mount=mount, capabilities=Blocky.capabilities)
    reader = Capabilities(name_max=255, file_size_max=1, time_min=0, time_max=1)
    unable = FileSystem("unable", mount=mount, capabilities=reader)
    kernel = lab.boot(drivers=(able, unable))
    kernel.etfs_register(b"/dev/rw", lab.image(b"one", bytes(4096)), read_only=False)
    kernel.etfs_register(b"/dev/ro", lab.image(b"other", bytes(4096)))
    for name, device, why in (
        ("able", b"/dev/rw", "verity"), ("able", b"/dev/ro", "ro"), ("unable", b"/dev/rw", "unable"),
    ):  # fmt: skip
        with refused(e.EROFS) as caught:
            kernel.lwp.mount(name, b"/tmp", 0, device)
        assert why in str(caught.error)
    for device in (b"/dev/rw", b"/dev/ro"):
        kernel.etfs_remove(device)


def test_errors_behind_a_system_call_leave_the_kernel_usable(lab, monkeypatch):
    """Whatever comes up while an lwp leaves, the virtual CPU is given back."""
    world = World(lab, False)
    monkeypatch.setattr(world.kernel.vnodes, "release", lambda vnode: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.lwp.stat(b"/d")
    monkeypatch.undo()
    assert world.kernel.cpu.inside == 0
    world.lwp.stat(b"/dev")
    lab.kernels.clear()         # its references do not add up
