# SPDX-License-Identifier: BSD-2-Clause
"""What a POSIX host may do although it seldom does: transfers cut short, calls it lacks, files it cannot tell of."""

import errno
import os
import socket

import pytest

from rump.rumpuser.interface.errno import (
    EACCES,
    EAGAIN,
    EBADF,
    EBUSY,
    EINVAL,
    EIO,
    EMSGSIZE,
    ENETDOWN,
    ENOBUFS,
    ENXIO,
    EOPNOTSUPP,
    HostError,
)
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    EXTENT_DATA,
    LOCK_EXCLUSIVE,
    LOCK_RELEASE,
    LOCK_SHARED,
    OPEN_CREATE,
    OPEN_RDWR,
    RANDOM_NOWAIT,
)
from rump.rumpuser.posix import copy, files, locks, nic, nic_tap_device, seek_holes
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.entropy import Entropy
from rump.rumpuser.posix.files import Files
from rump.rumpuser.posix.nic_tap_device import TapDevice
from rump.rumpuser.posix.no_discard import NoDiscard
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.posix.no_locks import NoLocks
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.pure.threads import Threads

linux = pytest.importorskip("rump.rumpuser.linux")


@pytest.fixture
def host():
    return linux.Linux()


@pytest.fixture
def handle(host, tmp_path):
    handle = host.open(os.fsencode(tmp_path) + b"/file", OPEN_RDWR | OPEN_CREATE)
    host.write(handle, b"0123456789", 0)
    return handle


def _failing(number):
    def call(*arguments):
        raise OSError(number, os.strerror(number))

    return call


def test_short_reads_are_continued(host, handle, monkeypatch):
    whole = files._preadv
    monkeypatch.setattr(files, "_preadv", lambda fd, buffers, at: whole(fd, [memoryview(buffers[0])[:3]], at))
    buffer = bytearray(b"############")
    assert host.read(handle, buffer, 1) == 9
    assert buffer == b"123456789###"
    assert host.submit(handle, [(BIO_READ, buffer, 5)]) == (5,)


def test_short_writes_are_continued(host, handle, monkeypatch):
    whole = files._pwritev
    monkeypatch.setattr(files, "_pwritev", lambda fd, buffers, at: whole(fd, [memoryview(buffers[0])[:3]], at))
    assert host.write(handle, b"abcdefgh", 1) == 8
    assert host.submit(handle, [(BIO_WRITE, b"ABCD", 0)]) == (4,)
    monkeypatch.undo()
    buffer = bytearray(10)
    host.read(handle, buffer, 0)
    assert buffer == b"ABCDdefgh9"


def test_a_write_that_gets_nowhere(host, handle, monkeypatch, refused):
    monkeypatch.setattr(files, "_pwritev", lambda *arguments: 0)
    with refused(EIO):
        host.write(handle, b"abc", 0)


def test_errors_of_the_medium(host, handle, monkeypatch, refused):
    monkeypatch.setattr(files, "_preadv", _failing(errno.EIO))
    with refused(EIO):
        host.read(handle, bytearray(1), 0)
    assert host.submit(handle, [(BIO_READ, bytearray(1), 0)]) == (-EIO,)


def test_a_file_system_that_knows_no_holes(host, handle, monkeypatch):
    monkeypatch.setattr(seek_holes, "_walk", _failing(errno.EINVAL))
    assert host.extents(handle, 2, 100) == ((EXTENT_DATA, 2, 8),)


def test_holes_of_a_broken_medium(host, handle, monkeypatch, refused):
    monkeypatch.setattr(seek_holes, "_walk", _failing(errno.EIO))
    with refused(EIO):
        host.extents(handle, 2, 100)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_copying_where_the_host_cannot(host, handle, monkeypatch, number):
    monkeypatch.setattr(copy, "_inside", _failing(number))
    assert host.copy_range(handle, 0, handle, 20, 20) == 10


def test_copying_stopped_by_an_error(host, handle, monkeypatch, refused):
    monkeypatch.setattr(copy, "_inside", _failing(errno.EIO))
    with refused(EIO):
        host.copy_range(handle, 0, handle, 20, 5)


def test_copying_on_a_host_without_the_call(host, handle, monkeypatch):
    monkeypatch.setattr(copy, "_inside", None)
    monkeypatch.setattr(copy, "BUFFER", 4)
    assert host.copy_range(handle, 1, handle, 20, 9) == 9
    buffer = bytearray(9)
    host.read(handle, buffer, 20)
    assert buffer == b"123456789"


@pytest.mark.parametrize(
    "number, expected",
    [(errno.EACCES, EAGAIN), (errno.EAGAIN, EAGAIN), (errno.EINVAL, EOPNOTSUPP), (errno.ENOLCK, EOPNOTSUPP),
     (errno.ENOSYS, EOPNOTSUPP), (errno.EBADF, EBADF)],
)  # fmt: skip
def test_refused_locks(host, handle, monkeypatch, refused, number, expected):
    monkeypatch.setattr(locks.fcntl, "fcntl", _failing(number))
    with refused(expected):
        host.lock(handle, 0, 1, LOCK_SHARED)


def test_no_entropy_yet(host, monkeypatch, refused):
    from rump.rumpuser.posix import getrandom as entropy

    monkeypatch.setattr(entropy, "_getrandom", _failing(errno.EAGAIN))
    with refused(EAGAIN):
        host.getrandom(1, RANDOM_NOWAIT)
    monkeypatch.setattr(entropy, "_getrandom", None)
    assert len(host.getrandom(10)) == 10


def test_entropy_in_pieces(host, monkeypatch):
    from rump.rumpuser.posix import getrandom as entropy

    monkeypatch.setattr(entropy, "_getrandom", lambda length, flags: b"x" * min(length, 4))
    assert host.getrandom(10) == b"x" * 10


class Poor(NoHoles, NoLocks, NoDiscard, Entropy, Clock, Threads):
    """A host composed of the emptiest pieces."""


def test_the_emptiest_pieces(tmp_path, refused):
    host = Poor()
    handle = host.open(os.fsencode(tmp_path) + b"/file", OPEN_RDWR | OPEN_CREATE)
    host.write(handle, b"z", 1 << 20)
    assert host.extents(handle, 0, 1 << 30) == ((EXTENT_DATA, 0, (1 << 20) + 1),)
    with refused(EOPNOTSUPP):
        host.lock(handle, 0, 1, LOCK_SHARED)
    with refused(EOPNOTSUPP):
        host.discard(handle, 0, 1)
    with refused(EINVAL):
        host.discard(handle, -1, 1)
    with refused(EBADF):
        host.lock(99, 0, 1, LOCK_SHARED)
    assert len(host.getrandom(5)) == 5


def test_the_medium_by_seeking(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1234))
    with path.open("rb") as file:
        file.seek(5)
        assert Files()._medium(file.fileno()) == (1234, 512)
        assert file.tell() == 5


# ---- tap devices -----------------------------------------------------------------------------------------------------


@pytest.fixture
def taps(monkeypatch):
    """/dev/tap0 is busy, /dev/tap1 a wire whose other end is the result, /dev/tap2 is another's; there are no more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    os.set_blocking(ours.fileno(), False)
    failures = {b"/dev/tap0": errno.EBUSY, b"/dev/tap2": errno.EACCES}

    def opened(path, flags):
        assert flags & os.O_NONBLOCK and flags & os.O_ACCMODE == os.O_RDWR
        if path == b"/dev/tap1":
            return os.dup(ours.fileno())
        number = failures.get(path, errno.ENOENT)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(nic_tap_device.os, "open", opened)
    with ours, theirs:
        yield theirs


def test_tap_devices(taps, refused):
    host = TapDevice()
    for name, number in ((b"tap0", EBUSY), (b"tap2", EACCES), (b"tap3", ENXIO), (b"null", EINVAL), (b"tapx", EINVAL)):
        with refused(number):
            host.nic_open(name)
    card = host.nic_open(b"tap1")
    host.nic_send(card, bytes(range(20)))
    assert taps.recv(100) == bytes(range(20))
    taps.send(b"a frame")
    taps.send(b"another")
    assert [host.nic_receive(card, timeout) for timeout in (None, 0, 0)] == [b"a frame", b"another", b""]
    with refused(EMSGSIZE):
        host.nic_send(card, bytes(nic.LONGEST + 1))
    host.nic_close(card)


def test_the_first_tap_device_that_is_free(taps, refused):
    host = TapDevice()
    card = host.nic_open(b"")
    assert host.nic_address(card) == nic.address_of(b"tap1") != nic.address_of(b"tap0")


def test_no_tap_device_at_all(monkeypatch, refused):
    monkeypatch.setattr(nic_tap_device.os, "open", _failing(errno.ENOENT))
    with refused(ENXIO):
        TapDevice().nic_open(b"")
    monkeypatch.setattr(nic_tap_device.os, "open", _failing(errno.EBUSY))
    with refused(EBUSY):
        TapDevice().nic_open(b"")


@pytest.mark.parametrize(
    "number, expected", [(errno.EIO, ENETDOWN), (errno.EAGAIN, ENOBUFS), (errno.ENOBUFS, ENOBUFS), (errno.EBADF, EBADF)]
)
def test_a_tap_device_that_refuses(taps, monkeypatch, refused, number, expected):
    host = TapDevice()
    card = host.nic_open(b"tap1")
    monkeypatch.setattr(nic.os, "write", _failing(number))
    with refused(expected):
        host.nic_send(card, bytes(60))


def test_a_tap_device_that_is_gone(taps, monkeypatch, refused):
    host = TapDevice()
    card = host.nic_open(b"tap1")
    monkeypatch.setattr(nic.os, "read", _failing(errno.ENXIO))
    with refused(ENETDOWN):
        host.nic_receive(card, None)


def test_locks_of_the_process_by_this_system_s_own_lockf(tmp_path):
    """Not by a model's: what Python takes is Python's affair."""

    class Locking(ProcessLocks):
        _flock = linux.abi.FLOCK

    host, path = Locking(), os.fsencode(tmp_path / "file")
    one, two = host.open(path, OPEN_CREATE | OPEN_RDWR), host.open(path, OPEN_RDWR)
    for mode in (LOCK_EXCLUSIVE, LOCK_SHARED):
        host.lock(one, 0, 10, mode)
        with pytest.raises(HostError) as caught:
            host.lock(two, 5, 1, LOCK_EXCLUSIVE)
        assert caught.value.errno == EAGAIN
        host.lock(one, 0, 10, LOCK_RELEASE)
        host.lock(two, 5, 1, LOCK_EXCLUSIVE)
        host.lock(two, 5, 1, LOCK_RELEASE)
    host.close(one)
    host.close(two)
