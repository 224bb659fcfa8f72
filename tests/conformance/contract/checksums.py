# SPDX-License-Identifier: BSD-2-Clause
"""crc32c and crc32c_many against published vectors and a plain implementation."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EINVAL

_ONES = 0xFFFFFFFF
# RFC 3720, appendix B.4, and the usual check value.
_VECTORS = (
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(reversed(range(32))), 0x113FDB5C),
    (bytes.fromhex("01c00000000000000000000000000000140000000000040000000014000000182800000000000000")
     + bytes.fromhex("0200000000000000"), 0xD9963A56),
)  # fmt: skip


def _plain(state: int, data: bytes) -> int:
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state


def _numbers(count: int, seed: int) -> list[int]:
    """32-bit numbers, the same everywhere."""
    found = []
    for _ in range(count):
        seed = (seed * 0x5851F42D4C957F2D + 0x14057B7EF767814F) % (1 << 64)
        found.append(seed >> 32)
    return found


def _bytes(count: int, seed: int) -> bytes:
    return bytes([number & 255 for number in _numbers(count, seed)])


def vectors(t: ContractScenario) -> None:
    for data, expected in _VECTORS:
        t.equal(t.host.crc32c(_ONES, data) ^ _ONES, expected)
        t.equal(t.host.crc32c_many([_ONES], data, 0, len(data), len(data), 1), [expected ^ _ONES])


def any_length(t: ContractScenario) -> None:
    data, state = _bytes(5000, 1), 0x12345678
    for length in (*range(70), 127, 128, 129, 1023, 1024, 4096, 5000):
        t.equal(t.host.crc32c(state, data[:length]), _plain(state, data[:length]), f"{length} bytes")


def going_on(t: ContractScenario) -> None:
    data = _bytes(3000, 2)
    t.equal(t.host.crc32c(t.host.crc32c(_ONES, data[:1234]), data[1234:]), t.host.crc32c(_ONES, data))


def kinds_of_buffer(t: ContractScenario) -> None:
    data = bytes(range(100))
    expected = _plain(1, data)
    for buffer in (data, bytearray(data), memoryview(data), memoryview(b"x" + data + b"y")[1:-1]):
        t.equal(t.host.crc32c(1, buffer), expected)
        t.equal(t.host.crc32c_many([1], buffer, 0, 0, 100, 1), [expected])


def many(t: ContractScenario) -> None:
    for offset, stride, length, count in (
        (0, 256, 256, 16), (0, 256, 124, 16), (3, 256, 256, 40), (5, 7, 3, 50), (0, 0, 10, 4), (9, 1, 40, 5),
        (0, 4096, 4096, 3), (7, 100, 0, 3), (0, 128, 128, 70), (2, 300, 299, 1),
    ):  # fmt: skip
        data = _bytes(offset + (count - 1) * stride + length + 5, count)
        seeds = _numbers(count, 3)
        starts = [offset + index * stride for index in range(count)]
        expected = [_plain(seed, data[at : at + length]) for seed, at in zip(seeds, starts, strict=True)]
        t.equal(t.host.crc32c_many(seeds, data, offset, stride, length, count), expected)
        one = [_plain(seeds[0], data[at : at + length]) for at in starts]
        t.equal(t.host.crc32c_many(tuple(seeds[:1]), data, offset, stride, length, count), one)


def none(t: ContractScenario) -> None:
    t.equal(t.host.crc32c_many([], b"", 0, 16, 16, 0), [])
    t.equal(t.host.crc32c_many([1], b"", 0, 16, 16, 0), [])


def impossible(t: ContractScenario) -> None:
    for seeds, offset, stride, length, count in (
        ([1, 2], 0, 10, 10, 3), ([], 0, 10, 10, 1), ([1], 1, 10, 10, 10), ([1], -1, 10, 10, 1), ([1], 0, -10, 10, 2),
        ([1], 0, 10, -1, 1), ([1], 0, 10, 10, -1), ([1], 0, 10, 11, 10), ([-1], 0, 1, 1, 1), ([1 << 32], 0, 1, 1, 1),
    ):  # fmt: skip
        with t.refused(EINVAL):
            t.host.crc32c_many(seeds, bytes(100), offset, stride, length, count)
    for seed in (-1, 1 << 32):
        for data in (b"", b"abc", bytes(1000)):
            with t.refused(EINVAL):
                t.host.crc32c(seed, data)
