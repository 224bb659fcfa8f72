# SPDX-License-Identifier: BSD-2-Clause
"""truncate, sync and discard."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, ContractScenario
from rump.rumpuser.interface.errno import EBADF, EFBIG, EINVAL, EOPNOTSUPP
from rump.rumpuser.interface.hypercalls import OPEN_RDONLY, SYNC_ALL, SYNC_BARRIER, SYNC_DATA


def cutting_and_growing(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    t.host.truncate(handle, 4)
    t.equal(t.contents(handle), b"0123")
    t.host.truncate(handle, 8)
    t.equal(t.contents(handle), b"0123\0\0\0\0")
    t.host.truncate(handle, 0)
    t.host.truncate(handle, 100_000)
    t.equal(t.contents(handle), bytes(100_000))


def impossible_sizes(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    with t.refused(EINVAL):
        t.host.truncate(handle, -1)
    with t.refused(EFBIG, EINVAL):
        t.host.truncate(handle, 1 << 70)
    t.equal(t.contents(handle), b"abc")


def only_regular_files_have_a_size_to_set(t: ContractScenario) -> None:
    handle = t.open_path(t.folder(), OPEN_RDONLY)
    with t.refused(EINVAL):
        t.host.truncate(handle, 0)


def syncing(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for flags in (SYNC_DATA, SYNC_ALL, SYNC_BARRIER, SYNC_DATA | SYNC_BARRIER, SYNC_DATA | SYNC_ALL):
        t.host.sync(handle, flags)
        t.host.sync(handle, flags, 1, 1)
        t.host.sync(handle, flags, start=0, length=1 << 40)
    t.equal(t.contents(handle), b"abc")


def syncing_what_was_read_only(t: ContractScenario) -> None:
    t.new(b"abc")
    t.host.sync(t.open("file0", OPEN_RDONLY), SYNC_ALL)


def unknown_ways_to_sync(t: ContractScenario) -> None:
    handle = t.new()
    for flags in (0, 8, -1):
        with t.refused(EINVAL):
            t.host.sync(handle, flags)
    for start, length in ((-1, 0), (0, -1)):
        with t.refused(EINVAL):
            t.host.sync(handle, SYNC_DATA, start, length)


def discarded_space_reads_as_zeros(t: ContractScenario) -> None:
    t.needs("discard", 3, 0, 1)
    handle = t.new(b"x" * 16384)
    if not t.traits.punches_holes:
        with t.refused(EOPNOTSUPP):
            t.host.discard(handle, 4096, 4096)
        t.equal(t.contents(handle), b"x" * 16384)
        t.without("punches_holes")
    t.host.discard(handle, 4096, 4096)
    t.host.discard(handle, 8200, 100)
    t.host.discard(handle, 0, 0)
    expected = bytearray(b"x" * 16384)
    expected[4096:8192] = bytes(4096)
    expected[8200:8300] = bytes(100)
    t.equal(t.contents(handle), bytes(expected))


def discarding_keeps_the_size(t: ContractScenario) -> None:
    t.needs("discard", 3, 0, 1)
    if not t.traits.punches_holes:
        t.without("punches_holes")
    handle = t.new(b"x" * 5000)
    t.host.discard(handle, 4096, 1 << 20)
    t.equal(t.contents(handle), b"x" * 4096 + bytes(904))


def impossible_ranges_to_discard(t: ContractScenario) -> None:
    t.needs("discard", 3, 0, 1)
    handle = t.new(b"abc")
    for start, length in ((-1, 1), (0, -1)):
        with t.refused(EINVAL):
            t.host.discard(handle, start, length)
    with t.refused(EBADF):
        t.host.discard(NO_HANDLE, 0, 1)
