# SPDX-License-Identifier: BSD-2-Clause
"""The backends of other systems, on models of them: what each has of its own, and that its errors are translated."""

import errno
import os
import socket
import subprocess
import sys

import pytest

from rump.conformance.models import CLASSES, Simulation
from rump.rumpuser import host as chosen
from rump.rumpuser.interface import errno as space
from rump.rumpuser.interface import hypercalls as calls
from rump.rumpuser.interface.errno import (
    EAGAIN,
    EBADF,
    EBUSY,
    EINVAL,
    EIO,
    ENOENT,
    ENOSPC,
    EOPNOTSUPP,
    HostError,
)

SIZE = 1 << 20
RAW = ("dragonfly", "freebsd", "macos")
PIECES = {
    "cygwin": ("names", "random"),
    "dragonfly": ("mounts", "names", "random"),
    "freebsd": ("discard", "mounts", "names", "random"),
    "hurd": (),
    "macos": ("mounts", "names", "random"),
    "netbsd": ("discard", "mounts", "names", "random", "swaps", "sync"),
    "openbsd": ("mounts", "names", "random", "swaps"),
    "solaris": ("names", "random", "watch"),
}


@pytest.fixture(params=sorted(CLASSES))
def simulation(request):
    return Simulation(request.param)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"boot" + bytes(SIZE - 4))
    return str(path)


def _opened(simulation, path, flags=calls.OPEN_RDWR):
    host = simulation.backend()
    return host, host.open(os.fsencode(path), flags)


def _contents(host, handle, length, offset=0):
    buffer = bytearray(length)
    count = host.read(handle, buffer, offset)
    return bytes(buffer[:count])


def _refused(number, call, *arguments):
    with pytest.raises(HostError) as caught:
        call(*arguments)
    assert caught.value.errno == number


# ---- which backend, and what it says of itself -----------------------------------------------------------------------


def test_every_platform_finds_its_backend(monkeypatch):
    platforms = {
        "netbsd10": "netbsd", "dragonfly6": "dragonfly", "sunos5": "solaris", "cygwin": "cygwin", "gnu0": "hurd",
        "freebsd14": "freebsd", "openbsd7": "openbsd", "darwin": "macos",
    }  # fmt: skip
    for platform, name in platforms.items():
        monkeypatch.setattr(chosen.sys, "platform", platform)
        assert chosen.default().traits.name == name
    assert set(platforms.values()) == set(CLASSES)


def test_traits(simulation):
    traits = simulation.backend().traits
    assert traits.name == simulation.host
    assert traits.compiled == PIECES[simulation.host]
    assert traits.locks and traits.threads
    assert traits.punches_holes == (simulation.host in ("freebsd", "macos", "netbsd", "solaris"))
    assert traits.finds_holes == (simulation.host in ("cygwin", "freebsd", "macos", "solaris"))
    assert traits.range_sync == (simulation.host == "netbsd")
    assert traits.notifies == (simulation.system.kqueue or "watch" in traits.compiled)


def test_traits_without_compiled_pieces():
    for name in CLASSES:
        traits = Simulation(name, compiled=False).backend().traits
        assert traits.compiled == ()
        assert not traits.range_sync
        assert traits.punches_holes == (name in ("macos", "solaris"))


def test_compiled_pieces_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("RUMP_NATIVE", "0")
    assert Simulation("netbsd").backend().traits.compiled == ()


def test_the_real_modules_stay_as_they_are(simulation):
    simulation.backend()
    from rump.rumpuser.posix import errors, files

    assert files.os is os
    assert errors.errno_of(errno.ELOOP) == space.ELOOP
    assert simulation.world.load("rump.rumpuser.posix.files") is not files


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_every_error_of_the_system_is_translated(simulation):
    """By name; of two names of one number the one that a file says, and EIO for what nobody else has."""
    translate = simulation.world.load("rump.rumpuser.posix.errors").errno_of
    numbers = {name: value for name, value in vars(simulation.system.numbers).items() if name[0] == "E"}
    assert len(numbers) > 80
    for name, value in numbers.items():
        same = {space.number(other) for other, number in numbers.items() if number == value}
        wanted = {EOPNOTSUPP} if EOPNOTSUPP in same else same
        assert translate(value) in wanted, name
    assert translate(-308) == translate(2500) == translate(0) == EIO       # of Mach, and of nobody
    known = set(space.NAMES.values()) & set(numbers)
    assert {"ENOENT", "ELOOP", "ENOTEMPTY", "EDQUOT", "ESTALE", "EOPNOTSUPP", "EOVERFLOW"} <= known


def test_errors_come_with_the_system_s_numbers(simulation, tmp_path):
    """What reaches the backend is not Linux's number; what leaves it is of the one space."""
    numbers = simulation.system.numbers
    private = simulation.world.load("rump.rumpuser.posix.files").os
    with pytest.raises(FileNotFoundError) as caught:
        private.open(str(tmp_path / "missing"), numbers.O_RDONLY)
    assert caught.value.errno == numbers.ENOENT
    link = tmp_path / "link"
    link.symlink_to(link)
    host = simulation.backend()
    _refused(ENOENT, host.open, os.fsencode(tmp_path / "missing"), 0)
    _refused(space.ELOOP, host.open, os.fsencode(link), 0)
    _refused(space.ENAMETOOLONG, host.open, os.fsencode(tmp_path / ("n" * 300)), 0)
    _refused(space.EISDIR, host.open, os.fsencode(tmp_path), calls.OPEN_RDWR)


# ---- disks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sector", [512, 4096])
def test_the_medium(simulation, image, sector):
    simulation.system.present(image, "/dev/disk", sector)
    host, handle = _opened(simulation, "/dev/disk", calls.OPEN_RDONLY)
    assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, sector)
    assert host.extents(handle, 0, 2 * SIZE) == ((calls.EXTENT_DATA, 0, SIZE),)
    host.close(handle)


@pytest.mark.parametrize("sector", [512, 4096])
def test_reading_and_writing_parts_of_sectors(simulation, image, sector):
    simulation.system.present(image, "/dev/disk", sector)
    host, handle = _opened(simulation, "/dev/disk")
    assert _contents(host, handle, 7, 1) == b"oot\0\0\0\0"
    assert _contents(host, handle, 100, SIZE - 50) == bytes(50)
    assert _contents(host, handle, 100, SIZE + 50) == b""
    data = bytes(range(1, 256)) * 40
    assert host.write(handle, data, 4095) == len(data)
    assert _contents(host, handle, len(data) + 2, 4094) == b"\0" + data + b"\0"
    results = host.submit(handle, [(calls.BIO_WRITE, b"xy", 3), (calls.BIO_READ, bytearray(9), SIZE - 4),
                                   (calls.BIO_READ, bytearray(1), -1)])  # fmt: skip
    assert results == (2, 4, -EINVAL)
    assert _contents(host, handle, 6) == b"booxy\0"
    _refused(ENOSPC, host.write, handle, bytes(4096), SIZE)
    assert host.copy_range(handle, 0, handle, 100, 6) == 6
    assert _contents(host, handle, 6, 100) == b"booxy\0"
    _refused(EINVAL, host.truncate, handle, 0)
    _refused(EINVAL, host.copy_range, handle, 0, handle, 3, 6)
    host.sync(handle, calls.SYNC_DATA)
    host.close(handle)
    with open(image, "rb") as file:
        assert file.read(6) == b"booxy\0"


def test_an_adopted_disk(image):
    simulation = Simulation("freebsd")
    simulation.system.present(image, "/dev/ada0")
    with open(image, "rb") as file:
        host = simulation.backend()
        handle = host.adopt(file.fileno())
        assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, 512)
        _refused(EBADF, host.write, handle, b"abc", 0)
        host.close(handle)
    assert host._raw == {}


def test_a_raw_disk_and_a_file(simulation, image, tmp_path):
    """copy_range between the two."""
    simulation.system.present(image, "/dev/disk")
    host, disk = _opened(simulation, "/dev/disk")
    file = host.open(os.fsencode(tmp_path / "copy"), calls.OPEN_RDWR | calls.OPEN_CREATE)
    assert host.copy_range(disk, 1, file, 0, 10) == 10
    assert _contents(host, file, 20) == b"oot" + bytes(7)
    assert host.copy_range(file, 0, disk, SIZE - 3, 3) == 3
    assert host.copy_range(disk, SIZE - 3, file, 5, 100) == 3
    assert _contents(host, file, 20, 5) == b"oot" + bytes(2)
    host.close(file)
    host.close(disk)


def test_a_character_device_that_is_no_disk(tmp_path):
    host, handle = _opened(Simulation("freebsd"), tmp_path, calls.OPEN_RDONLY)
    assert host.getfileinfo(handle)[1] == calls.FT_DIR
    host.close(handle)


@pytest.mark.parametrize("machine", ["amd64", "i386"])
@pytest.mark.parametrize("part", [0, 3, 8, 15])
def test_partitions_of_netbsd(image, part, machine):
    """i386 numbers the later eight apart."""
    simulation = Simulation("netbsd")
    simulation.system.machine = machine
    simulation.system.present(image, "/dev/wd0", 512, part)
    host, handle = _opened(simulation, "/dev/wd0")
    assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, 512)


@pytest.mark.parametrize("shown_as,name,sector", [("wedge", "/dev/dk0", 4096), ("unlabelled", "/dev/wd0", 512)])
def test_disks_of_netbsd_without_partitions(image, shown_as, name, sector):
    simulation = Simulation("netbsd")
    simulation.system.shown_as = shown_as
    simulation.system.present(image, name, sector)
    host, handle = _opened(simulation, name)
    assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, sector)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("part", [2, 15])
def test_partitions_of_openbsd(image, older, part):
    simulation = Simulation("openbsd")
    simulation.system.older = older
    simulation.system.present(image, "/dev/sd0", 512, part)
    host, handle = _opened(simulation, "/dev/sd0")
    assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, 512)


def test_a_disk_of_solaris_without_slices(image):
    simulation = Simulation("solaris")
    simulation.system.slices = False
    simulation.system.present(image, "/dev/lofi/1")
    host, handle = _opened(simulation, "/dev/lofi/1")
    assert host.getfileinfo(handle) == (SIZE, calls.FT_BLK, 512)


@pytest.mark.parametrize(
    "name, request_name",
    [("cygwin", "BLKGETSIZE64"), ("cygwin", "BLKSSZGET"), ("dragonfly", "DIOCGPART"), ("freebsd", "DIOCGMEDIASIZE"),
     ("freebsd", "DIOCGSECTORSIZE"), ("macos", "DKIOCGETBLOCKCOUNT"), ("macos", "DKIOCGETBLOCKSIZE"),
     ("netbsd", "DIOCGDINFO"), ("netbsd", "DIOCGSECTORSIZE"), ("openbsd", "DIOCGDINFO"), ("solaris", "DKIOCGMEDIAINFO"),
     ("solaris", "DKIOCEXTPARTINFO")],
)  # fmt: skip
def test_a_model_notices_a_wrong_request(image, name, request_name):
    simulation = Simulation(name)
    simulation.system.present(image, "/dev/disk", 4096, 20 if name == "openbsd" else 1)
    numbers = simulation.world.load(f"rump.rumpuser.{name}.abi")
    setattr(numbers, request_name, getattr(numbers, request_name) + 1)
    host, handle = _opened(simulation, "/dev/disk")
    try:
        found = host.getfileinfo(handle)
    except HostError:
        return
    assert found != (SIZE, calls.FT_BLK, 4096)


# ---- space and durability --------------------------------------------------------------------------------------------

RANGES = [(0, SIZE), (0, 4096), (1, 10), (4096, 8192), (100, 9000), (SIZE - 5000, 5000), (SIZE - 1, 1), (SIZE - 10, 99),
          (SIZE, 4096), (2 * SIZE, 10)]  # fmt: skip


@pytest.mark.parametrize("name", ["freebsd", "macos", "netbsd", "solaris"])
@pytest.mark.parametrize("start, length", RANGES)
def test_holes_leave_the_size_and_the_rest(tmp_path, name, start, length):
    path = tmp_path / "file"
    path.write_bytes(b"x" * SIZE)
    host, handle = _opened(Simulation(name), path)
    host.discard(handle, start, length)
    host.close(handle)
    wanted = bytearray(b"x" * SIZE)
    wanted[start : min(start + length, SIZE)] = bytes(max(0, min(start + length, SIZE) - start))
    assert path.read_bytes() == bytes(wanted)


@pytest.mark.parametrize("name", ["cygwin", "dragonfly", "hurd", "openbsd"])
def test_no_holes(image, name):
    host, handle = _opened(Simulation(name), image)
    _refused(EOPNOTSUPP, host.discard, handle, 0, 4096)
    host.discard(handle, 0, 0)


@pytest.mark.parametrize("name, command", [("macos", 99), ("solaris", 11)])
@pytest.mark.parametrize("refusal, number", [("ENOTSUP", EOPNOTSUPP), ("EINVAL", EOPNOTSUPP), ("ENOSPC", ENOSPC)])
def test_file_systems_without_holes(image, monkeypatch, name, command, refusal, number):
    simulation = Simulation(name)

    def refuse(descriptor, argument):
        raise simulation.system.error(refusal)

    monkeypatch.setattr(simulation.system, "fcntls", lambda: {command: refuse})
    host, handle = _opened(simulation, image)
    _refused(number, host.discard, handle, 0, 8192)


@pytest.mark.parametrize("name", ["freebsd", "macos", "solaris"])
def test_disks_without_holes(name, image):
    simulation = Simulation(name)
    simulation.system.present(image, "/dev/disk")
    host, handle = _opened(simulation, "/dev/disk")
    _refused(EOPNOTSUPP, host.discard, handle, 0, 4096)


def test_a_file_system_without_locks(simulation, image, monkeypatch):
    """Of NFS, say; errors of the medium stay what they are."""
    host, handle = _opened(simulation, image)
    for refusal, number in (("ENOLCK", EOPNOTSUPP), ("ENOTSUP", EOPNOTSUPP), ("EIO", EIO)):
        private = simulation.world.load("rump.rumpuser.posix.locks").fcntl

        def refuse(*arguments, refusal=refusal):
            raise simulation.system.error(refusal)

        with monkeypatch.context() as patch:
            patch.setattr(private, "lockf", refuse)
            commands = simulation.system.lock_commands()
            patch.setattr(simulation.system, "lock_commands", dict)
            patch.setattr(simulation.system, "fcntls", lambda refuse=refuse, all=commands: dict.fromkeys(all, refuse))
            _refused(number, host.lock, handle, 0, 1, calls.LOCK_SHARED)
    host.lock(handle, 0, 1, calls.LOCK_SHARED)


def test_syncs_of_netbsd(image):
    simulation = Simulation("netbsd")
    host, handle = _opened(simulation, image)
    host.sync(handle, calls.SYNC_DATA, 4096, 512)
    host.sync(handle, calls.SYNC_DATA | calls.SYNC_BARRIER, 4096, 512)
    host.sync(handle, calls.SYNC_ALL, 4096, 512)
    calls_made = simulation.system.calls
    assert calls_made == [("fsync_range", 1, 4096, 512), ("fsync_range", 1, 0, 0), ("fsync_range", 2, 0, 0)]


def test_syncs_of_netbsd_without_compiled_pieces(image):
    simulation = Simulation("netbsd", compiled=False)
    host, handle = _opened(simulation, image)
    host.sync(handle, calls.SYNC_DATA, 4096, 512)
    host.sync(handle, calls.SYNC_ALL)
    assert simulation.system.calls == [("fdatasync",), ("fsync",)]


def test_syncs_of_macos(image, monkeypatch):
    simulation = Simulation("macos")
    host, handle = _opened(simulation, image)
    host.sync(handle, calls.SYNC_DATA, 0, 512)
    host.sync(handle, calls.SYNC_ALL | calls.SYNC_BARRIER)
    host.sync(handle, calls.SYNC_BARRIER)
    assert simulation.system.calls == [("F_FULLFSYNC",), ("F_FULLFSYNC",), ("F_BARRIERFSYNC",)]

    refusals = ["ENOTSUP", "ENOTTY", "EIO"]

    def refuse(descriptor, argument):
        raise simulation.system.error(refusals.pop(0))

    monkeypatch.setattr(simulation.system, "fcntls", lambda: {51: refuse, 85: refuse})
    for _ in range(2):
        host.sync(handle, calls.SYNC_ALL)
        assert simulation.system.calls.pop() == ("fsync",)
    _refused(EIO, host.sync, handle, calls.SYNC_ALL)


# ---- locks -----------------------------------------------------------------------------------------------------------

OTHER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[3]), int(sys.argv[2]))
    except OSError:
        print("refused")
"""


def _refused_elsewhere(path, start, length):
    """Whether another process is kept out of a range."""
    command = [sys.executable, "-I", "-c", OTHER, path, str(start), str(length)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == "refused\n"


def test_closing_another_handle_keeps_locks(simulation, image):
    host, first = _opened(simulation, image)
    host.lock(first, 100, 10, calls.LOCK_EXCLUSIVE)
    for _ in range(2):
        second = host.open(os.fsencode(image), calls.OPEN_RDWR)
        _refused(EAGAIN, host.lock, second, 105, 1, calls.LOCK_SHARED)
        _refused(EAGAIN, host.lock, second, 0, 0, calls.LOCK_TEST)
        host.lock(second, 0, 100, calls.LOCK_EXCLUSIVE)
        host.close(second)
    assert _refused_elsewhere(image, 100, 10)
    assert not _refused_elsewhere(image, 0, 100)
    host.close(first)
    assert not _refused_elsewhere(image, 100, 10)


def test_watches_keep_locks(simulation, image):
    host, handle = _opened(simulation, image)
    watch = host.watch_create(handle)
    host.lock(handle, 0, 10, calls.LOCK_EXCLUSIVE)
    host.watch_close(watch)
    assert _refused_elsewhere(image, 0, 10)
    host.close(handle)


def test_shared_locks_of_one_process(simulation, image):
    """The process goes on holding what one handle gives up and another still has."""
    host, first = _opened(simulation, image)
    second = host.open(os.fsencode(image), calls.OPEN_RDWR)
    host.lock(first, 0, 100, calls.LOCK_SHARED)
    host.lock(second, 50, 10, calls.LOCK_SHARED)
    host.lock(first, 0, 0, calls.LOCK_RELEASE)
    assert _refused_elsewhere(image, 50, 10)
    assert not _refused_elsewhere(image, 0, 50)
    assert not _refused_elsewhere(image, 60, 40)
    host.lock(second, 52, 2, calls.LOCK_RELEASE)
    assert _refused_elsewhere(image, 54, 6)
    assert not _refused_elsewhere(image, 52, 2)
    host.close(second)
    host.close(first)
    assert not _refused_elsewhere(image, 0, 100)


def test_two_hosts_of_one_process(simulation, image):
    one, first = _opened(simulation, image)
    other, second = _opened(simulation, image)
    one.lock(first, 0, 10, calls.LOCK_SHARED)
    other.lock(second, 0, 10, calls.LOCK_SHARED)
    _refused(EAGAIN, other.lock, second, 5, 1, calls.LOCK_EXCLUSIVE)
    one.close(first)
    other.lock(second, 5, 1, calls.LOCK_EXCLUSIVE)
    other.close(second)


def test_no_descriptor_is_left_open(simulation, image):
    host = simulation.backend()
    before = len(os.listdir("/proc/self/fd"))
    handles = [host.open(os.fsencode(image), calls.OPEN_RDWR) for _ in range(4)]
    host.lock(handles[3], 0, 1, calls.LOCK_SHARED)
    for handle in handles:
        host.close(handle)
    assert len(os.listdir("/proc/self/fd")) == before


# ---- who uses a disk -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dragonfly", "freebsd", "macos", "netbsd", "openbsd"])
def test_mounted_by_the_compiled_pieces(name, image):
    simulation = Simulation(name)
    simulation.system.present(image, "/dev/disk")
    host, handle = _opened(simulation, "/dev/disk")
    assert host.busy(handle) == ""
    simulation.system.mounts = [("tmpfs", "/tmp"), ("/dev/gone", "/gone"), ("/dev/disk", "/" + "x" * 5000)]
    assert host.busy(handle) == "mounted on /" + "x" * 5000
    simulation.system.mounts, simulation.system.swaps = [], ["/dev/disk"]
    assert host.busy(handle) == ("swap" if name in ("netbsd", "openbsd") else "")


def test_mounted_without_the_compiled_pieces(image):
    simulation = Simulation("netbsd", compiled=False)
    simulation.system.present(image, "/dev/wd0")
    simulation.system.mounts = [("/dev/wd0", "/")]
    host, handle = _opened(simulation, "/dev/wd0")
    assert host.busy(handle) == ""


def test_files_behind_pseudo_disks_of_netbsd(image, tmp_path):
    simulation = Simulation("netbsd")
    pseudo = tmp_path / "vnd"
    pseudo.write_bytes(bytes(512))
    simulation.system.present(str(pseudo), "/dev/rvnd3d")
    host, handle = _opened(simulation, image)
    assert host.busy(handle) == ""
    status = os.stat(image)
    simulation.system.behind_vnd = status.st_dev, status.st_ino
    assert host.busy(handle) == "vnd device /dev/vnd3"


@pytest.mark.parametrize(
    "name, table, line, use",
    [
        ("solaris", "/etc/mnttab", "/dev/disk\t/export home\tufs\trw\t1", "mounted on /export home"),
        ("cygwin", "/proc/partitions", "    8     1    512000 disk   C:\\", "mounted on C:\\"),
        ("hurd", "/proc/mounts", "/dev/disk / ext2fs writable 0 0", "mounted on /"),
    ],
)
def test_mounted_by_tables(name, table, line, use, image):
    simulation = Simulation(name)
    simulation.system.present(image, "/dev/disk")
    host, handle = _opened(simulation, "/dev/disk")
    assert host.busy(handle) == ""
    simulation.system.texts[table] = f"# a table\nproc /proc\n{line}\n"
    assert host.busy(handle) == use


# ---- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dragonfly", "freebsd", "netbsd", "openbsd"])
def test_a_tap_device(name):
    simulation = Simulation(name)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        here.setblocking(False)
        simulation.system.names["/dev/tap0"] = lambda: os.dup(here.fileno())
        host = simulation.backend()
        nic = host.nic_open(b"tap0")
        frame = bytes(range(60))
        host.nic_send(nic, frame)
        assert there.recv(2000) == frame
        assert host.nic_receive(nic, 0) == b""
        there.send(frame[::-1])
        assert host.nic_receive(nic, None) == frame[::-1]
        assert host.nic_address(nic)[0] & 3 == 2
        host.nic_close(nic)
        _refused(space.ENXIO, host.nic_open, b"tap1")


def test_the_cloning_tap_of_netbsd(image):
    simulation = Simulation("netbsd")
    simulation.system.present(image, "/dev/tap")
    simulation.system.ioctls[0x40906500] = lambda disk, descriptor: b"tap7".ljust(144, b"\0")
    host = simulation.backend()
    assert host._tap(b"")[1] == b"tap7"
    del simulation.system.ioctls[0x40906500]
    _refused(space.ENOTTY, host.nic_open, b"")


@pytest.mark.parametrize("name", ["netbsd", "solaris"])
def test_names_of_threads(name):
    simulation = Simulation(name)
    simulation.backend().thread_create(lambda: None, "write-back").join()
    assert simulation.system.thread_names == ["write-back"]


def test_entropy(simulation):
    host = simulation.backend()
    assert len({host.getrandom(20, flags) for flags in (0, calls.RANDOM_HARD, calls.RANDOM_NOWAIT)}) == 3


def test_a_file_that_windows_keeps_to_itself(image):
    simulation = Simulation("cygwin")
    simulation.system.unshared.add(image)
    _refused(EBUSY, simulation.backend().open, os.fsencode(image), 0)
