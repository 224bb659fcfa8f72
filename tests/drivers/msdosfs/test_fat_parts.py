# SPDX-License-Identifier: BSD-2-Clause
"""The parts that FAT and exFAT share, each by itself: times, free clusters, stages, files' numbers."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from fat_session import Mounted, needs_dosfstools, new_image

from rump.drivers.fs.fat import space, stages, times
from rump.drivers.fs.fat.places import BEYOND, GONE, Places
from rump.drivers.fs.fat.space import FreeMap
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e


def test_every_day() -> None:
    start = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
    for day in range(46_751):
        moment = start + datetime.timedelta(days=day, seconds=day * 7 % 86_400, milliseconds=day * 10 % 1000)
        nanoseconds = times.TIME_MIN + (moment - start) // datetime.timedelta(milliseconds=1) * 10**6
        date, time, units = times.encode(nanoseconds, 0)
        assert (1980 + (date >> 9), date >> 5 & 15, date & 31) == (moment.year, moment.month, moment.day)
        assert times.decode(date, time, 0) + units * times.UNIT == nanoseconds
    assert times.encode(times.TIME_MIN - 3600 * 10**9, 60) == (33, 0, 0)
    assert times.decode(33, 0, 60) == times.TIME_MIN - 3600 * 10**9
    for moment in (times.TIME_MIN - 1, times.TIME_MAX + 1, 0, 1 << 70):
        with pytest.raises(Fault) as caught:
            times.encode(moment, 0)
        assert caught.value.errno == e.EINVAL


class Log:
    """A store that only remembers what to undo."""

    def __init__(self) -> None:
        self.undo: list[Any] = []
        self.committed: list[Any] = []

    def set(self, container: dict[Any, Any], key: Any, value: Any) -> None:
        self.undo.append((container, key, container.get(key)))
        if value is None:
            container.pop(key, None)
        else:
            container[key] = value

    def patch(self, array: bytearray, start: int, data: bytes) -> None:
        part = slice(start, start + len(data))
        self.undo.append((array, part, bytes(array[part])))
        array[part] = data

    def rollback(self) -> None:
        for container, key, before in reversed(self.undo):
            if before is None:
                container.pop(key, None)
            else:
                container[key] = before
        self.undo.clear()


def test_free_clusters_beside_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is given out twice, nor before what freed it is committed; what is rolled back never was."""
    monkeypatch.setattr(space, "PIECE", 64)
    monkeypatch.setattr(space, "PIECES_KEPT", 2)
    for seed in range(20):
        chance = random.Random(seed)
        end = chance.randrange(10, 700)
        used = {cluster for cluster in range(2, end) if chance.random() < 0.4}
        log: Any = Log()

        def load(start: int, count: int, used: set[int] = used) -> bytearray:
            return bytearray(cluster in used for cluster in range(start, start + count))

        free = FreeMap(log, end, load)
        held: list[tuple[int, int]] = []
        waiting: set[int] = set()
        for _ in range(300):
            kind = chance.randrange(6)
            if kind <= 1:
                want = chance.choice((1, 2, 10, 200))
                try:
                    start, got = free.reserve(chance.randrange(end + 5), want)
                except Fault as error:
                    assert error.errno == e.ENOSPC
                    assert len(used) + len(waiting) + sum(run[1] for run in held) == end - 2
                    continue
                run = set(range(start, start + got))
                assert 0 < got <= want and not run & used and not run & waiting and 2 <= start <= end - got
                assert not any(run & set(range(first, first + count)) for first, count in held)
                if chance.random() < 0.2:
                    log.rollback()
                else:
                    held.append((start, got))
            elif kind == 2 and held:
                free.unreserve(*held.pop(chance.randrange(len(held))))
            elif kind == 3 and held:
                start, got = held.pop(chance.randrange(len(held)))
                free.claim(start, got)
                used |= set(range(start, start + got))
            elif kind == 4 and used:
                start = chance.choice(sorted(used))
                free.release(start, 1)
                used.discard(start)
                waiting.add(start)
            elif kind == 5:
                assert free.waiting() == bool(waiting)
                assert free.count() == end - 2 - len(used) - sum(run[1] for run in held)
                for committed in log.committed:
                    committed()
                waiting.clear()
            log.undo.clear()


def test_numbers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    log: Any = Log()
    places = Places(log)
    assert (places.number(100), places.place(100), places.plain) == (100, 100, True)
    assert places.move(100, 200) == 100
    assert (places.number(200), places.place(100), places.plain) == (100, 200, False)
    assert places.number(100) == BEYOND and places.place(BEYOND) == 100
    assert places.move(100, 300) == BEYOND and places.place(BEYOND) == 300
    assert places.move(200, 100) == 100 and places.place(100) == 100
    places.forget(BEYOND)
    assert places.number(300) == 300 and places.plain
    assert places.remove(300, b"record") == 300
    assert (places.place(300), places.records[300]) == (GONE, b"record")
    other = places.number(300)
    assert other > BEYOND and places.place(other) == 300
    places.forget(300)
    assert places.place(300) == GONE and 300 not in places.records     # the entry there is known by another number
    places.forget(other)
    assert places.number(300) == places.place(300) == 300
    assert places.place(BEYOND + 99) == GONE
    log.undo.clear()
    places.move(300, 400)
    log.rollback()
    assert places.number(300) == 300 and places.plain


@needs_dosfstools
def test_a_block_in_several_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stage writes what belongs to it and to those before, whatever the order in which it was changed."""
    mounted = Mounted(new_image("fat16"))
    (mount,) = [each for each in mounted.kernel.mounts if each.type_name == "msdosfs"]
    state = mount.volume.state
    block = 900
    written: list[bytes] = []
    monkeypatch.setattr(state.store, "write", lambda blocks: written.append(bytes(blocks.get(block, b"")[:6])))
    state.store.begin()
    for at, stage in ((0, stages.RELEASE), (1, stages.NEW), (2, stages.CUT), (3, stages.NAMES), (4, stages.NEW)):
        state.stages.patch(block, at, b"x", stage)
    state.stages.edit(block, lambda data: data[:5] + b"y" + data[6:], stages.LINK)
    state.store.end()
    state.store.commit()
    assert [data for data in written if data] == [
        b"\0x\0\0x\0", b"\0x\0\0xy", b"\0x\0xxy", b"\0xxxxy", b"xxxxxy",
    ]  # fmt: skip
    assert not state.stages.versions
