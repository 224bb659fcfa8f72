# SPDX-License-Identifier: BSD-2-Clause
"""Which calls give up the virtual CPU: those that may block, each once, and no others."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, ContractScenario
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    CLOCK_ABSMONO,
    CLOCK_RELWALL,
    LOCK_SHARED,
    OPEN_CREATE,
    OPEN_RDWR,
    PARAM_NCPU,
    SYNC_ALL,
)


def calls_that_may_block(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    path = t.path("file0")
    for call, *arguments in (
        ("clock_sleep", CLOCK_RELWALL, 0),
        ("write", handle, b"abc", 0),
        ("read", handle, bytearray(3), 0),
        ("submit", handle, [(BIO_READ, bytearray(1), 0), (BIO_READ, bytearray(1), 1)]),
        ("getfileinfo", handle),
        ("truncate", handle, 2),
        ("sync", handle, SYNC_ALL),
        ("copy_range", handle, 0, handle, 8, 1),
        ("open", path, OPEN_RDWR),
        ("close", handle + 1),
    ):
        t.equal(t.gave_up(getattr(t.host, call), *arguments), 1, f"the virtual CPU given up by {call}")


def extents_may_ask_the_host_more_than_once(t: ContractScenario) -> None:
    t.true(t.gave_up(t.host.extents, t.new(b"abc"), 0, 3) >= 1, "the virtual CPU was kept")


def calls_that_not_all_hosts_have(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for call, *arguments in (
        ("lock", handle, 0, 0, LOCK_SHARED),
        ("busy", handle),
        ("discard", handle, 0, 0),
        ("watch_create", handle),
        ("watch_wait", 3, 0),
        ("watch_close", 3),
        ("nic_address", NO_HANDLE),
        ("nic_receive", NO_HANDLE, 0),
        ("nic_send", NO_HANDLE, bytes(60)),
        ("nic_close", NO_HANDLE),
        ("nic_open", b"a\0b"),
    ):
        if call not in t.traits.absent:
            t.equal(t.gave_up(_tolerant, t, call, arguments), 1, f"the virtual CPU given up by {call}")


def _tolerant(t: ContractScenario, call: str, arguments: list[object]) -> None:
    """The call, which may refuse its arguments."""
    try:
        getattr(t.host, call)(*arguments)
    except OSError:
        pass


def all_others_keep_it(t: ContractScenario) -> None:
    before = t.cpu.given_up
    t.host.clock_gettime(CLOCK_ABSMONO)
    t.host.clock_gettime(CLOCK_RELWALL)
    t.host.getrandom(3)
    t.host.getparam(PARAM_NCPU)
    t.host.console_write(b"")
    t.host.components()
    mutex = t.host.mutex_create()
    condition = t.host.condition_create(mutex)
    mutex.acquire()
    condition.wait(0)
    condition.signal()
    condition.broadcast()
    mutex.release()
    t.host.crc32c(0, b"abc")
    t.host.crc32c_many([0], b"abc", 0, 1, 1, 3)
    t.host.inflate(bytes.fromhex("78da030000000001"), 0)
    if "memory_create" not in t.traits.absent:
        t.host.memory_create(10, 8)
    t.equal(t.cpu.given_up, before, "the virtual CPU given up")


def starting_a_thread_keeps_it(t: ContractScenario) -> None:
    t.start(lambda: None).join()        # from now on threads wait for it
    made = []
    t.equal(t.gave_up(lambda: made.append(t.host.thread_create(lambda: None, "idle"))), 0, "the virtual CPU given up")
    made[0].join()


def failing_calls_take_it_back(t: ContractScenario) -> None:
    for call, *arguments in (
        (t.host.open, t.path("missing"), 0),
        (t.host.open, t.path("missing"), 0x23),
        (t.host.read, NO_HANDLE, bytearray(1), 0),
        (t.host.write, NO_HANDLE, b"", 0),
        (t.host.submit, NO_HANDLE, []),
        (t.host.truncate, NO_HANDLE, -1),
        (t.host.copy_range, NO_HANDLE, 0, NO_HANDLE, 0, 1),
        (t.host.extents, NO_HANDLE, 0, 1),
        (t.host.close, NO_HANDLE),
        (t.host.clock_sleep, 7, 0),
    ):
        with t.refused(e.ENOENT, e.EBADF, e.EINVAL):
            call(*arguments)
        t.true(t.cpu.held, "the call came back without the virtual CPU")


def while_it_blocks_others_run(t: ContractScenario) -> None:
    """A thread that wants the virtual CPU gets it while we sleep."""
    done: list[int] = []
    thread = t.start(lambda: done.append(1))
    t.until(lambda: done, "the other thread")
    thread.join()


def files_are_used_by_many_threads(t: ContractScenario) -> None:
    """Handles are given out once each, whoever asks."""
    handles: list[int] = []

    def work() -> None:
        for _ in range(10):
            handle = t.host.open(t.path("shared"), OPEN_RDWR | OPEN_CREATE)
            handles.append(handle)
            t.host.write(handle, b"x" * 100, handle * 100)
            t.true(handles.count(handle) == 1, f"handle {handle} was given out twice")
            handles.remove(handle)
            t.host.close(handle)

    for thread in [t.start(work) for _ in range(4)]:
        thread.join()
    t.equal(handles, [], "handles left")
