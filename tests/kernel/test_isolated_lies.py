# SPDX-License-Identifier: BSD-2-Clause
"""What a hostile process in a driver's place can bring about: errors, and nothing else."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rump.kernel.callout import Callout
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs.isolated import protocol
from rump.kernel.vfs.isolated.broker import CALLOUTS, LINES, Broker, Lie
from rump.kernel.vfs.isolated.shapes import CHECKS
from rump.kernel.vfs.isolated.volume import IsolatedVolume, cut
from rump.kernel.vfs.marshal import OPERATIONS
from rump.kernel.vfs.volume import Capabilities, MountArguments, Services
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import Hypercalls
from rump.rumpuser.pure.no_threads import FlagMutex

ATTRIBUTES = (12, 0, 0o100644, 1, 0, 0, 0, 10, 512, 1, 1, 1, 0, 0)
HELLO = (protocol.HELLO, ("limits",))
KEPT = tuple([{"name_max": 255, "time_step": 1, "link_max": 10}.get(name, 0) for name in Capabilities.__slots__])
MOUNTED = (protocol.ANSWER, (KEPT, None, ("forget", "inactive", "name_key")))


class Disk(BlockDevice):
    """A device of zeros that notes what is written to it."""

    def __init__(self, size=4096, read_only=False):
        self.name, self.size, self.sector_size, self.read_only = "disk", size, 512, read_only
        self.written = []

    def readinto(self, offset, buffer):
        assert 0 <= offset <= self.size - len(buffer)

    def write(self, offset, data):
        assert 0 <= offset <= self.size - len(data)
        self.written.append((offset, bytes(data)))

    def sync(self, barrier=False):
        self.written.append(("sync", barrier))

    def discard(self, offset, length):
        assert 0 <= offset <= self.size - length
        self.written.append((offset, length))


class Scripted(Hypercalls):
    """A host on which a confined process says what stands in a script, whatever it is asked."""

    def __init__(self, *said):
        self.script = b"".join(map(frame, said))
        self.heard = []
        self.ended = 0

    def say(self, data):
        self.script += data

    def mutex_create(self):
        return FlagMutex()

    def clock_gettime(self, clock):
        return 0

    def spawn_confined(self, entry, modules, handles, memory, seconds):
        return 3, 3

    def confined_end(self, process):
        self.ended += 1
        return 0

    def stream_close(self, stream):
        pass

    def stream_send(self, stream, data):
        self.heard.append(decode(data[4:]))

    def stream_receive(self, stream, length, timeout):
        data, self.script = self.script[:length], self.script[length:]
        return data


def frame(value):
    data = encode(value)
    return struct.pack("<I", len(data)) + data


def services(host, lines):
    cpu = VirtualCPU(host)
    return Services(
        lambda: 5, bytes, lines.append, lambda *_: 0, lambda *_: [], lambda: SleepLock(cpu),
        lambda delay, function: Callout(delay, function), lambda nanoseconds: None,
    )  # fmt: skip


def mounted(*said, read_only=True, device=None):
    """(volume, its host, the console's lines)"""
    host, lines = Scripted(HELLO, MOUNTED, *said), []
    arguments = MountArguments(device or Disk(), services(host, lines), read_only=read_only)
    return IsolatedVolume(host, "ext2fs", arguments, 10**9), host, lines


def ended(said, number=e.EIO, call=lambda volume: volume.attributes((12, 0))):
    """What is said ends the process, with that errno and one line."""
    volume, host, lines = mounted(*said)
    with pytest.raises(Fault) as caught:
        call(volume)
    assert caught.value.errno == number
    assert host.ended == 1
    assert len(lines) == 1


def test_an_honest_answer():
    volume, host, lines = mounted((protocol.ANSWER, ATTRIBUTES))
    assert volume.attributes((12, 0)) == ATTRIBUTES
    assert host.heard[-1] == ("attributes", ((12, 0),), 5)
    assert lines == []


def test_an_honest_error_is_no_end():
    volume, host, _ = mounted((protocol.FAILED, e.ENOENT, "no\x1b[2Jway"))
    with pytest.raises(FileNotFoundError, match=r"no\?\[2Jway"):
        volume.lookup((2, 0), b"x")
    assert host.ended == 0


@pytest.mark.parametrize(
    "said",
    [
        (), (5,), ((),), ((protocol.ANSWER,),), ((protocol.ANSWER, None),), ((protocol.HELLO, ()),), ((99, 1),),
        ((protocol.FAILED, "ENOENT", None),), ((protocol.FAILED, 99999, None),), ((protocol.FAILED, e.EIO, b"x"),),
        ((protocol.CRASHED, "so\nthere"),), ((protocol.ASK, "answer", ()),), ((protocol.ASK, "__class__", ()),),
        ((protocol.ASK, "read", (0,)),), ((protocol.ASK, b"read", (0, 1)),), ((protocol.ASK, "read", (0, "x")),),
        ((protocol.ASK, "read", (0, 1 << 30)),), ((protocol.ASK, "log", (7,)),),
        ((protocol.ANSWER, (*ATTRIBUTES[:2], 1 << 32, *ATTRIBUTES[3:])),),
        ((protocol.ANSWER, (*ATTRIBUTES[:7], -1, *ATTRIBUTES[8:])),),
        ((protocol.ANSWER, (*ATTRIBUTES[:13], 1 << 70)),), ((protocol.ANSWER, (*ATTRIBUTES[:13], True)),),
    ],
)  # fmt: skip
def test_answers_that_end_it(said):
    ended(said)


@pytest.mark.parametrize(
    "names", [b"a/b", b"", b".", b"..", b"a\0", b"x" * 5000], ids=["slash", "empty", "dot", "dots", "nul", "long"]
)
def test_names_that_are_none(names):
    rows = ((names, 1, 12, 8),)
    ended([(protocol.ANSWER, (rows, -1))], call=lambda volume: volume.list((2, 0), 0, 10))
    plus = ((names, 1, ATTRIBUTES),)
    ended([(protocol.ANSWER, (plus, -1))], call=lambda volume: volume.list_attributes((2, 0), 0, 10))


def test_listings_longer_than_asked_or_without_end():
    rows = tuple((b"%d" % number, number, 12, 8) for number in range(11))
    ended([(protocol.ANSWER, (rows, -1))], call=lambda volume: volume.list((2, 0), 0, 10))
    ended([(protocol.ANSWER, ((), 5))], call=lambda volume: volume.list((2, 0), 0, 10))


@pytest.mark.parametrize(
    "runs", [((9, 0, 1, 0),), ((0, 0, 0, 0),), ((0, 0, 5, -1),), ((0, 0, 5, 0), (0, 6, 1, 0)), (5,)]
)
def test_runs_that_are_none(runs):
    ended([(protocol.ANSWER, runs)], call=lambda volume: volume.map((12, 0), 0, 10))


def test_more_bytes_than_asked():
    ended([(protocol.ANSWER, bytes(11))], call=lambda volume: volume.read((12, 0), 0, 10))


def test_greetings_and_mounts_that_are_none():
    answers = (), ((), None, ()), (KEPT, -1, ()), (KEPT, None, ("read",))
    for said in ((), (7,), (HELLO,), *[(HELLO, (protocol.ANSWER, answer)) for answer in answers]):
        host = Scripted(*said)
        with pytest.raises(Fault) as caught:
            IsolatedVolume(host, "ext2fs", MountArguments(Disk(), services(host, [])), 10**9)
        assert caught.value.errno == e.EIO
        assert host.ended == 1


def test_every_operation_has_its_check():
    assert set(CHECKS) == {*OPERATIONS, "callout"}


LEAVES = st.none() | st.integers(-2, 20) | st.integers() | st.binary(max_size=4) | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=14).map(tuple), max_leaves=20)
ARGUMENTS = {
    "root": (), "statvfs": (), "describe": (), "sync": (), "list": ((2, 0), 0, 9), "list_attributes": ((2, 0), 0, 9),
    "map": ((2, 0), 0, 9), "read": ((2, 0), 0, 9), "gather": (((2, 0), (3, 0)),), "place": ((2, 0), (5, 6)),
    "populate": ((2, 0), ((b"x",),)), "rename": ((2, 0), b"a", (2, 0), b"b"), "lookup": ((2, 0), b"a"),
    "readlink": ((2, 0),), "list_xattr": ((2, 0),), "create": ((2, 0), b"a", 0o100644, 0, 0, 0, b""),
}  # fmt: skip

ASKED = ["read", "write", "sync", "discard", "now", "random", "schedule", "log", "sleep"]


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(ARGUMENTS)),
    st.lists(
        st.tuples(st.integers(0, 6), VALUES)
        | st.tuples(st.just(protocol.ASK), st.sampled_from(ASKED), VALUES) | VALUES,
        max_size=4,
    ),
)
def test_any_values_are_an_answer_or_an_error(operation, said):
    volume, _, _ = mounted(*said)
    try:
        getattr(volume, operation)(*ARGUMENTS[operation])
    except Fault:
        pass


@settings(max_examples=80)
@given(st.sampled_from(sorted(ARGUMENTS)), st.binary(max_size=100))
def test_any_bytes_are_an_error(operation, data):
    volume, host, _ = mounted()
    host.say(data)
    with pytest.raises(Fault):
        getattr(volume, operation)(*ARGUMENTS[operation])
    assert host.ended == 1


# ---- the broker ------------------------------------------------------------------------------------------------------


def broker(device, writable=True):
    host = Scripted()
    return Broker(device, writable, services(host, []), lambda number: None)


def test_the_broker_keeps_to_the_device():
    """Of a partition, nothing outside is read or written, whatever part of the request is inside."""
    disk = Disk(4096)
    here = broker(disk)
    for offset, length in ((-1, 1), (4096, 1), (4090, 7), (1 << 70, 1), (-(1 << 70), 5)):
        outside = offset, bytes(length)
        for name, arguments in (
            ("read", (offset, length)), ("discard", (offset, length)), ("write", ((outside,),)),
            ("write", (((0, b"x"), outside),)),
        ):  # fmt: skip
            with pytest.raises(Fault) as caught:
                here.answer(name, arguments)
            assert caught.value.errno == e.EIO
    assert disk.written == []
    here.answer("write", (((4095, b"x"), (0, b"y")),))
    here.answer("sync", (True,))
    assert disk.written == [(4095, b"x"), (0, b"y"), ("sync", True)]


def test_the_broker_of_a_mount_for_reading_writes_nothing():
    disk = Disk()
    here = broker(disk, writable=False)
    for name, arguments in (("write", (((0, b"x"),),)), ("discard", (0, 1)), ("sync", (False,))):
        with pytest.raises(Fault) as caught:
            here.answer(name, arguments)
        assert caught.value.errno == e.EROFS
    assert here.answer("read", (0, 10)) == bytes(10)
    assert disk.written == []


def test_callouts_are_bounded():
    here = broker(Disk())
    for number in range(CALLOUTS):
        here.answer("schedule", (number, 1))
    with pytest.raises(Lie):
        here.answer("schedule", (CALLOUTS, 1))


def test_a_callout_is_scheduled_once():
    """The same number again would cost the kernel memory without a bound."""
    here = broker(Disk())
    here.answer("schedule", (1, 1))
    with pytest.raises(Lie):
        here.answer("schedule", (1, 1))


def test_the_console_is_not_flooded():
    here = broker(Disk())
    for _ in range(LINES):
        here.answer("log", ("line",))
    with pytest.raises(Lie):
        here.answer("log", ("one more",))


@pytest.mark.parametrize(
    ("field", "value"), [(3, 1 << 32), (4, -1), (5, 1 << 32), (6, -1), (7, 1 << 64), (13, 1 << 32)]
)
def test_attributes_that_no_stat_holds(field, value):
    wrong = (*ATTRIBUTES[:field], value, *ATTRIBUTES[field + 1 :])
    ended([(protocol.ANSWER, wrong)])
    rows = ((b"a", 1, wrong),)
    ended([(protocol.ANSWER, (rows, -1))], call=lambda volume: volume.list_attributes((2, 0), 0, 10))


def test_runs_are_cut():
    runs = ((0, 0, 100, 5000), (1, 100, 100, 0), (2, 200, 10, 7000))
    assert cut(runs, 50, 80) == ((0, 50, 50, 5050), (1, 100, 30, 0))
    assert cut(runs, 205, 100) == ((2, 205, 5, 7005),)
    assert cut(runs, 210, 1) == cut((), 0, 1) == cut(runs[1:], 50, 10) == ()
