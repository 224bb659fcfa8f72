# SPDX-License-Identifier: BSD-2-Clause
"""extents: what is data, and what is a hole."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import EXTENT_DATA, EXTENT_HOLE

_MIB = 1 << 20


def of_data(t: ContractScenario) -> None:
    handle = t.new(b"x" * 10000)
    t.equal(t.host.extents(handle, 0, 10000), ((EXTENT_DATA, 0, 10000),))
    t.equal(t.host.extents(handle, 5000, 1 << 40), ((EXTENT_DATA, 5000, 5000),))
    t.equal(t.host.extents(handle, 17, 3), ((EXTENT_DATA, 17, 3),))


def outside(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for start, length in ((3, 10), (100, 10), (0, 0)):
        t.equal(t.host.extents(handle, start, length), (), f"from {start}, {length} bytes")
    t.equal(t.host.extents(t.new(), 0, 10), (), "of an empty file")


def with_holes(t: ContractScenario) -> None:
    handle = t.new()
    t.host.truncate(handle, 4 * _MIB)
    t.host.write(handle, b"data", _MIB)
    t.host.write(handle, b"data", 3 * _MIB)
    found = t.host.extents(handle, 0, 1 << 40)
    position = 0
    for kind, start, length in found:
        t.true(kind in (EXTENT_DATA, EXTENT_HOLE), f"kind {kind}")
        t.true(start == position and length > 0, f"{start} follows {position}")
        position += length
    t.equal(position, 4 * _MIB, "the end")
    kinds = [kind for kind, _, _ in found]
    t.true(all(kind != kinds[number] for number, kind in enumerate(kinds[1:])), "neighbours are alike")
    whole = t.contents(handle)
    t.true(
        not any(any(whole[start : start + length]) for kind, start, length in found if kind == EXTENT_HOLE),
        "there is data in a hole",
    )
    t.equal(len(found) > 1, t.traits.finds_holes, "holes are found")


def inside_a_hole(t: ContractScenario) -> None:
    handle = t.new()
    t.host.truncate(handle, 2 * _MIB)
    kind = EXTENT_HOLE if t.traits.finds_holes else EXTENT_DATA
    t.equal(t.host.extents(handle, 10, 20), ((kind, 10, 20),))


def impossible(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for start, length in ((-1, 1), (0, -1)):
        with t.refused(EINVAL):
            t.host.extents(handle, start, length)
