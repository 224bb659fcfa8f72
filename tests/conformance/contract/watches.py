# SPDX-License-Identifier: BSD-2-Clause
"""watch_create, watch_wait, watch_close."""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, NO_HANDLE, PATIENCE, SECOND, ContractScenario
from rump.rumpuser.interface.errno import EBADF, EOPNOTSUPP
from rump.rumpuser.interface.hypercalls import CLOCK_RELWALL, OPEN_RDONLY, OPEN_RDWR


def _watched(t: ContractScenario) -> tuple[int, int]:
    """A file and its watch."""
    t.needs("watch_create", 3)
    handle = t.new(b"0123456789")
    return handle, t.host.watch_create(handle)


def nothing_has_changed(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    t.contents(handle)
    t.true(t.host.watch_wait(watch, 0) is False, "a change out of nothing")
    t.true(t.host.watch_wait(watch, -1) is False, "a change out of nothing")
    t.host.watch_close(watch)


def the_time_is_up(t: ContractScenario) -> None:
    _, watch = _watched(t)
    start = t.now()
    t.true(t.host.watch_wait(watch, 20 * MS) is False, "a change out of nothing")
    t.true(20 * MS <= t.now() - start < 10 * SECOND, f"back after {t.now() - start} ns")
    t.host.watch_close(watch)


def a_write_is_a_change(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    t.host.write(handle, b"more", 10)
    t.true(t.host.watch_wait(watch, PATIENCE) is True, "a write went unnoticed")
    t.true(t.host.watch_wait(watch, 0) is False, "it is told twice")
    t.host.write(handle, b"more", 14)
    t.true(t.host.watch_wait(watch, None) is True, "the second write went unnoticed")
    t.host.watch_close(watch)


def a_cut_is_a_change(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    t.host.truncate(handle, 3)
    t.true(t.host.watch_wait(watch, PATIENCE) is True, "a truncate went unnoticed")
    t.host.watch_close(watch)


def the_same_size_is_a_change(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    if not t.traits.notifies:
        t.host.clock_sleep(CLOCK_RELWALL, 50 * MS)      # a tick of any clock of files
    t.host.write(handle, b"X", 4)
    t.true(t.host.watch_wait(watch, PATIENCE) is True, "a write went unnoticed")
    t.host.watch_close(watch)


def others_change_it(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    other = t.another()
    there = t.open("file0", OPEN_RDWR, other)
    t.true(t.host.watch_wait(watch, 0) is False, "opening is no change")
    other.write(there, b"from elsewhere", 0)
    t.true(t.host.watch_wait(watch, PATIENCE) is True, "another's write went unnoticed")
    t.equal(t.contents(handle), b"from elsewhere")
    t.host.watch_close(watch)


def it_needs_the_handle_no_longer(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    t.host.close(handle)
    t.true(t.host.watch_wait(watch, 0) is False, "closing is no change")
    t.host.write(t.open("file0", OPEN_RDWR), b"more", 10)
    t.true(t.host.watch_wait(watch, PATIENCE) is True, "a write went unnoticed")
    t.host.watch_close(watch)


def watches_are_independent(t: ContractScenario) -> None:
    handle, first = _watched(t)
    second, elsewhere = t.host.watch_create(handle), t.host.watch_create(t.new(b"other"))
    t.equal((first, second, elsewhere), (3, 4, 5), "the lowest free numbers")
    t.host.write(handle, b"more", 10)
    for watch in (first, second):
        t.true(t.host.watch_wait(watch, PATIENCE) is True, "a write went unnoticed")
    t.true(t.host.watch_wait(elsewhere, 0) is False, "another file has changed")
    t.host.watch_close(second)
    t.equal(t.host.watch_create(handle), second, "the lowest free number")
    for watch in (first, second, elsewhere):
        t.host.watch_close(watch)


def a_waiter_is_woken(t: ContractScenario) -> None:
    handle, watch = _watched(t)
    told: list[bool] = []
    thread = t.start(lambda: told.append(t.host.watch_wait(watch, PATIENCE)))
    t.host.clock_sleep(CLOCK_RELWALL, 5 * MS)
    t.host.write(handle, b"more", 10)
    thread.join()
    t.equal(told, [True], "what the waiter was told")
    t.host.watch_close(watch)


def not_a_watch(t: ContractScenario) -> None:
    _, watch = _watched(t)
    t.host.watch_close(watch)
    for number in (watch, NO_HANDLE, 0, -1):
        with t.refused(EBADF):
            t.host.watch_wait(number, 0)
        with t.refused(EBADF):
            t.host.watch_close(number)
    with t.refused(EBADF):
        t.host.watch_create(NO_HANDLE)


def a_folder_is_refused_or_watched(t: ContractScenario) -> None:
    t.needs("watch_create", 3)
    handle = t.open_path(t.folder(), OPEN_RDONLY)
    with t.refused(EOPNOTSUPP):
        t.host.watch_create(handle)
