# SPDX-License-Identifier: BSD-2-Clause
"""Advisory locks: fcntl(2) and flock(2), between processes and open files; a small model under Hypothesis."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rump.kernel import abi, boot
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e

WRITE, READ, NONE = abi.F_WRLCK, abi.F_RDLCK, abi.F_UNLCK


def opened(kernel, count):
    """Processes that have a file open as their descriptor 0."""
    lwps = [kernel.newproc(name=f"number {index}") for index in range(count)]
    for lwp in lwps:
        assert lwp.open(b"/tmp/file", abi.O_CREAT | abi.O_RDWR) == 0
    return lwps


def take(lwp, kind, start, length, command=abi.F_SETLK, fd=0):
    return lwp.fcntl_lock(fd, command, (kind, abi.SEEK_SET, start, length))


def fails(call, *arguments, **named):
    with pytest.raises(OSError) as problem:
        call(*arguments, **named)
    return problem.value.errno


def test_ranges_of_two_processes(kernel):
    one, two = opened(kernel, 2)
    take(one, WRITE, 10, 10)
    assert fails(take, two, READ, 19, 5) == e.EAGAIN
    assert take(two, WRITE, 15, 1, abi.F_GETLK) == (WRITE, abi.SEEK_SET, 10, 10, one.process.pid)
    assert take(two, WRITE, 20, 0, abi.F_GETLK) == (NONE, abi.SEEK_SET, 0, 0, 0)
    take(two, WRITE, 20, 0)
    take(one, NONE, 12, 3)      # two pieces are left
    take(two, READ, 12, 3)
    assert fails(take, two, READ, 11, 1) == e.EAGAIN
    assert fails(take, two, READ, 15, 1) == e.EAGAIN
    take(one, READ, 0, 12)      # what it held becomes what it asked for
    take(two, READ, 0, 12)


def test_whence_and_what_is_refused(kernel):
    (one,) = opened(kernel, 1)
    one.ftruncate(0, 100)
    one.lseek(0, 40, abi.SEEK_SET)
    one.fcntl_lock(0, abi.F_SETLK, (WRITE, abi.SEEK_CUR, 2, 5))
    one.fcntl_lock(0, abi.F_SETLK, (WRITE, abi.SEEK_END, -10, -5))
    other = kernel.newproc()
    other.open(b"/tmp/file", abi.O_RDWR)
    assert take(other, READ, 0, 0, abi.F_GETLK)[2:4] == (42, 5)
    assert take(other, READ, 47, 0, abi.F_GETLK)[2:4] == (85, 5)
    assert fails(take, one, READ, -1, 1) == e.EINVAL
    assert fails(take, one, 4, 0, 1) == e.EINVAL
    assert fails(take, one, READ, (1 << 63) - 1, 2) == e.EOVERFLOW
    assert fails(take, one, READ, 0, 1, fd=77) == e.EBADF
    reader = one.open(b"/tmp/file", abi.O_RDONLY)
    assert fails(take, one, WRITE, 0, 1, fd=reader) == e.EBADF
    end, _ = one.pipe2()
    assert fails(take, one, READ, 0, 1, fd=end) == e.EINVAL
    assert fails(one.flock, end, abi.LOCK_SH) == e.EOPNOTSUPP
    assert fails(one.flock, 0, abi.LOCK_NB) == e.EINVAL


def test_any_close_of_the_file_unlocks(kernel):
    """POSIX: a process loses its locks with the first of the file's descriptors that it closes; and when it ends."""
    one, two = opened(kernel, 2)
    take(one, WRITE, 0, 0)
    one.close(one.open(b"/tmp/file", abi.O_RDONLY))
    take(two, WRITE, 0, 0)
    assert fails(take, one, READ, 5, 1) == e.EAGAIN
    kernel.exit(two)
    take(one, READ, 5, 1)


def test_flock_belongs_to_the_open_file(kernel):
    one, two = opened(kernel, 2)
    twin = one.dup(0)
    one.flock(0, abi.LOCK_EX)
    assert fails(two.flock, 0, abi.LOCK_SH | abi.LOCK_NB) == e.EAGAIN
    assert fails(take, two, READ, 0, 1) == e.EAGAIN       # the two kinds keep each other out
    assert take(two, READ, 0, 1, abi.F_GETLK)[4] == -1
    one.close(0)
    assert fails(two.flock, 0, abi.LOCK_SH | abi.LOCK_NB) == e.EAGAIN
    one.flock(twin, abi.LOCK_SH)
    two.flock(0, abi.LOCK_SH | abi.LOCK_NB)
    two.flock(0, abi.LOCK_UN)
    one.close(twin)
    two.flock(0, abi.LOCK_EX | abi.LOCK_NB)


def test_waiting_and_waiting_for_each_other(lab):
    linux = pytest.importorskip("rump.rumpuser.linux")
    kernel = lab.boot(linux.Linux())
    one, two = opened(kernel, 2)
    take(one, WRITE, 0, 1)
    take(two, WRITE, 1, 1)
    thread = threading.Thread(target=take, args=(two, WRITE, 0, 1, abi.F_SETLKW), daemon=True)
    thread.start()
    while two.process not in kernel.lock_waits:
        pass
    assert fails(take, one, WRITE, 1, 1, abi.F_SETLKW) == e.EDEADLK
    take(one, NONE, 0, 0)
    thread.join(30)
    assert not thread.is_alive()
    assert take(one, READ, 0, 0, abi.F_GETLK)[2] == 0
    assert kernel.lock_waits == {}


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from((WRITE, READ, NONE)), st.integers(0, 15), st.integers(0, 8)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_as_a_model_of_bytes_has_it(steps):
    """Each of 32 bytes has its holders; a length of 0 goes up to the end."""
    kernel = boot(Bare(Memory(now=0, seed=1)))
    lwps = opened(kernel, 3)
    held = [[NONE] * 32 for _ in lwps]
    for who, kind, start, length in steps:
        touched = range(start, start + length if length else 32)
        clash = kind != NONE and any(
            other[at] != NONE and WRITE in (kind, other[at])
            for number, other in enumerate(held) if number != who for at in touched
        )  # fmt: skip
        if clash:
            assert fails(take, lwps[who], kind, start, length) == e.EAGAIN
        else:
            take(lwps[who], kind, start, length)
            for at in touched:
                held[who][at] = kind
    kernel.halt()
