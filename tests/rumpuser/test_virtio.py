# SPDX-License-Identifier: BSD-2-Clause
"""The virtio drivers, against a model of the devices' side, on both transports."""

import random
import sys

import pytest
import virtio_model as model

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.discard import Discards
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.bare.virtio import block, mmio, pci
from rump.rumpuser.bare.virtio.block import Block
from rump.rumpuser.bare.virtio.console import Console
from rump.rumpuser.bare.virtio.entropy import Entropy
from rump.rumpuser.bare.virtio.net import Card
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, OPEN_RDONLY, OPEN_RDWR, SYNC_ALL

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="rings are little-endian, as are these machines")
PATTERN = random.Random(1).randbytes(65536)
EVERYTHING = block.WANTED & ~block.F_RO


@pytest.fixture
def machine():
    return model.Machine()


@pytest.fixture(params=["mmio", "pci"])
def over(request):
    return getattr(model, f"over_{request.param}")


@pytest.fixture
def disk(machine, over):
    """disk(features, ...): the model, and the driver's block device."""

    def make(features=EVERYTHING, **more):
        device = model.Disk(machine, PATTERN, features, **more)
        return device, Block(over(device), machine)

    return make


def refused(number, call, *arguments):
    with pytest.raises(HostError) as caught:
        call(*arguments)
    assert caught.value.errno == number


def read(disk, offset, length):
    buffer = bytearray(length)
    disk.read(memoryview(buffer), offset)
    return bytes(buffer)


# ---- block -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size_max", [0, 512, 1000, 4096])
@pytest.mark.parametrize("features", [0, EVERYTHING])
def test_reads_and_writes(disk, features, size_max):
    device, driven = disk(features, size_max=size_max)
    assert (driven.size, driven.sector, driven.read_only, driven.serial) == (65536, 512, False, b"serial")
    wanted = bytearray(PATTERN)
    chance = random.Random(2)
    for _ in range(60):
        start = chance.randrange(0, 65536) & ~(511 * chance.randrange(2))
        length = chance.randrange(0, min(20000, 65536 - start) + 1)
        if chance.randrange(2):
            data = chance.randbytes(length)
            wanted[start : start + length] = data
            driven.write(memoryview(data), start)
        assert read(driven, start, length) == wanted[start : start + length]
    assert device.data == wanted


def test_whole_sectors_take_one_request(disk):
    device, driven = disk()
    device.requests.clear()
    read(driven, 512, 40000 // 512 * 512)
    assert device.requests == [(0, 1, 39936)]


def test_the_devices_limits_are_kept(disk):
    device, driven = disk(size_max=4096, seg_max=2)
    device.requests.clear()
    read(driven, 0, 65536)
    assert [length for _, _, length in device.requests] == [8192] * 8
    assert {sector for _, sector, _ in device.requests} == set(range(0, 128, 16))


def test_many_requests_are_under_way_together(disk):
    device, driven = disk(features=0)
    device.late = True
    buffers = [bytearray(512) for _ in range(5)]
    assert driven.submit([(BIO_READ, memoryview(data), 1024 * at) for at, data in enumerate(buffers)]) == [0] * 5
    assert device.most_under_way == 2           # of three descriptors each; the queue has eight
    assert [bytes(data) for data in buffers] == [PATTERN[1024 * at : 1024 * at + 512] for at in range(5)]


def test_sectors_of_4096_bytes(disk):
    device, driven = disk(block=4096)
    assert driven.sector == 4096
    assert read(driven, 1000, 3) == PATTERN[1000:1003]
    driven.write(memoryview(b"xyz"), 4095)
    assert device.data == PATTERN[:4095] + b"xyz" + PATTERN[4098:]
    assert all(sector % 8 == 0 and length % 4096 == 0 for kind, sector, length in device.requests if kind < 2)


def test_sync_is_a_flush_where_there_is_a_cache(disk):
    device, driven = disk()
    driven.sync()
    assert device.flushes == 1


def test_without_a_cache_there_is_nothing_to_sync(disk):
    device, driven = disk(features=0)
    driven.sync()
    assert device.flushes == 0


def test_discard_and_zero(disk):
    device, driven = disk()
    driven.discard(513, 65536 - 513)
    assert device.data == PATTERN[:1024] + bytes(65536 - 1024)
    assert sorted(device.requests[-2:])[0][0] == 11
    driven.write(memoryview(PATTERN), 0)
    assert driven.zeroes
    driven.zero(0, 16384)
    assert device.data == bytes(16384) + PATTERN[16384:]


def test_what_the_device_does_not_offer(disk):
    _, driven = disk(features=0)
    assert not driven.zeroes
    refused(e.EOPNOTSUPP, driven.discard, 0, 512)
    refused(e.EOPNOTSUPP, driven.zero, 0, 512)


def test_a_device_that_cannot_be_written_to(disk):
    device, driven = disk(features=EVERYTHING | block.F_RO)
    refused(e.EROFS, driven.write, memoryview(b"x"), 0)
    refused(e.EROFS, driven.discard, 0, 512)
    driven.sync()
    assert device.flushes == 0
    host = Bare(Memory({b"disk0": driven}))
    refused(e.EROFS, host.open, b"disk0", OPEN_RDWR)
    assert host.open(b"disk0", OPEN_RDONLY) == 3


@pytest.mark.parametrize("status, number", [(1, e.EIO), (2, e.EOPNOTSUPP), (3, e.EIO), (255, e.EIO)])
def test_the_status_of_a_request(disk, status, number):
    device, driven = disk()
    device.status_byte = status
    refused(number, read, driven, 0, 512)
    device.status_byte = None
    assert read(driven, 0, 512) == PATTERN[:512]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda head, written: (head + 1, written),
        lambda head, written: (0xFFFFFFFF, written),
        lambda head, written: (head, 0x7FFFFFFF),
    ],
    ids=["another buffer", "no buffer", "too much"],
)
def test_a_device_that_lies_is_stopped(disk, spoil):
    device, driven = disk()
    device.spoil = spoil
    before = device.resets
    refused(e.EIO, read, driven, 0, 512)
    assert device.resets == before + 1
    assert device.status == 0
    refused(e.EIO, read, driven, 0, 512)
    assert driven.submit([(BIO_WRITE, memoryview(bytes(512)), 0)]) == [e.EIO]
    assert device.data == PATTERN


def test_a_good_status_without_the_data_is_an_error(disk):
    device, driven = disk()
    device.spoil = lambda head, written: (head, 1)
    refused(e.EIO, read, driven, 0, 512)


def test_a_device_that_does_not_answer_is_stopped(disk, machine):
    device, driven = disk()
    device.silent = True
    refused(e.EIO, read, driven, 0, 512)
    assert device.status == 0
    assert 60e9 <= machine.now < 62e9


def test_a_device_that_wants_to_be_reset(disk, machine):
    device, driven = disk()
    device.late = True
    device.tick = lambda: setattr(device, "status", device.status | 64)
    refused(e.EIO, read, driven, 0, 512)
    assert machine.now < 1e9


def test_the_hypercalls_on_a_block_device(disk):
    device, driven = disk()
    host = Discards(Memory({b"disk0": driven}))
    handle = host.open(b"disk0", OPEN_RDWR)
    assert host.getfileinfo(handle) == (65536, 2 + 1, 512)
    buffers = [bytearray(512), bytearray(700), bytearray(10)]
    wanted = (512, 536, -e.EINVAL, 0, 3, -e.EFBIG)
    assert wanted == host.submit(handle, [
        (BIO_READ, buffers[0], 512), (BIO_READ, buffers[1], 65000), (BIO_READ, buffers[2], -1),
        (BIO_READ, buffers[2], 65536), (BIO_WRITE, b"abc", 7), (BIO_WRITE, b"abc", 65535),
    ])  # fmt: skip
    assert (bytes(buffers[0]), bytes(buffers[1][:536])) == (PATTERN[512:1024], PATTERN[65000:])
    assert device.data[:10] == PATTERN[:7] + b"abc"
    host.sync(handle, SYNC_ALL)
    host.discard(handle, 1024, 512)
    assert device.flushes == 1 and device.data[1024:1536] == bytes(512)


# ---- the others ------------------------------------------------------------------------------------------------------


def test_entropy(machine, over):
    device = model.Entropy(machine)
    driven = Entropy(over(device), machine)
    assert driven.draw(10) == bytes(range(10))
    assert driven.draw(0) == b""
    assert len(driven.draw(1000)) == 1000


def test_entropy_that_does_not_come(machine, over):
    driven = Entropy(over(model.Entropy(machine)), machine)
    machine.devices[0][2].device.spoil = lambda head, written: (head, 0)
    refused(e.EIO, driven.draw, 1)


def frame(number, length=60):
    return b"\x52\x54\0\1\2\3" + b"\2\0\0\0\0\1" + b"\x88\xb5" + bytes([number]) * (length - 14)


def test_frames_go_both_ways(machine, over):
    device = model.Network(machine)
    card = Card(over(device), machine)
    assert card.address == b"\x52\x54\0\1\2\3"
    for number in range(20):
        card.send(memoryview(frame(number)))
    assert device.sent == [frame(number) for number in range(20)]
    device.arrive(frame(1), frame(2, 1514))
    assert [card.receive(None), card.receive(0), card.receive(0)] == [frame(1), frame(2, 1514), b""]
    for number in range(50):
        device.arrive(frame(number))
        assert card.receive(0) == frame(number)


def test_waiting_for_a_frame(machine, over):
    device = model.Network(machine)
    card = Card(over(device), machine)
    before = machine.now
    assert card.receive(10**9) == b""
    assert 1e9 <= machine.now - before < 1.1e9
    device.coming.append(frame(5))
    device.late = True
    assert card.receive(None) == frame(5)


def test_frames_that_do_not_fit(machine, over):
    card = Card(over(model.Network(machine)), machine)
    card.send(memoryview(frame(0, 1514)))
    refused(e.EMSGSIZE, card.send, memoryview(frame(0, 1515)))
    tagged = bytearray(frame(0, 1518))
    tagged[12:14] = b"\x81\0"
    card.send(memoryview(tagged))


def test_no_room_and_no_link(machine, over):
    device = model.Network(machine, features=1 << 5 | 1 << 16)
    card = Card(over(device), machine)
    device.stuck = True
    for _ in range(4):
        card.send(memoryview(frame(0)))
    refused(e.ENOBUFS, card.send, memoryview(frame(0)))
    device.config[6] = 0
    refused(e.ENETDOWN, card.send, memoryview(frame(0)))
    refused(e.ENETDOWN, card.receive, 0)


def test_a_card_without_an_address_and_with_a_small_wire(machine, over):
    card = Card(over(model.Network(machine, features=1 << 3, mtu=600)), machine)
    assert card.address[:2] == b"\xb2\x0a" and len(card.address) == 6
    refused(e.EMSGSIZE, card.send, memoryview(frame(0, 615)))
    card.close()
    assert card.closed
    refused(e.EIO, card.receive, 0)


@pytest.mark.parametrize("ports", [None, [1], [2, 1], [0]], ids=str)
def test_a_console(machine, over, ports):
    device = model.Console(machine, ports)
    driven = Console(over(device), machine)
    driven.write(memoryview(PATTERN + PATTERN))
    assert device.written == PATTERN + PATTERN
    device.typed += PATTERN
    device.late = True
    come = b""
    while len(come) < len(PATTERN):
        come += driven.read(1000)
    assert come == PATTERN
    assert device.said == ([] if ports is None else [(0, 0, 1), (ports[0], 3, 1), (ports[0], 6, 1)])


@pytest.mark.parametrize(("ports", "number"), [([9], e.ENXIO), ([], e.EIO)])
def test_a_console_with_ports_that_we_cannot_drive(machine, over, ports, number):
    device = model.Console(machine, ports)
    refused(number, Console, over(device), machine)
    assert device.status == 0


# ---- coming to life --------------------------------------------------------------------------------------------------


def test_legacy_devices_are_left_alone(machine):
    model.OverMmio(model.Disk(machine), version=1)
    assert mmio.devices(machine, [model.MMIO]) == []


def test_a_device_that_insists_on_more(machine, over):
    device = model.Disk(machine)
    device.features &= ~(1 << 32)
    refused(e.ENODEV, Block, over(device), machine)
    assert device.status & 128


def test_queues_that_are_not_there(machine, over):
    device = model.Network(machine)
    device.queue_count = 1
    refused(e.ENXIO, Card, over(device), machine)


def test_a_configuration_that_changes_under_our_eyes(machine, over):
    device = model.Disk(machine, PATTERN)
    transport = over(device)
    once = transport.configuration

    def configuration(offset, width):
        value = once(offset, width)
        if device.generation == 0:
            device.generation = 1
            device.config[0] += 1
        return value

    transport.configuration = configuration
    assert Block(transport, machine).size == 65536 + 512


def test_devices_behind_a_bridge(machine):
    model.OverPci(model.Disk(machine, PATTERN), place=(2, 0, 1))
    bridge = bytearray(256)
    bridge[0:4], bridge[0x0E], bridge[0x19] = b"\x36\x1b\1\0", 1, 2
    other = bytearray(256)
    other[0:4], other[0x0E] = b"\x86\x80\1\0", 0x80
    machine.config.update({(0, 5, 0): bridge, (2, 0, 0): other})
    [found] = pci.devices(machine)
    assert (found.name, found.kind) == ("virtio at PCI 02:00.1", 2)


def test_a_function_whose_registers_are_nowhere(machine):
    model.OverPci(model.Disk(machine))
    machine.config[0, 3, 0][0x20:0x28] = bytes(8)
    refused(e.EIO, pci.devices, machine)


def test_what_a_command_line_announces():
    line = "A=b virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11 -- x"
    assert mmio.announced(line) == [0xFEB00C00, 0xFEB00E00]
