# SPDX-License-Identifier: BSD-2-Clause
"""lock: byte ranges, between two handles and between two hosts."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, ContractScenario
from rump.rumpuser.interface.errno import EAGAIN, EBADF, EINVAL, EOPNOTSUPP
from rump.rumpuser.interface.hypercalls import (
    LOCK_EXCLUSIVE,
    LOCK_RELEASE,
    LOCK_SHARED,
    LOCK_TEST,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
)


def _two(t: ContractScenario) -> tuple[int, int]:
    """Two handles of one file, where locks work."""
    t.needs("lock", 3, 0, 1, LOCK_SHARED)
    one = t.new(b"0123456789")
    if not t.traits.locks:
        with t.refused(EOPNOTSUPP):
            t.host.lock(one, 0, 1, LOCK_SHARED)
        t.without("locks")
    return one, t.open("file0", OPEN_RDWR)


def exclusive(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 5, LOCK_EXCLUSIVE)
    for mode in (LOCK_EXCLUSIVE, LOCK_SHARED):
        with t.refused(EAGAIN):
            t.host.lock(two, 4, 1, mode)
    t.host.lock(two, 5, 0, LOCK_EXCLUSIVE)


def shared(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 0, LOCK_SHARED)
    t.host.lock(two, 0, 0, LOCK_SHARED)
    with t.refused(EAGAIN):
        t.host.lock(two, 3, 1, LOCK_EXCLUSIVE)


def releasing(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 10, LOCK_EXCLUSIVE)
    t.host.lock(one, 0, 5, LOCK_RELEASE)
    t.host.lock(two, 0, 5, LOCK_EXCLUSIVE)
    with t.refused(EAGAIN):
        t.host.lock(two, 5, 1, LOCK_EXCLUSIVE)


def closing_releases(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 10, LOCK_EXCLUSIVE)
    t.host.close(one)
    t.host.lock(two, 0, 10, LOCK_EXCLUSIVE)


def closing_another_handle_does_not(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 10, LOCK_EXCLUSIVE)
    t.host.close(t.open("file0", OPEN_RDWR))
    with t.refused(EAGAIN):
        t.host.lock(two, 0, 10, LOCK_EXCLUSIVE)


def wrong_arguments(t: ContractScenario) -> None:
    one, _ = _two(t)
    for start, length, mode in ((-1, 1, LOCK_SHARED), (0, -1, LOCK_SHARED), (0, 1, 7), (0, -1, LOCK_TEST)):
        with t.refused(EINVAL):
            t.host.lock(one, start, length, mode)
    for mode in (LOCK_SHARED, LOCK_RELEASE, LOCK_TEST):
        with t.refused(EBADF):
            t.host.lock(NO_HANDLE, 0, 1, mode)


def how_the_file_was_opened_decides(t: ContractScenario) -> None:
    _two(t)
    reader, writer = t.open("file0", OPEN_RDONLY), t.open("file0", OPEN_WRONLY)
    t.host.lock(reader, 0, 1, LOCK_SHARED)
    t.host.lock(writer, 1, 1, LOCK_EXCLUSIVE)
    with t.refused(EBADF):
        t.host.lock(reader, 5, 1, LOCK_EXCLUSIVE)
    with t.refused(EBADF):
        t.host.lock(writer, 5, 1, LOCK_SHARED)


def a_handle_changes_what_it_holds(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 100, 10, LOCK_EXCLUSIVE)      # behind the end
    t.host.lock(one, 104, 1, LOCK_SHARED)
    t.host.lock(two, 104, 1, LOCK_SHARED)
    for byte in (103, 105):
        with t.refused(EAGAIN):
            t.host.lock(two, byte, 1, LOCK_SHARED)


def testing(t: ContractScenario) -> None:
    one, two = _two(t)
    reader = t.open("file0", OPEN_RDONLY)
    for mode in (LOCK_SHARED, LOCK_EXCLUSIVE):
        t.host.lock(one, 4, 2, mode)
        t.host.lock(one, 0, 0, LOCK_TEST)           # one's own locks are no hindrance
        for handle in (two, reader):
            for start, length in ((5, 1), (0, 0), (0, 5)):
                with t.refused(EAGAIN):
                    t.host.lock(handle, start, length, LOCK_TEST)
            t.host.lock(handle, 0, 4, LOCK_TEST)
            t.host.lock(handle, 6, 0, LOCK_TEST)
    t.host.lock(one, 0, 0, LOCK_EXCLUSIVE)          # nothing was taken by any of this
    t.host.close(one)
    t.host.lock(reader, 0, 0, LOCK_TEST)


def testing_gives_nothing_up(t: ContractScenario) -> None:
    one, two = _two(t)
    t.host.lock(one, 0, 1, LOCK_SHARED)
    t.host.lock(one, 0, 1, LOCK_TEST)
    with t.refused(EAGAIN):
        t.host.lock(two, 0, 1, LOCK_EXCLUSIVE)


def between_two_hosts(t: ContractScenario) -> None:
    one, _ = _two(t)
    other = t.another()
    there = t.open("file0", OPEN_RDWR, other)
    t.host.lock(one, 2, 3, LOCK_EXCLUSIVE)
    for mode in (LOCK_EXCLUSIVE, LOCK_SHARED, LOCK_TEST):
        with t.refused(EAGAIN):
            other.lock(there, 4, 1, mode)
    other.lock(there, 5, 0, LOCK_EXCLUSIVE)
    other.close(there)
    with t.refused(EAGAIN):         # its end took nothing of ours along
        t.host.lock(t.open("file0", OPEN_RDWR), 2, 1, LOCK_TEST)
    t.host.lock(one, 0, 0, LOCK_RELEASE)
    there = t.open("file0", OPEN_RDWR, other)
    other.lock(there, 0, 0, LOCK_EXCLUSIVE)
    with t.refused(EAGAIN):
        t.host.lock(one, 9, 1, LOCK_SHARED)
