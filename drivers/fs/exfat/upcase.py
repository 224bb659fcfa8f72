# SPDX-License-Identifier: BSD-2-Clause
"""The up-case table: for each UTF-16 unit the one it counts as when names are compared (specification, section 7.2).

On the medium it is a row of 65,536 units; 0xFFFF and a count stand for so many units that count as themselves, and the
end may be missing likewise.  In memory it is a dictionary of the units that count as another.
"""

from __future__ import annotations

from struct import pack, unpack

UNITS = 0x10000
STANDARD_CHECKSUM = 0xE619D30D
"""Of the recommended table, compressed as in the specification: 5,836 bytes."""
COMPRESSED = 0xFFFF         # stands for units that count as themselves; how many follows
_COMPRESS_FROM = 512        # shorter rows of those are written out, as in the recommended table

# The recommended table: (first unit, how many, distance between them, what to add).
_STANDARD = (
    (0x61, 26, 1, -32), (0xE0, 23, 1, -32), (0xF8, 7, 1, -32), (0xFF, 1, 1, 121), (0x101, 24, 2, -1),
    (0x133, 3, 2, -1), (0x13A, 8, 2, -1), (0x14B, 23, 2, -1), (0x17A, 3, 2, -1), (0x180, 1, 1, 195),
    (0x183, 2, 2, -1), (0x188, 1, 1, -1), (0x18C, 1, 1, -1), (0x192, 1, 1, -1), (0x195, 1, 1, 97), (0x199, 1, 1, -1),
    (0x19A, 1, 1, 163), (0x19E, 1, 1, 130), (0x1A1, 3, 2, -1), (0x1A8, 1, 1, -1), (0x1AD, 1, 1, -1),
    (0x1B0, 1, 1, -1), (0x1B4, 2, 2, -1), (0x1B9, 1, 1, -1), (0x1BD, 1, 1, -1), (0x1BF, 1, 1, 56), (0x1C6, 1, 1, -2),
    (0x1C9, 1, 1, -2), (0x1CC, 1, 1, -2), (0x1CE, 8, 2, -1), (0x1DD, 1, 1, -79), (0x1DF, 9, 2, -1),
    (0x1F3, 1, 1, -2), (0x1F5, 1, 1, -1), (0x1F9, 20, 2, -1), (0x223, 9, 2, -1), (0x23A, 1, 1, 10795),
    (0x23C, 1, 1, -1), (0x23E, 1, 1, 10792), (0x242, 1, 1, -1), (0x247, 5, 2, -1), (0x253, 1, 1, -210),
    (0x254, 1, 1, -206), (0x256, 2, 1, -205), (0x259, 1, 1, -202), (0x25B, 1, 1, -203), (0x260, 1, 1, -205),
    (0x263, 1, 1, -207), (0x268, 1, 1, -209), (0x269, 1, 1, -211), (0x26B, 1, 1, 10743), (0x26F, 1, 1, -211),
    (0x272, 1, 1, -213), (0x275, 1, 1, -214), (0x27D, 1, 1, 10727), (0x280, 1, 1, -218), (0x283, 1, 1, -218),
    (0x288, 1, 1, -218), (0x289, 1, 1, -69), (0x28A, 2, 1, -217), (0x28C, 1, 1, -71), (0x292, 1, 1, -219),
    (0x37B, 3, 1, 130), (0x3AC, 1, 1, -38), (0x3AD, 3, 1, -37), (0x3B1, 17, 1, -32), (0x3C2, 1, 1, -31),
    (0x3C3, 9, 1, -32), (0x3CC, 1, 1, -64), (0x3CD, 2, 1, -63), (0x3D9, 12, 2, -1), (0x3F2, 1, 1, 7),
    (0x3F8, 1, 1, -1), (0x3FB, 1, 1, -1), (0x430, 32, 1, -32), (0x450, 16, 1, -80), (0x461, 17, 2, -1),
    (0x48B, 27, 2, -1), (0x4C2, 7, 2, -1), (0x4CF, 1, 1, -15), (0x4D1, 34, 2, -1), (0x561, 38, 1, -48),
    (0x1D7D, 1, 1, 3814), (0x1E01, 75, 2, -1), (0x1EA1, 45, 2, -1), (0x1F00, 8, 1, 8), (0x1F10, 6, 1, 8),
    (0x1F20, 8, 1, 8), (0x1F30, 8, 1, 8), (0x1F40, 6, 1, 8), (0x1F51, 4, 2, 8), (0x1F60, 8, 1, 8),
    (0x1F70, 2, 1, 74), (0x1F72, 4, 1, 86), (0x1F76, 2, 1, 100), (0x1F78, 2, 1, 128), (0x1F7A, 2, 1, 112),
    (0x1F7C, 2, 1, 126), (0x1F80, 8, 1, 8), (0x1F90, 8, 1, 8), (0x1FA0, 8, 1, 8), (0x1FB0, 2, 1, 8),
    (0x1FB3, 1, 1, 9), (0x1FCC, 1, 1, -9), (0x1FD0, 2, 1, 8), (0x1FE0, 2, 1, 8), (0x1FE5, 1, 1, 7),
    (0x1FFC, 1, 1, -9), (0x214E, 1, 1, -28), (0x2170, 16, 1, -16), (0x2184, 1, 1, -1), (0x24D0, 26, 1, -26),
    (0x2C30, 47, 1, -48), (0x2C61, 1, 1, -1), (0x2C68, 3, 2, -1), (0x2C76, 1, 1, -1), (0x2C81, 50, 2, -1),
    (0x2D00, 38, 1, -7264), (0xFF41, 26, 1, -32),
)  # fmt: skip


def standard() -> dict[int, int]:
    """The recommended table."""
    return {
        unit: unit + distance
        for first, count, step, distance in _STANDARD
        for unit in range(first, first + count * step, step)
    }


def expand(data: bytes) -> dict[int, int]:
    """The table in these bytes, compressed or not.  What is behind the last unit, or odd, does not count."""
    table: dict[int, int] = {}
    unit = 0
    units = iter(unpack(f"<{len(data) // 2}H", data[: len(data) & ~1]))
    for value in units:
        if unit >= UNITS:
            break
        if value == COMPRESSED and unit != COMPRESSED:
            unit += next(units, UNITS)
            continue
        if value != unit:
            table[unit] = value
        unit += 1
    return table


def compress(table: dict[int, int]) -> bytes:
    """A table's bytes as the specification writes them."""
    units: list[int] = []
    own: list[int] = []
    for unit in range(UNITS + 1):
        value = table.get(unit, unit)
        if value == unit < UNITS:
            own.append(unit)
            continue
        units += own if len(own) < _COMPRESS_FROM else (COMPRESSED, len(own))
        own = []
        units.append(value)
    units.pop()
    return pack(f"<{len(units)}H", *units)
