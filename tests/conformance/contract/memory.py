# SPDX-License-Identifier: BSD-2-Clause
"""memory_create."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL, ENOMEM

_ALIGNMENTS = (1, 2, 8, 512, 4096, 65_536, 1 << 20)


def it_is_aligned(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    for alignment in _ALIGNMENTS:
        for length in (1, 511, 4096):
            memory = t.host.memory_create(length, alignment)
            address = t.machine.address(memory)
            if address is None:
                t.without("addresses")
            t.equal(address % alignment, 0, f"{length} bytes aligned to {alignment}")  # type: ignore[operator]


def it_is_zeros_to_write_to(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    for alignment in _ALIGNMENTS:
        memory = t.host.memory_create(5000, alignment)
        t.true(isinstance(memory, memoryview) and not memory.readonly, "no memory to write to")
        t.equal((memory.format, memory.nbytes, len(memory), memory.contiguous), ("B", 5000, 5000, True), "its form")
        t.equal(memory.tobytes(), bytes(5000), "zeros")
        memory[:] = b"\xa5" * 5000


def nobody_shares_it(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    pieces = [t.host.memory_create(512, 512) for _ in range(20)]
    for number, piece in enumerate(pieces):
        piece[:] = bytes([number]) * 512
    t.true(all(piece == bytes([number]) * 512 for number, piece in enumerate(pieces)), "pieces overlap")


def it_serves_for_transfers(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    memory = t.host.memory_create(4096, 4096)
    memory[:5] = b"hello"
    handle = t.new()
    t.equal(t.host.write(handle, memory, 0), 4096)
    other = t.host.memory_create(4096, 512)
    t.equal(t.host.read(handle, other, 0), 4096)
    t.equal(other, memory)


def a_part_of_it_keeps_it(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    part = t.host.memory_create(1 << 20, 4096)[4096:8192]
    for _ in range(10):
        t.host.memory_create(1 << 20, 4096)[:] = b"x" * (1 << 20)
    t.equal(part.tobytes(), bytes(4096), "zeros")


def nothing_of_it(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    t.equal(len(t.host.memory_create(0, 512)), 0)


def impossible(t: ContractScenario) -> None:
    t.needs("memory_create", 1, 1)
    for length, alignment in ((-1, 1), (1, 0), (1, -1), (1, 3), (1, 513), (1, 1 << 31)):
        with t.refused(EINVAL):
            t.host.memory_create(length, alignment)
    with t.refused(ENOMEM):
        t.host.memory_create(1 << 62, 4096)
