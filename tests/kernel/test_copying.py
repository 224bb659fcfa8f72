# SPDX-License-Identifier: BSD-2-Clause
"""Copying into files: from the host, and from file to file."""

import pytest
from blocky import BLOCK, DIRTY

from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import OPEN_CREATE, OPEN_RDWR


def _host_file(world, data):
    kernel = world.kernel
    name = b"host%d" % len(world.lab.platform.files)
    world.lab.image(name, data)
    return kernel.cpu.run(lambda: kernel.host.open(name, OPEN_RDWR | OPEN_CREATE))


def test_copying_in_leaves_blocks_of_zeros_out(world):
    data = b"a" * 5000 + bytes(20_000) + b"b" * 5000 + bytes(9000)
    handle = _host_file(world, data)
    for sparse in (True, False):
        fd = world.file(b"sparse%d" % sparse)
        assert world.lwp.rump_copy_in(fd, 100, 1 << 40, handle, 0, sparse) == len(data)
        assert world.lwp.pread(fd, 1 << 20, 0) == bytes(100) + data
        kinds = {kind for kind, start, _ in world.lwp.rump_extents(fd, 0, 1 << 20) if start >= 4096}
        assert (v.HOLE in kinds) == sparse
        world.lwp.close(fd)
    world.lwp.rump_disown(handle)


@pytest.mark.parametrize("limit", [16, 17, 30])
def test_copying_in_without_room(world, limit, refused):
    handle = _host_file(world, b"x" * 300_000)
    for sparse in (True, False):
        fd = world.file(b"f%d" % sparse)
        world.volume.limit = max(limit, world.volume.following)
        with refused(e.ENOSPC):
            world.lwp.rump_copy_in(fd, 0, 1 << 20, handle, 0, sparse)
        assert not world.volume.held
        world.lwp.close(fd)
    world.lwp.rump_disown(handle)


def test_copying_inside_the_host(world, monkeypatch):
    """The host's copy is used where it has one; what it writes and what a buffer writes is the same."""
    data = bytes(range(256)) * 2000 + b"end"
    handle = _host_file(world, data)
    fd = world.file(b"through")
    assert world.lwp.rump_copy_in(fd, 7, len(data), handle, 0, False) == len(data)
    through = bytes(world.bytes[16 * BLOCK : world.volume.following * BLOCK])
    world.lwp.close(fd)
    world.volume.maps.clear()
    world.volume.following = 16
    world.bytes[:] = DIRTY
    host = world.kernel.host
    copies = []

    def copy_range(source, at, target, to, length):
        copies.append(length)
        buffer = bytearray(min(length, len(data) - at))
        host.read(source, buffer, at)
        return host.write(target, buffer, to)

    monkeypatch.setattr(host, "copy_range", copy_range)
    monkeypatch.setattr(host.traits, "copies_ranges", True)
    fd = world.file(b"inside")
    assert world.lwp.rump_copy_in(fd, 7, len(data), handle, 0, False) == len(data)
    assert world.lwp.pread(fd, 1 << 20, 7) == data
    assert bytes(world.bytes[16 * BLOCK : world.volume.following * BLOCK]) == through
    world.lwp.close(fd)
    world.lwp.rump_disown(handle)


def test_copying_from_a_host_file_that_shrinks(world, monkeypatch):
    """The host said it was longer than it is: what there is is copied, and nothing stays reserved."""
    handle = _host_file(world, b"x" * 400_000)
    host = world.kernel.host
    original = host.getfileinfo
    monkeypatch.setattr(host, "getfileinfo", lambda h: (900_000, *original(h)[1:]))
    for sparse in (True, False):
        world.volume.reset()
        fd = world.file(b"f%d" % sparse)
        assert world.lwp.rump_copy_in(fd, 0, 1 << 20, handle, 0, sparse) == 400_000
        assert world.lwp.pread(fd, 1 << 20, 0) == b"x" * 400_000
        assert not world.volume.held
        world.lwp.close(fd)
    monkeypatch.undo()
    world.lwp.rump_disown(handle)


def test_copying_between_files(world, refused):
    world.lwp.mount("tmpfs", b"/tmp")
    data = b"a" * 5000 + bytes(40_000) + b"b" * 70_000
    source = world.file(b"s")
    world.lwp.pwrite(source, data[:5000], 0)
    world.lwp.pwrite(source, data[45_000:], 45_000)
    target = world.lwp.open(b"/tmp/t", abi.O_RDWR | abi.O_CREAT)
    assert world.lwp.rump_copy_range(source, 0, target, 10, 1 << 40) == len(data)
    assert world.lwp.pread(target, 1 << 20, 0) == bytes(10) + data
    back = world.file(b"back")
    assert world.lwp.rump_copy_range(target, 10, back, 0, len(data) - 5, False) == len(data) - 5
    assert world.lwp.pread(back, 1 << 20, 0) == data[:-5]
    assert world.lwp.rump_copy_range(back, 0, back, 200_000, 1000) == 1000
    assert world.lwp.pread(back, 1000, 200_000) == data[:1000]
    with refused(e.EINVAL):
        world.lwp.rump_copy_range(back, 0, back, 999, 1000)
    for each in (source, target, back):
        world.lwp.close(each)
    world.lwp.unmount(b"/tmp")


def test_power_loss_sees_every_way_of_writing(lab):
    """What a disk writes one by one, many at once, copied inside the host or discarded is in the log."""
    from rump.kernel.dev.disk import Disk
    from rump.rumpuser.bare import Bare
    from rump.rumpuser.middleware.powerloss import PowerLoss

    class Copying(Bare):
        def copy_range(self, source, source_offset, target, target_offset, length):
            buffer = bytearray(length)
            self.read(source, buffer, source_offset)
            return self.write(target, buffer, target_offset)

        def discard(self, handle, start, length):
            self.write(handle, bytes(length), start)

    power = PowerLoss(Copying(lab.platform), [lab.image(b"image", bytes(4096))])
    kernel = lab.boot(power)
    lab.image(b"source", b"0123456789")

    def work():
        disk = Disk(power, "d", b"image", 100, 1000, False)
        disk.write(0, b"one")
        disk.write_many([(10, b"two"), (20, b"three")])
        source = power.open(b"source", OPEN_RDWR)
        assert disk.copy_from(30, source, 2, 4) == 4
        disk.discard(40, 8)
        power.close(source)
        disk.close()

    kernel.cpu.run(work)
    events = [(event.offset, bytes(event.data or b"")) for event in power.log(b"image").events]
    assert events[:4] == [(100, b"one"), (110, b"two"), (120, b"three"), (130, b"2345")]
    assert (events[4][0], len(events)) == (140, 5)
