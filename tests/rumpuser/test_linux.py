# SPDX-License-Identifier: BSD-2-Clause
"""What Linux promises beyond the contract, and what only a program of the host can see."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from rump.conformance.contract import collect
from rump.conformance.contract.runner import run_body
from rump.conformance.hosts import HOSTS
from rump.rumpuser.interface.errno import EAGAIN, EINVAL, ENETDOWN, ENXIO, EPERM
from rump.rumpuser.interface.hypercalls import (
    CLOCK_RELWALL,
    EXIT_PANIC,
    EXTENT_DATA,
    FT_CHR,
    LOCK_EXCLUSIVE,
    OPEN_CREATE,
    OPEN_RDONLY,
    OPEN_RDWR,
    PARAM_HOSTNAME,
    PARAM_NCPU,
    Traits,
)
from rump.rumpuser.middleware.trace import Trace
from rump.rumpuser.posix import watch_polling

linux = pytest.importorskip("rump.rumpuser.linux")
MS = 10**6
CARDS = [name for name in collect() if name.startswith("cards_")]


def test_traits(host, backend):
    traits = host.traits
    assert isinstance(traits, Traits)
    assert traits.name == "linux"
    assert traits.compiled == (() if backend == "linux-pure" else ("crc32c", "discard", "watch"))
    assert traits.notifies == traits.punches_holes == (backend != "linux-pure")


def test_middleware_has_the_traits_of_its_host(host):
    assert Trace(host, print).traits is host.traits


def test_the_wall_clock_is_the_program_s(host):
    before = time.time_ns()
    now = host.clock_gettime(CLOCK_RELWALL)
    assert before <= now <= time.time_ns()


def test_there_is_no_virtual_cpu_before_init():
    linux.Linux().clock_sleep(CLOCK_RELWALL, 0)


# ---- files -----------------------------------------------------------------------------------------------------------


def test_new_files_have_mode_0644(host, folder):
    mask = os.umask(0)
    try:
        host.close(host.open(folder + b"/new", OPEN_RDWR | OPEN_CREATE))
    finally:
        os.umask(mask)
    assert os.stat(folder + b"/new").st_mode & 0o7777 == 0o644


def test_adopting(host, folder):
    descriptor = os.open(folder + b"/adopted", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"mine")
    handle = host.adopt(descriptor)
    os.lseek(descriptor, 1, os.SEEK_SET)
    buffer = bytearray(9)
    assert host.read(handle, buffer, 0) == 4
    assert host.extents(handle, 0, 4) == ((EXTENT_DATA, 0, 4),)
    host.close(handle)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 1, "the program's own position has moved"
    os.close(descriptor)


def test_closing_an_adopted_file_releases_its_locks(host, new, path):
    other = new(b"0123456789")
    with open(path("file0"), "r+b") as mine:
        handle = host.adopt(mine.fileno())
        host.lock(handle, 0, 10, LOCK_EXCLUSIVE)
        host.close(handle)
        host.lock(other, 0, 10, LOCK_EXCLUSIVE)


def test_locks_hold_against_other_programs(host, new, path):
    host.lock(new(b"0123456789"), 2, 1, LOCK_EXCLUSIVE)
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b')\n"
        "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2)\n"
        "except BlockingIOError: print('locked')\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, os.fsdecode(path("file0"))]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"locked\n"


def test_devices(host, new, refused):
    """A character device is not for copy_file_range: the bytes go through a buffer instead."""
    null = host.open(b"/dev/null", OPEN_RDWR)
    assert host.getfileinfo(null) == (0, FT_CHR, 512)
    with refused(EINVAL):
        host.truncate(null, 0)
    assert host.copy_range(new(b"abc"), 0, null, 0, 100) == 3
    zeros = host.open(b"/dev/zero", OPEN_RDONLY)
    assert host.copy_range(zeros, 0, new(b"abc"), 1, 2) == 2


# ---- parameters, console, exit ---------------------------------------------------------------------------------------


def test_parameters_are_the_environment(host, monkeypatch, refused):
    monkeypatch.setenv("RUMP_TEST_PARAMETER", "value")
    assert host.getparam("RUMP_TEST_PARAMETER") == "value"
    monkeypatch.setenv("_RUMP_TEST", "value")
    with refused(EINVAL):
        host.getparam("_RUMP_TEST")


@pytest.mark.parametrize("wish, cpus", [("3", "3"), ("host", str(os.cpu_count())), ("0", "1"), ("-2", "1"), ("x", "1")])
def test_number_of_virtual_cpus(monkeypatch, wish, cpus):
    monkeypatch.setenv("RUMP_NCPU", wish)
    monkeypatch.setenv("RUMP_HOSTNAME", "hal")
    host = linux.Linux()
    assert (host.getparam(PARAM_NCPU), host.getparam(PARAM_HOSTNAME)) == (cpus, "hal")


def test_the_console_is_standard_error(host, capfd):
    host.console_write(b"line \xff\n")
    assert capfd.readouterr().err.encode("utf-8", "surrogateescape").startswith(b"line ")


def _program(text):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    prelude = "from rump.rumpuser.linux import Linux; h = Linux();"
    return subprocess.run([sys.executable, "-c", prelude + text], capture_output=True, check=False, env=environment)


def test_a_console_that_is_gone_is_no_error():
    assert _program("import os; os.close(2); h.console_write(b'lost'); h.exit(7)").returncode == 7


def test_exit():
    ended = _program("print('flushed'); h.exit(3); print('not reached')")
    assert (ended.returncode, ended.stdout) == (3, b"flushed\n")


def test_panic():
    text = f"import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); h.exit({EXIT_PANIC})"
    assert _program(text).returncode == -signal.SIGABRT


def test_threads_keep_no_program_from_ending():
    text = "import time, _thread; h.thread_create(lambda: _thread.allocate_lock().acquire() and time.sleep(600), 'x')"
    assert _program(text).returncode == 0


# ---- threads, watches, network cards ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name, shown", [("rump-writer", "rump-writer"), ("x" * 40, "x" * 15)])
def test_threads_have_names(host, name, shown):
    found = []

    def look():
        with open("/proc/thread-self/comm", encoding="utf-8") as file:
            found.append(file.read())

    host.thread_create(look, name).join()
    assert found == [shown + "\n"]


def test_a_system_without_proc(host, monkeypatch):
    from rump.rumpuser.linux import threads

    monkeypatch.setattr(threads, "_NAME", "/nonexistent")
    done = []
    host.thread_create(lambda: done.append(1), "name").join()
    assert done == [1]


def test_no_more_threads(host, monkeypatch, refused):
    import _thread

    def refuse(*arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    with refused(EAGAIN):
        host.thread_create(lambda: None, "name")


def test_watching_by_looking(monkeypatch, new, host, backend):
    """Often enough, and no longer than asked for; the clock is a list of moments."""
    if backend != "linux-pure":
        pytest.skip("inotify does not look")
    slept = []
    clock = iter(range(0, 10**12, 30 * MS))
    monkeypatch.setattr(watch_polling.time, "monotonic_ns", lambda: next(clock))
    monkeypatch.setattr(watch_polling.time, "sleep", slept.append)
    watch = host.watch_create(new(b"abc"))
    assert host.watch_wait(watch, 250 * MS) is False
    assert slept and max(slept) <= watch_polling.INTERVAL / 1e9
    host.watch_close(watch)


def test_a_watch_leaves_no_descriptor(host, new):
    handle = new(b"abc")
    before = len(os.listdir("/proc/self/fd"))
    watches = [host.watch_create(handle) for _ in range(5)]
    for watch in watches:
        host.watch_close(watch)
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_room_for_watches(host, new, monkeypatch):
    """Where inotify refuses, the file is looked at."""
    class Full:
        class lib:
            rump_watch_open = staticmethod(lambda path: -28)

    monkeypatch.setattr(type(host), "_module", lambda self, piece: Full)
    handle = new(b"abc")
    watch = host.watch_create(handle)
    host.write(handle, b"d", 3)
    assert host.watch_wait(watch, 0)
    host.watch_close(watch)


def test_a_change_by_another_program(host, new, path):
    watch = host.watch_create(new(b"abc"))
    timer = threading.Timer(0.01, os.truncate, (path("file0"), 1))
    timer.start()
    assert host.watch_wait(watch, 10 * 10**9)
    timer.join()
    host.watch_close(watch)


def _tap_machine():
    try:
        return HOSTS["linux-tap"]()
    except OSError:
        pytest.skip("no network namespaces, or no tap devices")


@pytest.mark.root
@pytest.mark.parametrize("body", CARDS)
def test_cards(body):
    """The neighbour is the kernel of the host, at the other end of a tap interface."""
    with _tap_machine() as machine:
        assert run_body(machine, collect()[body]) is None


@pytest.mark.root
def test_names_of_cards(refused):
    with _tap_machine() as machine:
        host = machine.contract_host()
        nic = host.nic_open(b"")
        assert os.path.isdir("/proc/sys/net/ipv4/conf/tap0")
        with refused(ENETDOWN):
            host.nic_send(nic, bytes(60))
        host.nic_close(nic)
        assert not os.path.isdir("/proc/sys/net/ipv4/conf/tap0")
        with refused(ENXIO):
            host.nic_open(b"lo")
        for name in (b"a name too long for", b"tap%d"):
            with refused(EINVAL):
                host.nic_open(name)


def test_no_tap_devices(host, monkeypatch, refused):
    from rump.rumpuser.linux import tap

    monkeypatch.setattr(tap, "_DEVICE", "/nonexistent")
    with refused(ENXIO):
        host.nic_open(b"tap0")


def test_tap_devices_of_others(host, monkeypatch, refused):
    from rump.rumpuser.linux import tap

    def refuse(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(tap.os, "open", refuse)
    with refused(EPERM):
        host.nic_open(b"tap0")
