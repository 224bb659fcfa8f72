# SPDX-License-Identifier: BSD-2-Clause
"""Hosts are alike: the same calls, seeded and at random, have the same results or errnos everywhere."""

import os
import random

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, OPEN_CREATE, OPEN_EXCL

linux = pytest.importorskip("rump.rumpuser.linux")
STEPS = 120
NAMES = (b"a", b"b", b"c", b"missing")


def _step(random, host, folder):
    """One call with its result or errno, and the bytes that came in."""
    handle, offset, length = random.randrange(2, 7), random.randrange(-1, 300), random.randrange(-1, 200)
    buffer, data = bytearray(b"#" * max(0, length)), random.randbytes(max(0, length))
    flags = random.randrange(4) | random.choice((0, 0, OPEN_CREATE, OPEN_CREATE | OPEN_EXCL, OPEN_EXCL))
    name, *arguments = random.choice(
        [
            ("open", folder + random.choice(NAMES[: 3 if flags & OPEN_CREATE else 4]), flags),
            ("open", folder + b"a", 2 | OPEN_CREATE),
            ("close", handle),
            ("getfileinfo", handle),
            ("read", handle, buffer, offset),
            ("write", handle, data, offset),
            ("write", handle, data, offset),
            ("truncate", handle, offset),
            ("sync", handle, random.randrange(9), offset, length),
            ("copy_range", handle, offset, random.randrange(2, 7), random.randrange(-1, 300), length),
            ("submit", handle, [(BIO_WRITE, data, offset), (BIO_READ, buffer, 5)]),
            ("submit", handle, [(random.randrange(4), buffer, offset)]),
        ]
    )
    try:
        result = getattr(host, name)(*arguments)
    except HostError as error:
        result = error
    shown = [argument.removeprefix(folder) if name == "open" and isinstance(argument, bytes) else argument
             for argument in arguments]  # fmt: skip
    return name, shown, result.errno if isinstance(result, HostError) else ("done", result), bytes(buffer)


@pytest.mark.parametrize("seed", range(40))
def test_alike(seed, tmp_path):
    one, other = linux.Linux(), Bare(Memory())
    first, second = random.Random(seed), random.Random(seed)
    folder = os.fsencode(tmp_path) + b"/"
    for _ in range(STEPS):
        assert _step(first, one, folder) == _step(second, other, b"")
    for handle in range(3, 3 + STEPS):
        try:
            one.close(handle)
        except HostError:
            pass
