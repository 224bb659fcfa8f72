# SPDX-License-Identifier: BSD-2-Clause
"""Scripts for the model that chance does not come upon: deep directories and maps, far offsets, full volumes."""

from __future__ import annotations


def _entries(verb: str, numbers: range, *arguments: int) -> list[tuple]:
    """Long names in a directory: few fit into a block."""
    return [(verb, (b"d", b"%05d" % number + b"y" * 190), *arguments) for number in numbers]


SCRIPTS: dict[str, list[tuple]] = {
    # An index of two levels, where blocks have 1 KiB; half of it goes, it grows again, all of it goes.
    "deep directory": [
        ("mkdir", (b"d",), 0o755), *_entries("create", range(1500), 0o644), ("remount",),
        *_entries("unlink", range(0, 1500, 2)), ("check",), *_entries("create", range(5000, 5300), 0o644), ("remount",),
        *_entries("unlink", range(1, 1500, 2)), *_entries("unlink", range(5000, 5300)), ("rmdir", (b"d",)),
    ],
    # A map of three levels; holes are cut into it, filled, and it is cut off.
    "deep map": [
        ("create", (b"f",), 0o644), ("fragment", (b"f",), 2000, 2048, 5), ("remount",),
        ("punch", (b"f",), 100_000, 2_000_000), ("check",), ("fragment", (b"f",), 700, 4096, 9),
        ("truncate", (b"f",), 1_500_000), ("sync",), ("truncate", (b"f",), 777), ("check",),
        ("fragment", (b"f",), 1000, 2048, 5), ("unlink", (b"f",)),
    ],
    "far offsets": [
        ("create", (b"f",), 0o644),
        *[("write", (b"f",), (1 << 32) + number * 70_000_000, 3000, number) for number in range(60)],
        ("remount",), ("truncate", (b"f",), 5_000_000_000), ("check",), ("punch", (b"f",), 1 << 32, 1 << 30),
        ("check",),
    ],
    # Every other file goes; what is left free in small pieces is filled to the brim, and more is asked for.
    "full of holes": [
        ("mkdir", (b"d",), 0o755), *[("create", (b"d", b"%d" % number), 0o644) for number in range(300)],
        *[("write", (b"d", b"%d" % number), 0, 60_000, number + 1) for number in range(300)],
        *[("unlink", (b"d", b"%d" % number)) for number in range(0, 300, 2)], ("sync",), ("create", (b"big",), 0o644),
        *[("append", (b"big",), 300_000, number + 1) for number in range(40)], ("remount",),
        *[("truncate", (b"d", b"%d" % number), 1000) for number in range(1, 300, 2)],
        *[("append", (b"big",), 500_000, number + 1) for number in range(30)],
        ("fallocate", (b"big",), 0, 30_000_000), ("check",),
    ],
    "space set aside": [
        ("create", (b"f",), 0o644), ("fallocate", (b"f",), 0, 3_000_000),
        *[("write", (b"f",), number * 7000, 3000, number + 1) for number in range(0, 400, 3)], ("check",),
        *[("write", (b"f",), number * 7000, 7000, number + 1) for number in range(400)], ("remount",),
        ("fallocate", (b"f",), 5_000_000, 4_000_000), ("truncate", (b"f",), 6_000_000), ("append", (b"f",), 100_000, 3),
    ],
}  # fmt: skip
