# SPDX-License-Identifier: BSD-2-Clause
"""A recording holds both edges of the kernel; a replay answers from it and finds the first difference."""

import contextlib
import json

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface.errno import EIO, ENOENT, ENOSYS
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    CLOCK_ABSMONO,
    OPEN_CREATE,
    OPEN_RDWR,
    Hypercalls,
    Traits,
)
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.recording import pack, pack_traits, unpack
from rump.rumpuser.middleware.replay import Replay, ReplayError
from rump.rumpuser.middleware.trace import Trace

NOTHING = Upcalls(lambda: None, lambda: None)


class ToyKernel:
    """Two system calls over a host, told to a recorder as the kernel does."""

    def __init__(self, host, recorder):
        self.host, self.recorder = host, recorder
        host.init(VERSION, NOTHING)
        self.handle = host.open(b"disk", OPEN_RDWR | OPEN_CREATE)

    def call(self, lwp, name, arguments):
        self.recorder.syscall_enter(lwp, name, arguments)
        try:
            result = getattr(self, name)(*arguments)
        except HostError as error:
            self.recorder.syscall_exit(lwp, name, error.errno, None)
            return error.errno, None
        self.recorder.syscall_exit(lwp, name, 0, result)
        return 0, result

    def stamp(self, data, offset):
        self.host.write(self.handle, data, offset)
        self.host.sync(self.handle, 1)
        return self.host.clock_gettime(CLOCK_ABSMONO)

    def fetch(self, offset, length):
        buffer = bytearray(length)
        count = self.host.read(self.handle, buffer, offset)
        return bytes(buffer[:count])

    def fail(self):
        self.host.open(b"missing", 0)


CALLS = [(1, "stamp", (b"hello\0\xff", 3)), (2, "fetch", (0, 100)), (1, "fail", ()), (1, "fetch", (4, 2))]


def recorded():
    lines = []
    record = Record(Bare(Memory(now=5)), lines.append)
    kernel = ToyKernel(record, record)
    outcomes = [kernel.call(*call) for call in CALLS]
    return lines, outcomes


# ---- the recording ---------------------------------------------------------------------------------------------------


def test_the_form():
    lines, _ = recorded()
    header, *events = [json.loads(line) for line in lines]
    assert header == {"rump-recording": 1, "interface": VERSION, "traits": pack_traits(Bare(Memory()).traits)}
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    assert events[:6] == [
        ["call", "open", [{"bytes": "ZGlzaw==", "zeros": 0}, 6], 3],
        ["enter", 1, "stamp", [{"bytes": "aGVsbG8A/w==", "zeros": 0}, 3]],
        ["call", "write", [3, {"crc32": 0x3EB7F272, "length": 7}, 3], 7],
        ["call", "sync", [3, 1, 0, 0], None],
        ["call", "clock_gettime", [1], 0],
        ["exit", 1, "stamp", None, 0],
    ]
    assert ["fail", "open", [{"bytes": "bWlzc2luZw==", "zeros": 0}, 0], "ENOENT"] in events
    assert ["exit", 1, "fail", "ENOENT", None] in events


@pytest.mark.parametrize(
    "value",
    [0, -1, 1 << 80, "text\udcff", b"", b"\0", b"\0a\0", bytes(100000), b"\xff" * 300, None, True, (), (1, (b"x",))],
)
def test_values(value):
    assert unpack(json.loads(json.dumps(pack(value)))) == value


def test_zeros_take_no_room():
    assert len(json.dumps(pack(bytes(1 << 20)))) < 50


def test_a_buffer_is_its_size():
    assert unpack(pack(memoryview(bytearray(7)))) == bytearray(7)


def test_what_a_recording_cannot_hold():
    with pytest.raises(TypeError):
        pack(object())


# ---- replay under a program that runs again --------------------------------------------------------------------------


def test_every_hypercall_again(everything, platform):
    lines, before, after = [], [], []
    everything(Trace(Record(Bare(platform()), lines.append), before.append))
    replay = Replay(lines)
    everything(Trace(replay, after.append))
    assert after == before
    replay.finish()


def test_buffers_are_filled():
    lines = []
    record = Record(Bare(Memory()), lines.append)
    handle = record.open(b"x", OPEN_RDWR | OPEN_CREATE)
    record.write(handle, b"0123456789", 0)
    record.read(handle, bytearray(4), 8)
    record.submit(handle, [(BIO_READ, bytearray(3), 0), (BIO_WRITE, b"ab", 0), (BIO_READ, bytearray(1), -1)])
    replay = Replay(lines)
    replay.open(b"x", OPEN_RDWR | OPEN_CREATE)
    replay.write(handle, bytearray(b"0123456789"), 0)
    buffer, other = bytearray(b"####"), bytearray(3)
    assert replay.read(handle, buffer, 8) == 2
    assert buffer == b"89##"
    requests = [(BIO_READ, other, 0), (BIO_WRITE, b"ab", 0), (BIO_READ, bytearray(1), -1)]
    assert replay.submit(handle, requests) == (3, 2, -22)
    assert other == b"012"


def test_the_program_again():
    lines, outcomes = recorded()
    replay = Replay(lines)
    kernel = ToyKernel(replay, replay)
    assert [kernel.call(*call) for call in CALLS] == outcomes
    replay.finish()


def test_traits_come_back():
    lines, _ = recorded()
    assert pack_traits(Replay(lines).traits) == pack_traits(Bare(Memory()).traits)


def test_upcalls_are_made():
    lines, made = [], []
    Record(Bare(Memory()), lines.append).open(b"x", OPEN_RDWR | OPEN_CREATE)
    replay = Replay(lines)
    replay.init(VERSION, Upcalls(lambda: made.append("schedule"), lambda: made.append("unschedule")))
    replay.open(b"x", OPEN_RDWR | OPEN_CREATE)
    assert made == ["unschedule", "schedule"]


def test_what_the_kernel_does_meanwhile():
    """A callout that runs while the virtual CPU is given up makes hypercalls of its own: they come first."""

    def run(host):
        readings = []
        host.init(VERSION, Upcalls(lambda: None, lambda: readings.append(host.clock_gettime(CLOCK_ABSMONO))))
        host.open(b"x", OPEN_RDWR | OPEN_CREATE)
        return readings

    lines = []
    assert run(Record(Bare(Memory()), lines.append)) == run(Replay(lines)) == [0]


def test_locks_of_a_replay():
    lines, _ = recorded()
    replay = Replay(lines)
    mutex = replay.mutex_create()
    mutex.acquire()
    assert replay.condition_create(mutex).wait(10**12) is False
    assert replay.crc32c(0xFFFFFFFF, b"123456789") ^ 0xFFFFFFFF == 0xE3069283


def test_components_come_back():
    class Host(Bare):
        def components(self):
            return (("xfs", lambda: "table"), ("zfs", lambda: "table"))

    lines = []
    Record(Host(Memory()), lines.append).components()
    (xfs, load_xfs), (zfs, load_zfs) = Replay(lines, {"xfs": lambda: "mine"}).components()
    assert (xfs, load_xfs(), zfs) == ("xfs", "mine", "zfs")
    with pytest.raises(ReplayError, match="'zfs'"):
        load_zfs()


# ---- replay that makes the system calls itself -----------------------------------------------------------------------


def test_the_recorded_system_calls():
    lines, _ = recorded()
    assert list(Replay(lines).syscalls()) == CALLS


def test_drive():
    lines, _ = recorded()
    replay = Replay(lines)
    kernel = ToyKernel(replay, replay)
    made = []
    replay.drive(lambda *call: made.append(call) or kernel.call(*call))
    assert made == CALLS
    replay.finish()


def test_drive_a_kernel_that_tells_nothing():
    class Deaf:
        def syscall_enter(self, *event):
            pass

        syscall_exit = syscall_enter

    lines, _ = recorded()
    for outcome_of in (lambda outcome: outcome, lambda outcome: None):
        replay = Replay(lines)
        kernel = ToyKernel(replay, Deaf())
        replay.drive(lambda *call, kernel=kernel, shown=outcome_of: shown(kernel.call(*call)))
        replay.finish()


def test_drive_notices_another_result():
    lines, _ = recorded()
    replay = Replay(lines)
    kernel = ToyKernel(replay, replay)
    kernel.fetch = lambda offset, length: ToyKernel.fetch(kernel, offset, length) + b"!"
    with pytest.raises(ReplayError, match=r"recorded was the end of the system call fetch\(None, .*hello"):
        replay.drive(kernel.call)


# ---- differences -----------------------------------------------------------------------------------------------------


def test_another_hypercall():
    lines, _ = recorded()
    replay = Replay(lines)
    with pytest.raises(ReplayError) as found:
        replay.close(3)
    assert str(found.value) == (
        "line 2: recorded was the hypercall open(b'disk', 6), but the kernel made the hypercall close(3)"
    )


def test_other_data():
    lines, _ = recorded()
    replay = Replay(lines)
    kernel = ToyKernel(replay, replay)
    kernel.stamp = lambda data, offset: ToyKernel.stamp(kernel, b"HELLO\0\xff", offset)
    with pytest.raises(ReplayError, match=r"line 4: recorded was the hypercall write\(3, <crc32 \d+, length 7>, 3\)"):
        kernel.call(*CALLS[0])


def test_another_system_call():
    lines, _ = recorded()
    replay = Replay(lines)
    kernel = ToyKernel(replay, replay)
    with pytest.raises(ReplayError, match=r"stamp\(b'hello.*of lwp 1, but .* stamp\(b'hello.*of lwp 2"):
        kernel.call(2, *CALLS[0][1:])


def test_more_than_was_recorded():
    replay = Replay(recorded()[0][:1])
    with pytest.raises(ReplayError, match="recorded was nothing more, but the kernel made the hypercall getrandom"):
        replay.getrandom(3)


def test_less_than_was_recorded():
    replay = Replay(recorded()[0])
    with pytest.raises(ReplayError, match=r"line 2: .* the hypercall open.* but the kernel made nothing more"):
        replay.finish()


@pytest.mark.parametrize("lines", [[], [b"{}\n"], [b"[]\n"], [b"junk"], [b'{"rump-recording":2}']])
def test_not_a_recording(lines):
    with pytest.raises(ReplayError):
        Replay(lines)


def test_a_recording_of_another_interface():
    lines, _ = recorded()
    header = dict(json.loads(lines[0]), interface=VERSION + 1)
    with pytest.raises(ReplayError, match="interface"):
        Replay([json.dumps(header).encode()])


def test_a_damaged_recording():
    lines, _ = recorded()
    with pytest.raises(ReplayError, match=r"line 2 .* damaged"):
        Replay([lines[0], lines[1][:10]]).finish()


def test_failures_come_back():
    lines = []
    record = Record(Bare(Memory()), lines.append)
    with contextlib.suppress(HostError):
        record.open(b"missing", 0)
    with pytest.raises(HostError) as found:
        Replay(lines).open(b"missing", 0)
    assert found.value.errno == ENOENT != EIO


# ---- watches, network cards, threads ---------------------------------------------------------------------------------


class Wire(Hypercalls):
    """Frames that come, and what was sent."""

    def __init__(self):
        self.traits = Traits("a machine", threads=True)
        self.frames = [b"first frame...", b"second frame.."]
        self.sent = []

    def init(self, version, upcalls):
        pass

    def watch_wait(self, watch, timeout):
        return True

    def nic_open(self, name):
        return 3

    def nic_address(self, nic):
        return b"\xb2\n\0\1\2\3"

    def nic_send(self, nic, frame):
        self.sent.append(bytes(frame))

    def nic_receive(self, nic, timeout):
        return self.frames.pop(0) if self.frames else b""


def _talk(host):
    nic = host.nic_open(b"net0")
    host.nic_send(nic, bytearray(b"a frame of ours"))
    return [
        host.nic_address(nic), *[host.nic_receive(nic, 5) for _ in range(3)], host.watch_wait(3, None),
    ]  # fmt: skip


def test_frames_come_back():
    lines = []
    wire = Wire()
    heard = _talk(Record(wire, lines.append))
    assert heard == [b"\xb2\n\0\1\2\3", b"first frame...", b"second frame..", b"", True]
    assert wire.sent == [b"a frame of ours"]
    replay = Replay(lines)
    assert _talk(replay) == heard
    replay.finish()


def test_another_frame():
    lines = []
    _talk(Record(Wire(), lines.append))
    replay = Replay(lines)
    replay.nic_open(b"net0")
    with pytest.raises(ReplayError, match=r"recorded was the hypercall nic_send\(3, <crc32 \d+, length 15>\)"):
        replay.nic_send(3, b"another frame of ours")


def test_a_replay_has_one_thread():
    lines = []
    Record(Wire(), lines.append)
    with pytest.raises(HostError) as found:
        Replay(lines).thread_create(lambda: None, "worker")
    assert found.value.errno == ENOSYS
    assert len(Replay(lines).memory_create(10, 8)) == 10
