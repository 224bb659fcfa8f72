# SPDX-License-Identifier: BSD-2-Clause
"""Linux, with and without the compiled pieces: every test that asks for `host` runs on both."""

import contextlib
import importlib.util
import os
import sys

import pytest

from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    CLOCK_ABSMONO,
    CLOCK_RELWALL,
    LOCK_EXCLUSIVE,
    LOCK_TEST,
    OPEN_BIO,
    OPEN_CREATE,
    OPEN_EXCL,
    OPEN_RDONLY,
    OPEN_RDWR,
    PARAM_NCPU,
    RANDOM_HARD,
    RANDOM_NOWAIT,
    SYNC_ALL,
    SYNC_BARRIER,
    SYNC_DATA,
)

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for `virtio_model`

HOSTS = ("linux-compiled", "linux-pure")


class VirtualCPU:
    """Whether the host gives the virtual CPU up before it takes it back."""

    def __init__(self):
        self.held = 1

    def schedule(self):
        self.held += 1
        assert self.held == 1

    def unschedule(self):
        self.held -= 1
        assert self.held == 0


@pytest.fixture(params=HOSTS)
def backend(request):
    """The name of the host under test."""
    return request.param


@pytest.fixture
def host(backend, monkeypatch):
    """Linux, having shaken hands.  (What all hosts have in common is tested by `rump.conformance.contract`.)"""
    linux = pytest.importorskip("rump.rumpuser.linux")
    if backend == "linux-compiled" and importlib.util.find_spec("rump.rumpuser.linux._ffi") is None:
        pytest.skip("the compiled pieces are not built")
    monkeypatch.setenv("RUMP_NATIVE", "0" if backend == "linux-pure" else "1")
    host = linux.Linux()
    cpu = VirtualCPU()
    host.init(VERSION, Upcalls(cpu.schedule, cpu.unschedule))
    yield host
    assert cpu.held == 1
    _close_all(host)


def _close_all(host):
    """Give up whatever handles a test left open."""
    for handle in range(3, 200):
        try:
            host.close(handle)
        except HostError:
            pass


@pytest.fixture
def path(tmp_path):
    """Where a file may be: path("name") as bytes."""
    return lambda name: os.fsencode(tmp_path / name)


@pytest.fixture
def folder(tmp_path):
    """A folder of the host, as bytes."""
    return os.fsencode(tmp_path)


@pytest.fixture
def new(host, path):
    """A new file, open for reading and writing: new(contents) is its handle."""
    made = iter(range(100))

    def make(contents=b""):
        handle = host.open(path(f"file{next(made)}"), OPEN_RDWR | OPEN_CREATE | OPEN_EXCL)
        if contents:
            host.write(handle, contents, 0)
        return handle

    return make


@pytest.fixture
def refused():
    """with refused(ENOENT): ... - that errno of the one space, and nothing else."""
    return Refused


class Refused:
    def __init__(self, *numbers):
        self.numbers = numbers

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        assert error is not None, "nothing was refused"
        if not isinstance(error, Exception):
            return False
        assert type(error) is HostError, repr(error)
        assert error.errno in self.numbers, repr(error)
        self.error = error
        return True


@pytest.fixture
def contents(host):
    """All bytes of a handle."""

    def read(handle):
        size, _, _ = host.getfileinfo(handle)
        buffer = bytearray(size)
        assert host.read(handle, buffer, 0) == size
        return bytes(buffer)

    return read


@pytest.fixture
def everything():
    """everything(host): each hypercall, and each way to show its arguments, on a host of `platform`."""
    return _everything


@pytest.fixture
def platform():
    """platform(): a new memory platform, always the same."""
    return lambda: Memory(now=1_500_000_000, seed=3)


def _everything(host):
    host.init(VERSION, Upcalls(lambda: None, lambda: None))
    data = bytearray(b"\x7fELF\0\1" + bytes(4087) + b"abc")
    none = bytearray(100)
    mutex = host.mutex_create()
    mutex.acquire()
    host.condition_create(mutex).signal()
    host.crc32c(0, b"abc")
    host.memory_create(512, 512)
    for name, *arguments in (
        ("clock_gettime", CLOCK_RELWALL),
        ("clock_sleep", CLOCK_RELWALL, 7),
        ("clock_gettime", CLOCK_ABSMONO),
        ("clock_sleep", CLOCK_ABSMONO, -(10**9)),
        ("getrandom", 4),
        ("getrandom", 0, RANDOM_HARD | RANDOM_NOWAIT),
        ("getparam", PARAM_NCPU),
        ("getparam", "HOME"),
        ("console_write", b'a "quoted"\tline\\\n'),
        ("components",),
        ("open", b"disk.img", OPEN_RDWR | OPEN_CREATE | OPEN_EXCL),
        ("open", b"a\xff", OPEN_RDONLY | OPEN_BIO),
        ("open", b"x", 0x23),
        ("write", 3, data, 4096),
        ("read", 3, bytearray(4096), 4096),
        ("read", 3, none, 8189),
        ("read", 3, none, 8192),
        ("read", 3, bytearray(10), -1),
        ("getfileinfo", 3),
        ("submit", 3, [(BIO_READ, bytearray(3), 8189), (BIO_WRITE, b"xy", 0), (BIO_READ, bytearray(1), -1)]),
        ("submit", 9, [(BIO_READ, bytearray(3), 0)]),
        ("truncate", 3, 10),
        ("sync", 3, SYNC_DATA | SYNC_BARRIER, 0, 10),
        ("sync", 3, SYNC_ALL),
        ("sync", 3, 8),
        ("extents", 3, 5, 4096),
        ("copy_range", 3, 0, 3, 8, 2),
        ("discard", 3, 0, 512),
        ("lock", 3, 0, 0, LOCK_EXCLUSIVE),
        ("lock", 3, 0, 1, LOCK_TEST),
        ("busy", 3),
        ("watch_create", 3),
        ("watch_wait", 3, 1_500_000_000),
        ("watch_wait", 3, None),
        ("watch_close", 3),
        ("nic_open", b"tap0"),
        ("nic_address", 3),
        ("nic_send", 3, b"\xff" * 12 + b"\x08\x06" + bytes(46)),
        ("nic_receive", 3, 0),
        ("nic_receive", 3, None),
        ("nic_close", 3),
        ("adopt", 5),
        ("close", 3),
        ("close", 3),
        ("exit", 1),
    ):
        with contextlib.suppress(HostError, SystemExit):
            getattr(host, name)(*arguments)
