# SPDX-License-Identifier: BSD-2-Clause
"""getvfsstat over many mounts when a driver in a process of its own is dead or hangs: the others' numbers are there.

The processes are scripted and the clock is a number, so that a hang of an hour takes none."""

import pytest
from test_isolated_lies import ATTRIBUTES, HELLO, MOUNTED, frame

from rump.kernel import abi, boot
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.vfs.isolated import protocol
from rump.kernel.vfs.isolated.process import LONGEST
from rump.kernel.wire.values import decode
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, CLOCK_RELWALL, HostError

PATIENCE = 20 * 10**9
GREETING = (HELLO[0], ("landlock", "limits"))
ROOT = (*ATTRIBUTES[:2], 0o040755, *ATTRIBUTES[3:])
SPACE = 1024, 1024, 100, 40, 40, 10, 5, 255
ANSWERS = {"mount": MOUNTED[1], "root": ROOT, "attributes": ROOT, "statvfs": SPACE}


class Played(Bare):
    """A host whose confined processes are played: each answers at once, but those named in `mood`, by number.

    mood     process -> "dead", "silent", or "busy": it says again and again that it is at work, a second each
    answers  operation -> what is answered; None for those that are not there
    """

    def __init__(self):
        super().__init__(Memory(now=0, seed=1))
        self.mood, self.answers = {}, dict(ANSWERS)
        self.asked, self._due, self._processes = [], {}, 0

    @property
    def now(self):
        return self.clock_gettime(CLOCK_ABSMONO)

    def passes(self, nanoseconds):
        self.clock_sleep(CLOCK_RELWALL, nanoseconds)

    def spawn_confined(self, entry, modules, handles, memory, seconds):
        self._processes += 1
        number = self._processes
        if "dead" in self.mood.values():
            self.mood[number] = "dead"      # whoever comes after it is no better
        self._due[number] = frame(GREETING)
        return number, number

    def confined_end(self, process):
        return -9

    def stream_close(self, stream):
        self._due.pop(stream)

    def stream_send(self, stream, data):
        name = decode(data[4:])[0]
        self.asked.append((stream, name))
        self._due[stream] = frame((protocol.ANSWER, self.answers.get(name)))

    def stream_receive(self, stream, length, timeout):
        mood = self.mood.get(stream)
        if mood == "dead":
            return b""
        if mood == "silent":
            self.passes(timeout)
            raise HostError(e.ETIMEDOUT)
        if mood == "busy":
            self.passes(10**9)
            return frame((protocol.PROGRESS,))
        data, self._due[stream] = self._due[stream][:length], self._due[stream][length:]
        return data


@pytest.fixture
def played():
    """A kernel with three isolated mounts, /a, /b and /c: processes 1, 2 and 3."""
    host, lines = Played(), []
    kernel = boot(host, log=lines.append, patience=PATIENCE)
    for name in (b"/a", b"/b", b"/c"):
        kernel.lwp.mkdir(name, 0o755)
        kernel.lwp.mount("tmpfs", name, flags=abi.MNT_RDONLY, options={"isolate": ""})
    yield kernel, host, lines
    host.mood.clear()
    kernel.halt()


def told(kernel, flags=abi.ST_WAIT):
    """Path -> free blocks, of the isolated mounts."""
    return {found.f_mntonname: found.f_bfree for found in kernel.lwp.getvfsstat(flags) if found.f_mntonname != b"/"}


def fill(host, free):
    host.answers["statvfs"] = (*SPACE[:3], free, free, *SPACE[5:])


def test_without_waiting_nobody_is_asked(played):
    kernel, host, _ = played
    asked = len(host.asked)
    assert told(kernel, abi.ST_NOWAIT) == {b"/a": 0, b"/b": 0, b"/c": 0}
    assert kernel.lwp.getvfsstat(abi.ST_NOWAIT)[0].f_blocks == kernel.lwp.getvfsstat()[0].f_blocks > 0
    assert len(host.asked) == asked + 3
    fill(host, 7)
    for flags in (abi.ST_NOWAIT, 3, -1):       # MNT_LAZY, and what is none
        assert told(kernel, flags) == {b"/a": 40, b"/b": 40, b"/c": 40}
    assert kernel.lwp.statvfs(b"/a", abi.ST_NOWAIT).f_bfree == 40
    assert kernel.lwp.statvfs(b"/a").f_bfree == 7
    assert told(kernel, abi.ST_NOWAIT) == {b"/a": 7, b"/b": 40, b"/c": 40}
    assert told(kernel, 0) == {b"/a": 7, b"/b": 7, b"/c": 7}


@pytest.mark.parametrize(
    ("mood", "number", "bound"),
    [("dead", e.EIO, 0), ("silent", e.ETIMEDOUT, PATIENCE), ("busy", e.ETIMEDOUT, LONGEST + 10**9)],
)
def test_one_that_goes_wrong_stops_nobody(played, mood, number, bound):
    """The others' numbers are new, its own those of the last time; it costs no more than one request may."""
    kernel, host, lines = played
    told(kernel)
    fill(host, 7)
    host.mood[2] = mood
    assert told(kernel) == {b"/a": 7, b"/b": 40, b"/c": 7}
    assert host.now <= bound
    assert len(lines) == 1
    began = host.now
    fill(host, 6)
    if mood != "dead":                          # it was started again, and is well
        assert told(kernel) == {b"/a": 6, b"/b": 6, b"/c": 6}
        assert host.now == began
        return
    with pytest.raises(OSError) as caught:
        kernel.lwp.statvfs(b"/b")
    assert caught.value.errno == number


def test_all_of_them_hang(played):
    """Each costs its time once, and the list is whole."""
    kernel, host, lines = played
    told(kernel)
    host.mood.update({1: "silent", 2: "silent", 3: "silent"})
    assert told(kernel) == {b"/a": 40, b"/b": 40, b"/c": 40}
    assert host.now == 3 * PATIENCE
    assert len(lines) == 3
    kernel.lwp.unmount(b"/b")
    assert sorted(told(kernel, abi.ST_NOWAIT)) == [b"/a", b"/c"]


def test_nobody_queues_behind_a_hang_for_ever(played):
    """Another lwp waits for /b's driver: its number is the last one, after as long as a driver may be silent."""
    kernel, host, lines = played
    told(kernel)
    fill(host, 7)
    volume = list(kernel.mounts)[2].innermost
    volume._lock.exclusive()
    kernel.cpu.inside += 1
    try:
        assert told(kernel) == {b"/a": 7, b"/b": 40, b"/c": 7}
    finally:
        kernel.cpu.inside -= 1
        volume._lock.unlock()
    assert lines == []
    assert told(kernel) == {b"/a": 7, b"/b": 7, b"/c": 7}


def test_a_lock_that_is_waited_for_in_vain():
    host = Bare(Memory(now=0, seed=1))
    cpu = VirtualCPU(host)
    cpu.inside = 2
    lock = SleepLock(cpu)
    lock.exclusive(5)
    began = cpu.monotonic()
    with pytest.raises(OSError) as caught, cpu.guard:
        lock.exclusive(10**9)
    assert caught.value.errno == e.ETIMEDOUT
    assert cpu.monotonic() - began >= 10**9
    lock.unlock()
    assert (lock.writer, lock._queue, cpu.sleepers) == (False, [], {})
    lock.exclusive(0)
