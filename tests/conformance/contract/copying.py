# SPDX-License-Identifier: BSD-2-Clause
"""copy_range."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import OPEN_RDWR


def from_file_to_file(t: ContractScenario) -> None:
    source, target = t.new(b"0123456789"), t.new(b"abc")
    t.equal(t.host.copy_range(source, 2, target, 5, 4), 4)
    t.equal(t.contents(target), b"abc\0\x002345")
    t.equal(t.contents(source), b"0123456789")


def to_the_source_s_end(t: ContractScenario) -> None:
    source, target = t.new(b"0123456789"), t.new()
    t.equal(t.host.copy_range(source, 6, target, 0, 100), 4)
    t.equal(t.host.copy_range(source, 10, target, 0, 5), 0)
    t.equal(t.host.copy_range(source, 1000, target, 0, 5), 0)
    t.equal(t.contents(target), b"6789")


def to_where_the_source_ended(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    t.equal(t.host.copy_range(handle, 0, handle, 50, 50), 10)
    t.equal(t.host.getfileinfo(handle)[0], 60, "size")


def within_a_file(t: ContractScenario) -> None:
    handle = t.new(b"01234567")
    other = t.open("file0", OPEN_RDWR)
    t.equal(t.host.copy_range(handle, 0, handle, 4, 4), 4)
    t.equal(t.contents(handle), b"01230123")
    for target in (handle, other):
        for to in (2, 0):
            with t.refused(EINVAL):
                t.host.copy_range(handle, 0, target, to, 4)
    t.equal(t.contents(handle), b"01230123")


def impossible(t: ContractScenario) -> None:
    source, target = t.new(b"abc"), t.new(b"abc")
    for start, to, length in ((-1, 0, 1), (0, -1, 1), (0, 0, -1)):
        with t.refused(EINVAL):
            t.host.copy_range(source, start, target, to, length)


def much(t: ContractScenario) -> None:
    data = bytes(range(251)) * 8000
    source, target = t.new(data), t.new()
    t.equal(t.host.copy_range(source, 0, target, 1, len(data)), len(data))
    t.true(t.contents(target) == b"\0" + data, "the bytes are others")
