# SPDX-License-Identifier: BSD-2-Clause
"""docs/bare.md is enough: the platform that stands there is one."""

import types
from pathlib import Path

import pytest

from rump.rumpuser.bare.memory import MemoryFile
from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface import hypercalls as h

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "bare.md"


class Stopped(Exception):
    """The board was reset."""


def reset():
    raise Stopped


def test_the_platform_of_the_document():
    _, program, _ = DOCUMENT.read_text(encoding="utf-8").split("```", 2)
    ticks, shown = iter(range(1, 1000)), bytearray()
    board = types.SimpleNamespace(
        ticks=lambda: next(ticks), calendar=lambda: 10**18, wait_for_interrupt=lambda: None,
        uart_write=shown.extend, random=bytes, reset=reset,
    )  # fmt: skip
    space = {"board": board, "Flash": lambda: MemoryFile(bytes(4096), h.FT_BLK)}
    exec(program.removeprefix("python\n"), space)
    host = space["host"]
    host.init(VERSION, Upcalls(lambda: None, lambda: None))
    handle = host.open(b"disk0", h.OPEN_RDWR)
    assert host.getfileinfo(handle) == (4096, h.FT_BLK, 512)
    assert host.write(handle, b"abc", 1000) == 3
    with pytest.raises(HostError):
        host.truncate(handle, 1)
    assert host.write(host.open(b"new", h.OPEN_RDWR | h.OPEN_CREATE), b"abc", 0) == 3
    before = host.clock_gettime(h.CLOCK_ABSMONO)
    host.clock_sleep(h.CLOCK_RELWALL, 50_000)
    assert host.clock_gettime(h.CLOCK_ABSMONO) >= before + 50_000
    assert host.clock_gettime(h.CLOCK_RELWALL) >= 10**18
    host.console_write(b"hello")
    assert shown == b"hello" and host.getrandom(3) == bytes(3)
    with pytest.raises(Stopped):
        host.exit(0)
