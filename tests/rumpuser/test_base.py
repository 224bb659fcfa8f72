# SPDX-License-Identifier: BSD-2-Clause
"""The handshake, upcalls, entropy, parameters, console, exit, components: on every host."""

import os
import signal
import subprocess
import sys

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import VERSION, Upcalls
from rump.rumpuser.interface.errno import EBADF, EINVAL, ENOENT
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    CLOCK_ABSMONO,
    CLOCK_RELWALL,
    EXIT_PANIC,
    LOCK_SHARED,
    OPEN_CREATE,
    OPEN_RDWR,
    PARAM_HOSTNAME,
    PARAM_NCPU,
    RANDOM_HARD,
    RANDOM_NOWAIT,
    SYNC_ALL,
    Traits,
)
from rump.rumpuser.middleware.trace import Trace

# ---- init and upcalls ------------------------------------------------------------------------------------------------


def test_init_refuses_another_version(host, refused):
    for version in (VERSION + 1, -1):
        with refused(EINVAL):
            host.init(version, Upcalls(lambda: None, lambda: None))


def _times_given_up(host, cpu, call, *arguments):
    before = cpu.given_up
    result = call(*arguments)
    assert cpu.held == 1
    return cpu.given_up - before, result


def test_calls_that_may_block_give_up_the_virtual_cpu(host, cpu, path):
    absent = host.traits.absent
    _, handle = _times_given_up(host, cpu, host.open, path("x"), OPEN_RDWR | OPEN_CREATE)
    calls = [
        (host.clock_sleep, CLOCK_RELWALL, 0),
        (host.open, path("x"), OPEN_RDWR),
        (host.write, handle, b"abc", 0),
        (host.read, handle, bytearray(3), 0),
        (host.submit, handle, [(BIO_READ, bytearray(1), 0), (BIO_READ, bytearray(1), 1)]),
        (host.getfileinfo, handle),
        (host.truncate, handle, 2),
        (host.sync, handle, SYNC_ALL),
        (host.copy_range, handle, 0, handle, 8, 1),
    ]
    if "lock" not in absent:
        calls.append((host.lock, handle, 0, 0, LOCK_SHARED))
    if "busy" not in absent:
        calls.append((host.busy, handle))
    calls.append((host.close, handle))
    for call, *arguments in calls:
        times, _ = _times_given_up(host, cpu, call, *arguments)
        assert times == 1, call


def test_extents_may_ask_the_host_more_than_once(host, cpu, new):
    times, _ = _times_given_up(host, cpu, host.extents, new(b"abc"), 0, 3)
    assert times >= 1


def test_other_calls_keep_the_virtual_cpu(host, cpu):
    before = cpu.given_up
    host.clock_gettime(CLOCK_ABSMONO)
    host.getrandom(3)
    host.getparam(PARAM_NCPU)
    host.console_write(b"")
    mutex = host.mutex_create()
    condition = host.condition_create(mutex)
    mutex.acquire()
    condition.wait(0)
    condition.signal()
    mutex.release()
    host.crc32c(0, b"abc")
    assert cpu.given_up == before


def test_a_failing_call_takes_the_virtual_cpu_back(host, cpu, path, refused):
    for call, *arguments in (
        (host.open, path("missing"), 0),
        (host.read, 99, bytearray(1), 0),
        (host.write, 99, b"", 0),
        (host.close, 99),
    ):
        with refused(ENOENT, EBADF):
            call(*arguments)
        assert cpu.held == 1


def test_before_init_there_is_no_virtual_cpu():
    host = Bare(Memory())
    assert host.open(b"x", OPEN_RDWR | OPEN_CREATE) == 3
    linux = pytest.importorskip("rump.rumpuser.linux").Linux()
    linux.clock_sleep(CLOCK_RELWALL, 0)


# ---- entropy and parameters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 16, 33, 5000])
def test_random_length(host, length):
    for flags in (0, RANDOM_HARD, RANDOM_NOWAIT, RANDOM_HARD | RANDOM_NOWAIT):
        drawn = host.getrandom(length, flags)
        assert type(drawn) is bytes and len(drawn) == length


def test_random_differs(host):
    assert host.getrandom(16) != host.getrandom(16)


def test_random_impossible(host, refused):
    with refused(EINVAL):
        host.getrandom(-1)
    with refused(EINVAL):
        host.getrandom(1, 4)


def test_memory_entropy_repeats():
    assert Bare(Memory(seed=7)).getrandom(20) == Bare(Memory(seed=7)).getrandom(20)
    assert Bare(Memory(seed=7)).getrandom(20) != Bare(Memory(seed=8)).getrandom(20)


def test_parameters_always_there(host):
    assert int(host.getparam(PARAM_NCPU)) > 0
    assert host.getparam(PARAM_NCPU).isdecimal()
    assert host.getparam(PARAM_HOSTNAME)


def test_other_parameters(host, refused, backend, monkeypatch):
    if backend != "bare-memory":
        monkeypatch.setenv("RUMP_TEST_PARAMETER", "value")
        assert host.getparam("RUMP_TEST_PARAMETER") == "value"
        monkeypatch.setenv("_RUMP_TEST", "value")
    for name in ("_RUMP_TEST", "_RUMPUSER_OTHER", "_"):
        with refused(EINVAL):
            host.getparam(name)
    for name in ("RUMP_TEST_MISSING", "", "a\0b", "a=b"):
        with refused(ENOENT):
            host.getparam(name)


def test_parameters_of_the_memory_platform():
    platform = Memory()
    platform.environment = {"RUMP_HOSTNAME": "hal", "HOME": "/"}
    host = Bare(platform)
    assert (host.getparam(PARAM_HOSTNAME), host.getparam(PARAM_NCPU), host.getparam("HOME")) == ("hal", "1", "/")


@pytest.mark.parametrize("wish, cpus", [("3", "3"), ("host", str(os.cpu_count())), ("0", "1"), ("-2", "1"), ("x", "1")])
def test_number_of_virtual_cpus(monkeypatch, wish, cpus):
    linux = pytest.importorskip("rump.rumpuser.linux").Linux()
    monkeypatch.setenv("RUMP_NCPU", wish)
    monkeypatch.setenv("RUMP_HOSTNAME", "hal")
    assert (linux.getparam(PARAM_NCPU), linux.getparam(PARAM_HOSTNAME)) == (cpus, "hal")


# ---- console, exit, components ---------------------------------------------------------------------------------------


def test_console(host, backend, capfd):
    host.console_write(b"line \xff\n")
    if backend == "bare-memory":
        assert host.platform.console == b"line \xff\n"
    else:
        assert capfd.readouterr().err.encode("utf-8", "surrogateescape").startswith(b"line ")


def _program(text):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    prelude = "from rump.rumpuser.linux import Linux; h = Linux();"
    return subprocess.run([sys.executable, "-c", prelude + text], capture_output=True, check=False, env=environment)


def test_a_console_that_is_gone_is_no_error():
    pytest.importorskip("rump.rumpuser.linux")
    assert _program("import os; os.close(2); h.console_write(b'lost'); h.exit(7)").returncode == 7


def test_exit():
    pytest.importorskip("rump.rumpuser.linux")
    ended = _program("print('flushed'); h.exit(3); print('not reached')")
    assert (ended.returncode, ended.stdout) == (3, b"flushed\n")


def test_panic():
    pytest.importorskip("rump.rumpuser.linux")
    text = f"import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); h.exit({EXIT_PANIC})"
    assert _program(text).returncode == -signal.SIGABRT


def test_exit_of_the_memory_platform():
    with pytest.raises(SystemExit) as ended:
        Bare(Memory()).exit(3)
    assert ended.value.code == 3


def test_components(host):
    found = host.components()
    assert list(found) == sorted(found, key=lambda entry: entry[0])
    assert all(isinstance(name, str) and callable(load) for name, load in found)


# ---- what a host says of itself --------------------------------------------------------------------------------------


def test_traits(host, backend):
    traits = host.traits
    assert isinstance(traits, Traits)
    assert traits.name == ("bare-memory" if backend == "bare-memory" else "linux")
    assert list(traits.compiled) == sorted(traits.compiled)
    assert list(traits.absent) == sorted(traits.absent)
    if backend in ("linux-pure", "bare-memory"):
        assert traits.compiled == ()
    if backend == "linux-compiled":
        assert traits.compiled == ("crc32c", "discard")
    with pytest.raises(AttributeError):
        traits.unknown  # noqa: B018


def test_middleware_has_the_traits_of_its_host():
    host = Bare(Memory())
    assert Trace(host, print).traits is host.traits
