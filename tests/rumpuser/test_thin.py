# SPDX-License-Identifier: BSD-2-Clause
"""Middleware that costs nothing: the host's own methods but for a call or two."""

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, CLOCK_RELWALL, OPEN_CREATE, OPEN_RDWR, SYNC_ALL
from rump.rumpuser.middleware.nosync import NoSync
from rump.rumpuser.middleware.reproducible import FixedClock, FixedEntropy
from rump.rumpuser.middleware.thin import CALLS, Thin


def test_everything_but_the_accelerators_is_the_hosts_own():
    host = Bare(Memory(now=5, seed=1))
    thin = Thin(host)
    for name in CALLS:
        accelerator = name.startswith(("crc32c", "inflate"))
        assert accelerator or getattr(thin, name) == getattr(host, name)
    assert thin.crc32c(0, b"123456789") == host.crc32c(0, b"123456789")
    assert thin.traits is host.traits


def test_a_clock_that_stands_still():
    host = FixedClock(Bare(Memory(now=5, seed=1)), 1234)
    assert host.clock_gettime(CLOCK_RELWALL) == 1234 == host.clock_gettime(CLOCK_RELWALL)
    assert host.clock_gettime(CLOCK_ABSMONO) != 1234


def test_random_bytes_that_depend_on_the_seed_alone():
    def some(seed):
        host = FixedEntropy(Bare(Memory(now=5, seed=1)), seed)
        return [host.getrandom(length) for length in (0, 1, 32, 33, 100)]

    first = some(b"seed")
    assert [len(data) for data in first] == [0, 1, 32, 33, 100]
    assert first == some(b"seed") != some(b"other")
    assert len({*first}) == len(first) and first[2] != first[3][:32]


def test_nothing_is_synced():
    synced = []

    class Watched(Thin):
        def sync(self, handle, flags, start=0, length=0):
            synced.append(handle)

    host = NoSync(Watched(Bare(Memory(now=5, seed=1))))
    handle = host.open(b"file", OPEN_RDWR | OPEN_CREATE)
    host.write(handle, b"data", 0)
    host.sync(handle, SYNC_ALL)
    assert synced == []
    host.close(handle)
