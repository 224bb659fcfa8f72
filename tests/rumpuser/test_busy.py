# SPDX-License-Identifier: BSD-2-Clause
"""Who uses an image where no lock shows it: on real devices where there are some, else in a made-up /sys and /proc."""

import os
import shutil
import subprocess

import pytest

from rump.rumpuser.interface.errno import EBADF
from rump.rumpuser.interface.hypercalls import OPEN_RDONLY, OPEN_RDWR

SIZE = 1 << 20
needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("losetup"), reason="no loop devices")


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def knowing(host):
    if "busy" in host.traits.absent:
        pytest.skip("a host that does not know")
    return host


@pytest.fixture
def attach():
    """attach(file): a loop device over it."""
    made = []

    def loop(path):
        done = _run("losetup", "--show", "-f", os.fspath(path))
        if done.returncode:
            pytest.skip("no loop devices")
        made.append(done.stdout.strip())
        return made[-1]

    yield loop
    for name in reversed(made):
        _run("losetup", "-d", name)


def test_nobody(knowing, new, path, folder):
    assert knowing.busy(new(b"abc")) == ""
    assert knowing.busy(knowing.open(path("file0"), OPEN_RDONLY)) == ""
    assert knowing.busy(knowing.open(folder, OPEN_RDONLY)) == ""
    assert knowing.busy(knowing.open(b"/dev/null", OPEN_RDONLY)) == ""


def test_refusals(knowing, new, refused):
    with refused(EBADF):
        knowing.busy(99)


@needs_root
@pytest.mark.root
def test_a_loop_device(knowing, new, path, attach):
    """By whatever name the file is opened, and the loop device itself is free."""
    handle = new(bytes(SIZE))
    name = attach(os.fsdecode(path("file0")))
    assert knowing.busy(handle) == f"loop device {name}"
    os.symlink(path("file0"), path("soft"))
    os.link(path("file0"), path("hard"))
    for other in ("soft", "hard"):
        assert knowing.busy(knowing.open(path(other), OPEN_RDWR)) == f"loop device {name}"
    device = knowing.open(name.encode(), OPEN_RDONLY)
    assert knowing.busy(device) == ""
    upper = attach(name)
    assert knowing.busy(device) == f"loop device {upper}"
    knowing.close(device)


@needs_root
@pytest.mark.root
def test_a_mounted_device(knowing, backend, new, path, attach, tmp_path):
    if backend != "linux-pure" or not shutil.which("mke2fs"):
        pytest.skip("once is enough")
    handle = new(bytes(SIZE))
    assert _run("mke2fs", "-q", "-F", os.fsdecode(path("file0"))).returncode == 0
    name = attach(os.fsdecode(path("file0")))
    where = tmp_path / "with blank"
    where.mkdir()
    if _run("mount", "-t", "ext2", name, os.fspath(where)).returncode:
        pytest.skip("mounting is not allowed")
    device = knowing.open(name.encode(), OPEN_RDONLY)
    try:
        assert knowing.busy(device) == f"mounted on {tmp_path}/with\\040blank"
        assert knowing.busy(handle) == f"loop device {name}"
    finally:
        knowing.close(device)
        assert _run("umount", os.fspath(where)).returncode == 0
    assert knowing.busy(knowing.open(name.encode(), OPEN_RDONLY)) == ""


# ---- a made-up system ------------------------------------------------------------------------------------------------

DISK, PARTITION, OTHER = (os.makedev(259, minor) for minor in (0, 1, 9))


class System:
    """/sys and /proc in a folder: a disk 259:0 with a partition 259:1, another disk 259:9."""

    def __init__(self, folder):
        self.sys, self.proc = str(folder / "sys"), str(folder / "proc")
        for number, where in (("259:0", "disk"), ("259:1", "disk/disk1"), ("259:9", "other")):
            self.write(f"sys/devices/{where}/dev", number, folder)
            (folder / "sys/dev/block").mkdir(parents=True, exist_ok=True)
            (folder / "sys/dev/block" / number).symlink_to(folder / "sys/devices" / where)
        self.write("sys/devices/disk/disk1/partition", "1", folder)
        self.folder = folder

    def write(self, name, text, folder=None):
        path = (folder or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def user_of(self, number=None, path=None):
        from rump.rumpuser.linux.users import user_of

        return user_of(os.stat(path) if path else Block(number), self.sys, self.proc)


class Block:
    """The status of a block device."""

    st_mode = 0o060600

    def __init__(self, number):
        self.st_rdev = number


@pytest.fixture
def system(tmp_path):
    pytest.importorskip("rump.rumpuser.linux")
    return System(tmp_path)


def test_a_bare_system(system, tmp_path):
    """Nothing of /sys and /proc may be there at all."""
    from rump.rumpuser.linux.users import user_of

    assert system.user_of(DISK) == ""
    assert user_of(os.stat(__file__), os.fspath(tmp_path / "no"), os.fspath(tmp_path / "nothing")) == ""


def test_a_disk_whose_partition_is_mounted(system):
    lines = "1 1 0:2 / / rw - tmpfs none rw", "30 1 259:1 / /mnt rw shared:1 - ext4 /dev/x rw", "?"
    system.write("proc/self/mountinfo", "\n".join(lines))
    assert [system.user_of(number) for number in (DISK, PARTITION, OTHER)] == ["mounted on /mnt"] * 2 + [""]


def test_a_partition_of_a_disk_that_is_held(system):
    system.write("sys/devices/disk/holders/dm-3/dev", "253:3")
    assert [system.user_of(number) for number in (DISK, PARTITION, OTHER)] == ["device dm-3"] * 2 + [""]


def test_swap(system, tmp_path):
    swap, other = tmp_path / "swap file", tmp_path / "other"
    for path in (swap, other):
        path.write_bytes(b"")
    name = str(swap).replace(" ", "\\040")
    system.write("proc/swaps", f"Filename Type Size Used Priority\n{name} file 1024 0 -2")
    assert (system.user_of(path=swap), system.user_of(path=other)) == ("swap", "")


def test_a_loop_device_over_a_file_since_removed(system, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(b"")
    system.write("sys/block/loop3/loop/backing_file", f"{image} (deleted)")
    system.write("sys/block/loop0/size", "0")
    system.write("sys/block/sda/loop/backing_file", str(tmp_path / "swap"))
    assert system.user_of(path=image) == "loop device /dev/loop3"
    assert system.user_of(path=__file__) == ""
