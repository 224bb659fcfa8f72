# SPDX-License-Identifier: BSD-2-Clause
"""Booting and halting; several kernels in one process; system calls recorded and driven again."""

import pytest

from rump.conformance.scenario import tree_digest
from rump.kernel import abi, boot
from rump.kernel.errors import Fault, fault
from rump.kernel.lwps import system_calls
from rump.kernel.syscall import replay
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.replay import Replay

NOW = 1_600_000_000 * 10**9


def _work(lwp):
    """Some of everything."""
    lwp.mkdir(b"/tmp/d", 0o755)
    lwp.chdir(b"/tmp/d")
    for number in range(20):
        fd = lwp.open(b"f%d" % number, abi.O_RDWR | abi.O_CREAT)
        lwp.pwrite(fd, b"x" * number * 1000, number * 5000)
        lwp.close(fd)
    lwp.rename(b"f3", b"f4")
    lwp.symlink(b"f5", b"s")
    lwp.setxattr(b"f6", b"user.a", b"b")
    lwp.poll((), 10**9)
    random = lwp.open(b"/dev/urandom", abi.O_RDONLY)
    fd = lwp.open(b"random", abi.O_WRONLY | abi.O_CREAT)
    lwp.write(fd, lwp.read(random, 100))
    lwp.close(fd)
    lwp.close(random)
    lwp.chdir(b"/")


def _digest(marshal=False, vnodes=4096, seed=1):
    with boot(Bare(Memory(now=NOW, seed=seed)), marshal=marshal, vnodes=vnodes) as kernel:
        _work(kernel.lwp)
        return tree_digest(kernel.lwp, b"/tmp")


def test_the_same_operations_give_the_same_result():
    """Whatever the number of vnodes kept, and behind the wall of bytes; entropy makes a difference, as it must."""
    assert _digest() == _digest(marshal=True) == _digest(vnodes=2) == _digest(marshal=True, vnodes=2)
    assert _digest() != _digest(seed=2)


def test_kernels_in_one_process_are_independent(lab):
    first, second = lab.boot(), lab.boot(Bare(Memory(now=NOW)))
    first.lwp.mkdir(b"/only-here", 0o755)
    with pytest.raises(FileNotFoundError):
        second.lwp.stat(b"/only-here")
    first.lwp.umask(0o77)
    assert second.lwp.umask(0o22) == 0o22
    child = first.newproc()
    assert (child.getpid(), second.lwp.getpid()) == (2, 1)
    first.exit(child)
    first.halt()
    second.lwp.stat(b"/")


def test_many_kernels_one_after_the_other():
    for number in range(30):
        with boot(Bare(Memory(now=number))) as kernel:
            assert kernel.lwp.stat(b"/tmp").st_mtime_ns == number


def test_halting_closes_everything(lab, kernel):
    kernel.etfs_register(b"/dev/d", lab.image(b"image", bytes(4096)))
    other = kernel.newproc()
    other.open(b"/tmp/f", abi.O_RDWR | abi.O_CREAT)
    other.chdir(b"/tmp")
    kernel.lwp.mkdir(b"/m", 0o755)
    kernel.lwp.mount("tmpfs", b"/m")
    kernel.lwp.open(b"/m/f", abi.O_RDWR | abi.O_CREAT)
    kernel.halt()
    assert (kernel.host._open, list(kernel.mounts), kernel.processes) == ({}, [], {})
    kernel.halt()


def test_exit_gives_up_what_a_process_had(kernel):
    other = kernel.newproc(name="short", uid=5, gid=6, groups=(7,))
    reader, writer = other.pipe2()
    assert (reader, writer) == (0, 1)
    other.mkfifo  # noqa: B018 - a process has every call
    kernel.exit(other)
    kernel.exit(other)
    assert list(kernel.processes) == [1]


def test_a_host_of_another_version_is_refused(refused):
    class Future(Bare):
        def init(self, version, upcalls):
            super().init(version + 1, upcalls)

    with pytest.raises(OSError) as caught:
        boot(Future(Memory()))
    assert caught.value.errno == e.EINVAL


def test_faults_are_pythons_own_errors_too():
    for number, kind in (
        (e.ENOENT, FileNotFoundError), (e.EEXIST, FileExistsError), (e.EACCES, PermissionError),
        (e.ENOTDIR, NotADirectoryError), (e.EISDIR, IsADirectoryError), (e.EPIPE, BrokenPipeError),
        (e.EAGAIN, BlockingIOError), (e.EINTR, InterruptedError), (e.ESRCH, ProcessLookupError),
        (e.ETIMEDOUT, TimeoutError),
    ):  # fmt: skip
        error = fault(number, "why")
        assert isinstance(error, kind)
        assert isinstance(error, Fault)
        assert (error.errno, error.detail) == (number, "why")


def test_faults_name_the_path(lwp):
    with pytest.raises(FileNotFoundError) as caught:
        lwp.stat(b"/no/such\xff")
    assert caught.value.filename == b"/no/such\xff"
    assert str(caught.value) == "/no/such\udcff: No such file or directory"


def test_host_errors_become_faults(lab):
    class Failing(Bare):
        def getrandom(self, length, flags=0):
            raise HostError(e.ENXIO, "no noise")

    lwp = lab.boot(Failing(lab.platform)).lwp
    fd = lwp.open(b"/dev/random", abi.O_RDONLY)
    with pytest.raises(Fault) as caught:
        lwp.read(fd, 5)
    assert (caught.value.errno, caught.value.detail) == (e.ENXIO, "no noise")
    lwp.close(fd)


def test_system_calls_driven_from_a_recording():
    """The recorded calls are made again by the replay itself, and every hypercall and result matches."""
    lines = []
    record = Record(Bare(Memory(now=NOW, seed=1)), lines.append)
    with boot(record, recorder=record) as kernel:
        _work(kernel.lwp)
        wanted = tree_digest(kernel.lwp, b"/tmp")
    again = Replay(lines)
    with boot(again, recorder=again) as kernel:
        again.drive(lambda lid, name, arguments: _again(kernel, name, arguments))
        assert tree_digest_unrecorded(kernel) == wanted
    again.finish()


def _again(kernel, name, arguments):
    try:
        replay(kernel.lwp, name, arguments)
    except Fault:
        pass


def tree_digest_unrecorded(kernel):
    kernel.recorder, recorder = None, kernel.recorder
    found = tree_digest(kernel.lwp, b"/tmp")
    kernel.recorder = recorder
    return found


def test_every_system_call_is_documented():
    """Each says its manual page; those with a path say how they fail."""
    for name, call in system_calls().items():
        assert call.__doc__, name


def test_booting_and_stat_are_cheap(lwp):
    """By counting, not by the clock: what a cached stat costs the host."""
    calls = []

    class Counting(Bare):
        def clock_gettime(self, clock):
            calls.append(clock)
            return super().clock_gettime(clock)

        def mutex_create(self):
            calls.append("mutex")
            return super().mutex_create()

        def condition_create(self, mutex):
            calls.append("condition")
            return super().condition_create(mutex)

    with boot(Counting(Memory())) as kernel:
        assert len(calls) <= 100
        kernel.lwp.stat(b"/dev/null")
        calls.clear()
        for _ in range(100):
            kernel.lwp.stat(b"/dev/null")
        assert calls == []


def test_errors_name_the_file_that_is_meant(kernel):
    """Not the bytes that were to be written, nor a link's target."""
    lwp = kernel.lwp
    fd = lwp.open(b"/f", abi.O_RDWR | abi.O_CREAT)
    lwp.close(fd)
    with pytest.raises(OSError) as caught:
        lwp.pwrite(fd, b"secret", 0)
    assert caught.value.filename is None
    with pytest.raises(FileNotFoundError) as caught:
        lwp.symlink(b"target", b"/no/such")
    assert caught.value.filename == b"/no/such"
    with pytest.raises(FileNotFoundError) as caught:
        lwp.rename(b"/missing", b"/f")
    assert caught.value.filename == b"/missing"
