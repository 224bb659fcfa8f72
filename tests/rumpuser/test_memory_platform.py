# SPDX-License-Identifier: BSD-2-Clause
"""What the bare backend on memory alone promises beyond the contract: everything repeats, and time moves when told."""

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.bare.nic import NetworkCards
from rump.rumpuser.bare.threads import Threaded
from rump.rumpuser.interface.errno import EINVAL, ENXIO
from rump.rumpuser.interface.hypercalls import (
    CLOCK_ABSMONO,
    CLOCK_RELWALL,
    OPEN_CREATE,
    OPEN_RDWR,
    PARAM_HOSTNAME,
    PARAM_NCPU,
)


def test_the_clock_stands_still():
    platform = Memory(now=5)
    host = Bare(platform)
    assert host.clock_gettime(CLOCK_ABSMONO) == host.clock_gettime(CLOCK_ABSMONO) == 0
    platform.time += 10
    assert host.clock_gettime(CLOCK_RELWALL) == 15
    platform.wall = 0
    host.clock_sleep(CLOCK_RELWALL, 7)
    assert host.clock_gettime(CLOCK_RELWALL) == 17


def test_entropy_repeats():
    assert Bare(Memory(seed=7)).getrandom(20) == Bare(Memory(seed=7)).getrandom(20)
    assert Bare(Memory(seed=7)).getrandom(20) != Bare(Memory(seed=8)).getrandom(20)


def test_parameters():
    platform = Memory()
    platform.environment = {"RUMP_HOSTNAME": "hal", "HOME": "/"}
    host = Bare(platform)
    assert (host.getparam(PARAM_HOSTNAME), host.getparam(PARAM_NCPU), host.getparam("HOME")) == ("hal", "1", "/")


def test_the_console():
    host = Bare(Memory())
    host.console_write(b"line \xff\n")
    assert host.platform.console == b"line \xff\n"


def test_exit():
    with pytest.raises(SystemExit) as ended:
        Bare(Memory()).exit(3)
    assert ended.value.code == 3


def test_there_is_no_virtual_cpu_before_init():
    assert Bare(Memory()).open(b"x", OPEN_RDWR | OPEN_CREATE) == 3


class Card:
    """A wire that hands back what is sent."""

    address = b"\x02\0\0\0\0\1"

    def __init__(self):
        self.frames = []
        self.closed = False

    def send(self, frame):
        self.frames.append(bytes(frame))

    def receive(self, timeout):
        return self.frames.pop(0) if self.frames else b""

    def close(self):
        self.closed = True


class Networked(Memory):
    def __init__(self):
        super().__init__()
        self.card = Card()

    def nic(self, name):
        return self.card if name == b"net0" else None


class Machine(NetworkCards, Threaded):
    """A host composed of what some machines have."""


def test_cards_of_a_platform(refused):
    host = Machine(Networked())
    assert host.traits.threads
    nic = host.nic_open(b"net0")
    assert (nic, host.nic_address(nic)) == (3, Card.address)
    frame = bytes(range(14))
    host.nic_send(nic, bytearray(frame))
    assert (host.nic_receive(nic, None), host.nic_receive(nic, 0)) == (frame, b"")
    with refused(ENXIO):
        host.nic_open(b"net1")
    with refused(EINVAL):
        host.nic_send(nic, frame[:13])
    host.nic_close(nic)
    assert host.platform.card.closed


def test_threads_of_the_interpreter():
    host = Machine(Networked())
    done = []
    host.thread_create(lambda: done.append(1), "worker").join()
    assert done == [1]
