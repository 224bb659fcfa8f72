# SPDX-License-Identifier: BSD-2-Clause
"""Writing through a driver that keeps its files on a device: what the kernel writes where, and what it never does."""

import pytest
from blocky import BLOCK, DEVICE_SIZE, DIRTY, Blocky, World

from rump.kernel import abi
from rump.kernel.dev.block import BlockDevice
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e


def test_what_is_written_is_read_and_the_rest_of_a_block_is_zeros(world):
    model = bytearray()
    fd = world.file()
    for number, (offset, length) in enumerate(
        [(0, 10), (5, 2000), (5000, 1), (1024, 1024), (3000, 100_000), (2047, 2), (103_000, 5)]
    ):
        data = bytes([number + 1]) * length
        assert world.lwp.pwrite(fd, data, offset) == length
        model[len(model) :] = bytes(max(0, offset + length - len(model)))
        model[offset : offset + length] = data
        assert world.lwp.pread(fd, 1 << 20, 0) == model
    assert world.lwp.rump_extents(fd, 2000, 3048) == (
        (v.DATA, 2000, 48), (v.DATA, 2048, 1024), (v.DATA, 3072, 1024), (v.DATA, 4096, 952),
    )  # fmt: skip
    used = world.bytes[16 * BLOCK : world.volume.following * BLOCK]
    assert b"\xaa" not in used, "what nobody wrote was left in a block"
    assert world.bytes[: 16 * BLOCK] == DIRTY[: 16 * BLOCK]
    world.lwp.close(fd)


def test_grown_by_truncation_and_written_behind_the_old_end(world):
    fd = world.file(data=b"x" * 100)
    world.lwp.ftruncate(fd, 700)
    world.volume._node((world.lwp.fstat(fd).st_ino, 1)).size = 100         # the driver zeroes up to its own size
    assert world.lwp.pwrite(fd, b"y", 600) == 1
    assert world.lwp.pread(fd, 1000, 0) == b"x" * 100 + bytes(500) + b"y"
    world.lwp.close(fd)


LIES = {
    "nothing": (),
    "hole": ((v.HOLE, 0, 100, 0),),
    "unwritten": ((v.UNWRITTEN, 0, 100, 0),),
    "outside": ((v.DATA, 0, BLOCK, DEVICE_SIZE - BLOCK + 1),),
    "negative": ((v.DATA, 0, BLOCK, -1),),
    "before": ((v.DATA, -5, BLOCK, 0),),
    "behind": ((v.DATA, 51, BLOCK, 0),),
    "not-to-the-first-byte": ((v.DATA, 0, 50, 0),),
    "gap": ((v.DATA, 0, 60, 0), (v.DATA, 61, 100, 100)),
    "overlap": ((v.DATA, 0, 60, 0), (v.DATA, 59, 100, 100)),
    "more-than-asked": ((v.DATA, 0, 150, 0), (v.DATA, 150, 100, 100)),
    "empty": ((v.DATA, 50, 0, 0),),
    "mixed": ((v.DATA, 50, 50, 0), (v.HOLE, 100, 50, 0)),
    "not-alone": ((v.INLINE, 50, 50, 0), (v.INLINE, 100, 50, 0)),
    "inline-elsewhere": ((v.INLINE, 51, 99, 0),),
    "inline-too-long": ((v.INLINE, 50, 101, 0),),
    "huge": ((v.DATA, 50, 1 << 62, 0),),
}


@pytest.mark.parametrize("lie", LIES)
def test_reservations_are_checked(world, lie, refused):
    """EIO; nothing is written, nothing stays reserved, and the file can be written to again."""
    fd = world.file()
    world.volume.lie = LIES[lie]
    with refused(e.EIO):
        world.lwp.pwrite(fd, b"z" * 100, 50)
    assert world.bytes == DIRTY
    assert world.volume.log[-1] == "abandon"
    world.volume.lie = None
    assert world.lwp.pwrite(fd, b"z", 0) == 1
    world.lwp.close(fd)


def test_a_full_file_system_takes_what_it_can(world, refused):
    """The count of what was written; ENOSPC only if that is nothing."""
    fd = world.file()
    world.volume.limit = 20
    data = bytes(range(256)) * 32
    assert world.lwp.write(fd, data) == 4 * BLOCK
    assert world.lwp.lseek(fd, 0, abi.SEEK_CUR) == 4 * BLOCK
    assert world.lwp.pread(fd, 10_000, 0) == data[: 4 * BLOCK]
    with refused(e.ENOSPC):
        world.lwp.write(fd, b"x")
    assert world.lwp.pwrite(fd, b"!", 5) == 1
    appender = world.lwp.open(b"/d/f", abi.O_WRONLY | abi.O_APPEND)
    world.volume.limit += 1
    assert world.lwp.write(appender, bytes(3000)) == BLOCK
    assert world.lwp.lseek(appender, 0, abi.SEEK_CUR) == 5 * BLOCK
    for each in (fd, appender):
        world.lwp.close(each)


@pytest.mark.parametrize("operation", ["reserve", "commit_write"])
@pytest.mark.parametrize("errno", [e.EIO, e.ENOSPC])
def test_failures_of_the_driver(world, operation, errno, refused):
    fd = world.file(data=b"before")
    world.volume.error[operation] = errno
    with refused(errno):
        world.lwp.pwrite(fd, b"x" * 5000, 2000)
    assert not world.volume.held
    world.volume.error.clear()
    assert world.lwp.pread(fd, 10, 0) == b"before"
    assert world.lwp.fstat(fd).st_size == 6
    world.lwp.close(fd)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), v.fault(e.EIO)], ids=["interrupt", "eio"])
@pytest.mark.parametrize("call", ["write", "write_many"])
def test_failures_of_the_device(world, call, error, monkeypatch):
    """Nothing stays reserved, whatever comes up in the middle; the lock is free again."""
    fd = world.file(data=b"before")

    def fail(*arguments):
        raise error

    device = world.kernel.device(b"/dev/d")
    monkeypatch.setattr(device, call, fail, raising=True)
    with pytest.raises(type(error)):
        world.lwp.pwrite(fd, b"x" * (10 if call == "write" else 5000), 3000)
    monkeypatch.undo()
    assert not world.volume.held
    assert world.lwp.fstat(fd).st_size == 6
    assert world.lwp.pwrite(fd, b"again", 0) == 5
    world.lwp.close(fd)


def test_the_attributes_are_known_even_if_the_interrupt_comes_late(world, monkeypatch):
    """Committed, but the kernel was not told: it asks."""
    fd = world.file()
    commit = Blocky.commit_write

    def interrupted(self, *arguments):
        commit(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Blocky, "commit_write", interrupted)
    operation = world.kernel.etfs and world.volume
    vnode = world.lwp.process.file(fd).vnode
    monkeypatch.setattr(vnode.mount.volume, "commit_write", lambda *a: interrupted(operation, *a))
    with pytest.raises(KeyboardInterrupt):
        world.lwp.pwrite(fd, b"x" * 10, 0)
    monkeypatch.undo()
    assert world.lwp.fstat(fd).st_size == 10
    world.lwp.close(fd)


def test_one_hypercall_for_one_run_and_one_for_many(world, monkeypatch):
    fd = world.file()
    world.lwp.pwrite(fd, bytes(4 * BLOCK), 0)
    calls = []
    for name in ("write", "submit"):
        original = getattr(world.kernel.host, name)
        monkeypatch.setattr(
            world.kernel.host, name, lambda *a, name=name, original=original: (calls.append(name), original(*a))[1]
        )
    world.lwp.pwrite(fd, b"x" * 100, 10)
    world.lwp.pwrite(fd, b"x" * 3000, 10)
    assert calls == ["write", "submit"]
    world.lwp.close(fd)


def test_a_caller_may_change_its_buffer_afterwards(world):
    buffer = bytearray(b"x" * 3000)
    fd = world.file()
    world.lwp.write(fd, buffer)
    buffer[:] = b"y" * 3000
    buffer += b"and may resize it: nobody holds a view"
    assert world.lwp.pread(fd, 3000, 0) == b"x" * 3000
    world.lwp.close(fd)


def test_synchronous_writing(lab):
    """O_SYNC syncs behind every write; MNT_SYNCHRONOUS behind every change."""
    world = World(lab, False)
    log = world.volume.log
    fd = world.lwp.open(b"/d/f", abi.O_WRONLY | abi.O_CREAT | abi.O_SYNC)
    assert "sync" not in log
    world.lwp.write(fd, b"x")
    assert log[-1] == "sync"
    world.lwp.close(fd)
    for how in (world.lwp.fsync, world.lwp.fdatasync):
        fd = world.lwp.open(b"/d/f", abi.O_WRONLY)
        before = log.count("sync")
        how(fd)
        assert log.count("sync") == before + 1
        world.lwp.close(fd)
    other = World(lab, True, abi.MNT_SYNCHRONOUS)
    log = other.volume.log
    for call in (
        lambda: other.lwp.mkdir(b"/d/a", 0o755),
        lambda: other.lwp.mkfifo(b"/d/l", 0o644),
        lambda: other.lwp.rename(b"/d/l", b"/d/m"),
        lambda: other.lwp.link(b"/d/m", b"/d/n"),
        lambda: other.lwp.unlink(b"/d/m"),
        lambda: other.lwp.rmdir(b"/d/a"),
        lambda: other.file(b"g", b"data"),
        lambda: other.lwp.chmod(b"/d/g", 0o600),
        lambda: other.lwp.setxattr(b"/d/g", b"user.a", b"b"),
        lambda: other.lwp.truncate(b"/d/g", 1),
    ):
        log.clear()
        call()
        assert "sync" in log
    log.clear()
    other.lwp.stat(b"/d/g")
    assert "sync" not in log


def test_a_failed_sync_is_told_again(world, refused):
    """The driver remembers; every fsync asks it."""
    fd = world.file(data=b"x")
    world.volume.error["sync"] = e.EIO
    for _ in range(3):
        with refused(e.EIO):
            world.lwp.fsync(fd)
    with refused(e.EIO):
        world.lwp.sync()
    world.volume.error.clear()
    world.lwp.fsync(fd)
    world.lwp.close(fd)


def test_fsync_range(world, refused):
    fd = world.file()
    world.lwp.fsync_range(fd, abi.FDATASYNC | abi.FDISKSYNC, 0, 0)
    world.lwp.fsync_range(fd, abi.FFILESYNC, 5, 10)
    for how, start, length in ((0, 0, 0), (3, 0, 0), (abi.FDISKSYNC, 0, 0), (abi.FFILESYNC, -1, 1), (0x30, 0, 0)):
        with refused(e.EINVAL):
            world.lwp.fsync_range(fd, how, start, length)
    reader = world.lwp.open(b"/d/f", abi.O_RDONLY)
    with refused(e.EBADF):
        world.lwp.fsync_range(reader, abi.FFILESYNC, 0, 0)
    with refused(e.EBADF):
        world.lwp.fdatasync(reader)
    for each in (fd, reader):
        world.lwp.close(each)


def test_discarding_on_a_device(world, lab):
    world.kernel.etfs_register(b"/dev/e", lab.image(b"other", DIRTY), read_only=False)
    fd = world.lwp.open(b"/dev/e", abi.O_RDWR)
    try:
        world.lwp.fdiscard(fd, 4096, 8192)
    except OSError as error:
        assert error.errno in (e.EOPNOTSUPP, e.ENOSYS)
    world.lwp.close(fd)


def test_devices_write_inside_their_window_only(refused):
    class Plain(BlockDevice):
        name, size, sector_size, read_only = "plain", 100, 1, False
        written = ()

        def write(self, offset, data):
            self.written = (*self.written, (offset, bytes(data)))

    from rump.kernel.dev.partitions import Wedge

    device = Plain()
    wedge = Wedge(device, 10, 20)
    wedge.write_many([(0, b"ab"), (18, b"cd")])
    assert device.written == ((10, b"ab"), (28, b"cd"))
    for call in (
        lambda: wedge.write_many([(0, b"ab"), (19, b"cd")]),
        lambda: wedge.copy_from(19, 3, 0, 2),
        lambda: wedge.discard(-1, 2),
        lambda: wedge.discard(0, 21),
    ):
        with refused(e.EIO):
            call()
    wedge.read_only = True
    for call in (
        lambda: wedge.write_many([(0, b"ab")]),
        lambda: wedge.copy_from(0, 3, 0, 2),
        lambda: wedge.discard(0, 2),
    ):
        with refused(e.EROFS):
            call()
    assert len(device.written) == 2
