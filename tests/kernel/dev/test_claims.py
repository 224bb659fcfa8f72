# SPDX-License-Identifier: BSD-2-Clause
"""Who may write to an image while who else has it: our own kernels, QEMU, programs that lock nothing."""

import os
import shutil
import subprocess
import sys

import pytest

from rump.kernel import abi, boot
from rump.kernel.dev.disk import Disk
from rump.kernel.dev.partitions.wedge import Wedge
from rump.kernel.errors import Fault
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import LOCK_EXCLUSIVE, VERSION, Upcalls
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.middleware.faults import Faults

linux = pytest.importorskip("rump.rumpuser.linux")
SIZE = 1 << 20
HALF = SIZE // 2

# Behaves as QEMU does: takes bytes, tests others, says which are taken by somebody else, and waits.
QEMU = """
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
def lock(command, kind, byte):
    return struct.unpack("hhqqi0q", fcntl.fcntl(fd, command, struct.pack("hhqqi0q", kind, 0, byte, 1, 0)))[0]
held, unshared = eval(sys.argv[2]), eval(sys.argv[3])
for byte in [100 + bit for bit in held] + [200 + bit for bit in unshared]:
    lock(fcntl.F_OFD_SETLK, fcntl.F_RDLCK, byte)
wanted = [200 + bit for bit in held] + [100 + bit for bit in unshared]
print([byte for byte in wanted if lock(fcntl.F_OFD_GETLK, fcntl.F_WRLCK, byte) != fcntl.F_UNLCK], flush=True)
sys.stdin.read()
"""
GUEST = (0, 1, 3), (1, 3)           # a guest's disk: reads, writes, resizes; others must not write or resize
SHARING_GUEST = (0, 1), ()          # share-rw=on, of a raw image
READER = (0,), (1, 3)               # qemu-img convert


def _linux():
    host = linux.Linux()
    host.init(VERSION, Upcalls(lambda: None, lambda: None))
    return host


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(SIZE))
    return os.fsencode(path)


@pytest.fixture
def disk(image):
    """disk(...): the image opened by a host of its own; `disk.messages` are the warnings."""
    made = []

    def make(read_only=False, base=0, size=None, force=False, host=None):
        one = Disk(host or _linux(), "sd0", image, base, size, read_only, force=force, log=make.messages.append)
        made.append(one)
        return one

    make.messages = []
    yield make
    for one in made:
        one.close()


@pytest.fixture
def qemu(image):
    """qemu(GUEST): what a QEMU finds taken when it starts now; it goes on running."""
    running = []

    def start(permissions):
        command = [sys.executable, "-I", "-S", "-c", QEMU, os.fsdecode(image), *map(repr, permissions)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        running.append(process)
        return eval(process.stdout.readline())

    yield start
    for process in running:
        process.communicate()


@pytest.fixture
def busy():
    """with busy("who"): ... - EBUSY, naming image and user."""
    return Busy


class Busy:
    def __init__(self, who="in use by another program"):
        self.who = who

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        assert isinstance(error, Fault), f"nothing was refused: {error!r}"
        assert error.errno == e.EBUSY
        assert "disk.img: " in error.detail and self.who in error.detail
        return True


# ---- our own ---------------------------------------------------------------------------------------------------------


def test_one_writer(disk, busy):
    one, two = disk(), disk()
    one.claim(True)
    with busy():
        two.claim(True)
    one.release(True)
    two.claim(True)
    with busy():
        one.claim(True)
    two.close()
    one.claim(True)
    assert disk.messages == []


def test_readers_share(disk, busy):
    one, two, writer = disk(True), disk(True), disk(base=HALF)
    one.claim(False)
    two.claim(False)
    with busy():
        writer.claim(True)
    one.release(False)
    two.close()
    writer.claim(True)


def test_a_reader_is_only_warned(disk):
    disk().claim(True)
    disk(True).claim(False)
    assert disk.messages == [disk.messages[0]]
    assert "disk.img: in use by another program, which may be writing" in disk.messages[0]


def test_two_partitions_have_two_writers(disk, busy):
    one, two = disk(), disk()
    wedges = [Wedge(one, 512, HALF - 512), Wedge(two, HALF, HALF)]
    for wedge in wedges:
        wedge.claim(True)
    with busy():
        Wedge(one, HALF, 4096).claim(True)
    disk(base=0, size=HALF, read_only=True).claim(False)
    assert len(disk.messages) == 1
    wedges[1].release(True)
    disk(base=HALF, read_only=True).claim(False)        # a writer of another partition is none of a reader's business
    assert len(disk.messages) == 1


def test_windows_are_claimed_alone(disk, busy):
    disk(base=4096, size=8192).claim(True)
    disk(base=0, size=4096).claim(True)
    disk(base=4096 + 8192).claim(True)
    with busy():
        disk(base=4096 + 8191, size=1).claim(True)


def test_claims_of_one_disk_overlap(disk, busy):
    """A lock replaces what the same handle holds there; a claim does not."""
    one, two, reader = disk(), disk(), disk(True)
    one.claim(True, 4096, 4096)
    one.claim(False)
    with busy():
        two.claim(True, 0, 4096)
    one.release(False)
    two.claim(True, 0, 4096)
    with busy():
        two.claim(True, 4096, 1)
    one.claim(True, 4096, 8192)
    one.release(True, 4096, 8192)
    one.release(True, 4096, 8192)       # nothing more to give up
    with busy():
        two.claim(True, 8191, 1)
    two.claim(True, 8192, 1)
    with pytest.raises(Fault) as caught:
        reader.claim(True)
    assert caught.value.errno == e.EROFS


def test_what_is_too_small_is_not_locked(disk):
    disk(base=0, size=512).claim(True)
    disk(base=100, size=100).claim(True)
    disk(base=SIZE).claim(True)


def test_force(disk):
    disk().claim(True)
    forced = disk(force=True)
    forced.claim(True)
    assert disk.messages == [disk.messages[0]] and "disk.img: in use by another program" in disk.messages[0]
    forced.release(True)


# ---- QEMU's ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("permissions", [GUEST, READER])
def test_a_running_qemu_refuses_us(disk, qemu, busy, permissions):
    assert qemu(permissions) == []
    with busy():
        disk()
    disk(force=True)
    assert len(disk.messages) == 1


def test_a_qemu_that_shares(disk, qemu):
    assert qemu(SHARING_GUEST) == []
    disk().claim(True)
    assert qemu(SHARING_GUEST) == []


def test_qemu_is_refused_while_we_write(disk, qemu):
    one, two = disk(), disk()
    one.claim(True)
    assert qemu(GUEST) == [203, 101]
    one.close()
    assert qemu(READER) == [101] + [101 + 2]        # the other of us, and the QEMU before it
    two.close()


def test_readers_and_qemu_do_not_hinder_one_another(disk, qemu):
    disk(True).claim(False)
    assert qemu(GUEST) == []
    assert disk.messages == []
    disk(True).claim(False)
    assert len(disk.messages) == 1


def test_a_qemu_that_reads_is_nothing_to_warn_of(disk, qemu):
    qemu(READER)
    disk(True).claim(False)
    assert disk.messages == []


# ---- who locks nothing -----------------------------------------------------------------------------------------------


class Used(Middleware):
    """A host where somebody uses every file; or whose locks fail."""

    def __init__(self, user="", errno=0, host=None):
        super().__init__(host or _linux())
        self.user, self.errno = user, errno

    def busy(self, handle):
        if self.user is None:
            raise HostError(e.ENOSYS)
        return self.user

    def lock(self, handle, start, length, mode):
        if self.errno:
            raise HostError(self.errno)
        super().lock(handle, start, length, mode)


def test_users_are_named(disk, busy):
    host = Used("loop device /dev/loop3")
    with busy("in use: loop device /dev/loop3"):
        disk(host=host)
    assert host.host._descriptors == {}
    reader = disk(True, host=host)
    reader.claim(False)
    reader.close()
    assert disk.messages == []
    disk(force=True, host=host)
    assert len(disk.messages) == 1
    disk(host=Used(None)).claim(True)


@pytest.mark.root
def test_a_loop_device(disk, image, busy):
    if os.geteuid() != 0 or not shutil.which("losetup"):
        pytest.skip("no loop devices")
    done = subprocess.run(["losetup", "--show", "-f", image], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no loop devices")
    name = done.stdout.strip()
    try:
        with busy(f"in use: loop device {name}"):
            disk()
        disk(True).claim(False)
    finally:
        subprocess.run(["losetup", "-d", name], check=True)
    disk()


@pytest.mark.parametrize("errno", [e.EOPNOTSUPP, e.ENOSYS])
def test_where_locks_do_not_work(disk, errno):
    disk(True, host=Used(errno=errno)).claim(False)
    assert disk.messages == []
    one = disk(host=Used(errno=errno))
    one.claim(True)
    one.release(True)
    assert len(disk.messages) == 1 and "locks do not work" in disk.messages[0]


def test_a_host_without_locks(disk):
    host = Bare(Memory({b"disk.img": MemoryFile(bytes(SIZE))}))
    host.init(VERSION, Upcalls(lambda: None, lambda: None))
    messages = []
    for read_only in (True, False):
        one = Disk(host, "sd0", b"disk.img", 0, None, read_only, log=messages.append)
        one.claim(not read_only)
        one.release(not read_only)
        one.close()
    assert messages == []


def test_other_failures_are_told(image):
    """Each lock and each look fails once: an error, and nothing stays locked or open."""
    for call, times in (("busy", 1), ("lock", 6)):
        for nth in range(1, times + 2):
            faults, messages = Faults(_linux(), call, nth), []
            one = None
            try:
                one = Disk(faults, "sd0", image, 0, None, False, log=messages.append)
                one.claim(True)
                one.release(True)
            except OSError as error:
                assert error.errno == e.EIO
            else:
                assert faults.fired is (len(messages) == 1) is (nth == times and call == "lock")
            other = Disk(_linux(), "sd1", image, 0, None, False)
            if not messages:
                other.claim(True)
            other.close()
            if one is not None:
                one.close()
            assert faults.host._descriptors == {}


# ---- through the kernel ----------------------------------------------------------------------------------------------


@pytest.fixture
def kernels():
    made = []

    def make():
        made.append(boot(linux.Linux(), log=make.messages.append))
        return made[-1]

    make.messages = []
    yield make
    for kernel in made:
        kernel.halt()


def test_devices_are_claimed_when_opened_for_writing(kernels, image, busy):
    one, two = kernels(), kernels()
    for kernel in (one, two):
        kernel.etfs_register(b"/dev/d", image, read_only=False)
    fd = one.lwp.open(b"/dev/d", abi.O_RDWR)
    two.lwp.close(two.lwp.open(b"/dev/d", abi.O_RDONLY))
    with busy():
        two.lwp.open(b"/dev/d", abi.O_WRONLY)
    one.lwp.close(fd)
    two.lwp.close(two.lwp.open(b"/dev/d", abi.O_WRONLY))
    assert kernels.messages == []


def test_registering_is_refused_and_forced(kernels, image, qemu, busy):
    qemu(GUEST)
    kernel = kernels()
    with busy():
        kernel.etfs_register(b"/dev/d", image, read_only=False)
    kernel.etfs_register(b"/dev/d", image)
    kernel.etfs_register(b"/dev/e", image, read_only=False, force=True)
    assert len(kernels.messages) == 1


def test_a_mounted_image_is_claimed(kernels, tmp_path, busy):
    if not shutil.which("mke2fs"):
        pytest.skip("mke2fs is not installed")
    path = tmp_path / "disk.img"
    subprocess.run(["mke2fs", "-q", "-F", path, "1M"], check=True)
    image = os.fsencode(path)
    one, two, writer = kernels(), kernels(), kernels()
    for kernel in (one, two):
        kernel.etfs_register(b"/dev/d", image)
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("ext2fs", b"/mnt", flags=abi.MNT_RDONLY, device=b"/dev/d")
    writer.etfs_register(b"/dev/d", image, read_only=False)
    assert kernels.messages == []
    one.lwp.unmount(b"/mnt")
    with busy():
        writer.lwp.open(b"/dev/d", abi.O_RDWR)
    two.halt()
    fd = writer.lwp.open(b"/dev/d", abi.O_RDWR)
    one.lwp.mount("ext2fs", b"/mnt", flags=abi.MNT_RDONLY, device=b"/dev/d")
    assert "may be writing" in kernels.messages[-1]
    writer.lwp.close(fd)


def test_a_mount_that_fails_claims_nothing(kernels, image, disk):
    kernel = kernels()
    kernel.etfs_register(b"/dev/d", image)
    kernel.lwp.mkdir(b"/mnt", 0o755)
    with pytest.raises(OSError):
        kernel.lwp.mount("ext2fs", b"/mnt", flags=abi.MNT_RDONLY, device=b"/dev/d")
    disk().claim(True)


def test_another_process(disk, image):
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b')\n"
        "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 4096)\n"
        "except BlockingIOError: print('locked')\n"
    )
    one = disk()
    command = [sys.executable, "-I", "-S", "-c", program, os.fsdecode(image)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b""
    one.claim(True)
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"locked\n"
    handle = one._host.open(image, 2)
    with pytest.raises(HostError):
        one._host.lock(handle, 4096, 1, LOCK_EXCLUSIVE)
