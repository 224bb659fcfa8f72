# SPDX-License-Identifier: BSD-2-Clause
"""Times: those of FAT, with hundredths of a second and the offset from UTC that they were written with."""

from __future__ import annotations

from rump.drivers.fs.exfat.disk import UTC_VALID
from rump.drivers.fs.fat.times import TIME_STEP, UNIT, decode, encode

QUARTER = 15                # minutes; offsets are counted in them
UNITS_MAX = 199


def moment(stamp: int, hundredths: int, zone: int, tz: int) -> int:
    """Nanoseconds since 1970 of ``date << 16 | time``; `tz`, in minutes, if it does not say its own."""
    if zone & UTC_VALID:
        tz = ((zone & 0x7F ^ 0x40) - 0x40) * QUARTER
    return decode(stamp >> 16, stamp & 0xFFFF, tz) + min(hundredths, UNITS_MAX) * UNIT


def fields(nanoseconds: int, tz: int) -> tuple[int, int, int]:
    """(``date << 16 | time``, hundredths, zone) of a moment.  Errors: EINVAL - it is not between 1980 and 2107.

    Of a time zone that is not a number of quarters of an hour the nearest is used.
    """
    quarters = max(-64, min(tz // QUARTER, 63))
    rest = nanoseconds % TIME_STEP
    date, time, _ = encode(nanoseconds - rest, quarters * QUARTER)
    return date << 16 | time, rest // UNIT, UTC_VALID | quarters & 0x7F
