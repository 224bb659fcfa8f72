# SPDX-License-Identifier: BSD-2-Clause
"""CRC-16 (ANSI: reflected polynomial 0xA001), which guards group descriptors with uninit_bg."""

from __future__ import annotations


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = tuple(_entry(byte) for byte in range(256))


def crc16(seed: int, data: bytes) -> int:
    """The CRC-16 of `data`, continuing from `seed`; nothing is inverted.  crc16(0, b"123456789") is 0xBB3D."""
    table = _TABLE
    for byte in data:
        seed = seed >> 8 ^ table[(seed ^ byte) & 0xFF]
    return seed
