# SPDX-License-Identifier: BSD-2-Clause
"""Writing in odd places and orders; posix_fallocate(2), fdiscard(2), fsync(2); files that are renamed over."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e
from rump.conformance.tree import pattern

ODD = (
    (0, 1), (1, 511), (1000, 24), (1024, 1024), (2047, 2), (4095, 4098), (8191, 1), (65_535, 2), (60_000, 3000),
    (12_288, 4096), (10, 20_000),
)  # fmt: skip
"""(offset, length) of writes that begin and end inside blocks of any size, before, at and behind the end."""


def odd_places(t: Scenario) -> None:
    """Writes that begin and end anywhere: what was written last is read, and zeros where nothing was."""
    model = bytearray()
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    for number, (offset, length) in enumerate(ODD):
        data = bytes([number + 1]) * length
        t.equal(t.pwrite(fd, data, offset), length)
        model += bytes(max(0, offset + length - len(model)))
        model[offset : offset + length] = data
        t.equal(t.fstat(fd).st_size, len(model))
        t.equal(t.pread(fd, 100_000, 0), bytes(model))
    t.close(fd)
    t.equal(t.read_file(b"f"), bytes(model))


def cut_and_written(t: Scenario) -> None:
    """Truncation, growth and writes in turn: what was cut off never comes back."""
    model = bytearray()
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    for number, size in enumerate((10_000, 5, 8192, 4097, 4096, 30_000, 12_289, 0, 1, 20_000)):
        t.ftruncate(fd, size)
        del model[size:]
        model += bytes(size - len(model))
        at = size // 2 + 1
        data = bytes([number + 1]) * 1500
        t.pwrite(fd, data, at)
        model += bytes(max(0, at + 1500 - len(model)))
        model[at : at + 1500] = data
        t.equal(t.pread(fd, 100_000, 0), bytes(model))
    t.close(fd)


def backwards(t: Scenario) -> None:
    """A file written from its end to its start, and every other piece of it first."""
    data = pattern(40_960)
    for name, order in ((b"back", range(9, -1, -1)), (b"forth", (*range(0, 10, 2), *range(1, 10, 2)))):
        fd = t.open(name, abi.O_RDWR | abi.O_CREAT)
        for piece in order:
            t.pwrite(fd, data[piece * 4096 : piece * 4096 + 4096], piece * 4096)
        t.close(fd)
        t.equal(t.read_file(name), data)


def islands(t: Scenario) -> None:
    """Pieces far from one another: zeros between them, and no space where holes are kept."""
    t.needs("sparse")
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    for place in (3_000_000, 100_000, 50_000_000, 0):
        t.pwrite(fd, b"island", place)
    t.true(t.fstat(fd).st_blocks * 512 <= 4 * 65_536, "the sea takes space")
    for place in (0, 100_000, 3_000_000):
        t.equal(t.pread(fd, 12, place), b"island" + bytes(6))
    t.equal(t.lseek(fd, 0, abi.SEEK_END), 50_000_006)
    t.close(fd)


def appended_bit_by_bit(t: Scenario) -> None:
    """A file grown by small pieces, each behind the last one."""
    fd = t.open(b"f", abi.O_WRONLY | abi.O_CREAT | abi.O_APPEND)
    for number in range(40):
        t.equal(t.write(fd, b"%04d:" % number * 37), 185)
    t.close(fd)
    t.equal(t.read_file(b"f"), b"".join(b"%04d:" % number * 37 for number in range(40)))


def set_id_bits_go(t: Scenario) -> None:
    """What others than root write to is not set-user-id any more."""
    t.needs("permissions", "owners")
    for name, call in (
        (b"written", lambda user, fd: user.pwrite(fd, b"x", 5)),
        (b"copied", lambda user, fd: user.rump_copy_range(fd, 0, fd, 10, 5)),
    ):
        t.write_file(name, b"01234", 0o4755)
        t.chown(name, 1000, 1000)
        t.chmod(name, 0o4755)
        user = t.process(1000)
        fd = user.open(name, abi.O_RDWR)
        call(user, fd)  # type: ignore[no-untyped-call]
        user.close(fd)
        t.equal(t.stat(name).st_mode & 0o7777, 0o755)


# ---- space set aside, and given back ---------------------------------------------------------------------------------


def allocated(t: Scenario) -> None:
    """posix_fallocate: what was there is there, the rest reads as zeros; the file grows; writing needs no space."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.write(fd, b"start")
    t.posix_fallocate(fd, 3, 50_000)
    t.equal(t.fstat(fd).st_size, 50_003)
    t.true(t.fstat(fd).st_blocks * 512 >= 50_003, "no space is set aside")
    t.equal(t.pread(fd, 100_000, 0), b"start" + bytes(49_998))
    before = t.statvfs(b".").f_bfree
    t.pwrite(fd, b"x" * 20_000, 10_001)
    t.equal(t.statvfs(b".").f_bfree, before)
    t.equal(t.pread(fd, 100_000, 0), b"start" + bytes(9996) + b"x" * 20_000 + bytes(20_002))
    t.posix_fallocate(fd, 0, 100)
    t.equal(t.fstat(fd).st_size, 50_003)
    t.close(fd)


def allocation_errors(t: Scenario) -> None:
    """EBADF for reading, EINVAL for no range, ESPIPE, ENODEV, EFBIG; ENOSPC leaves the file as it was."""
    t.write_file(b"f", b"data")
    reader = t.open(b"f", abi.O_RDONLY)
    fd = t.open(b"f", abi.O_RDWR)
    t.expect(e.EBADF, t.posix_fallocate, reader, 0, 1)
    t.expect(e.EINVAL, t.posix_fallocate, fd, -1, 1)
    t.expect(e.EINVAL, t.posix_fallocate, fd, 0, 0)
    t.expect(e.EINVAL, t.posix_fallocate, fd, 0, -1)
    t.expect(e.EFBIG, t.posix_fallocate, fd, t.capabilities.file_size_max, 1)
    space = t.statvfs(b".")
    room = space.f_blocks * space.f_frsize + 1
    t.expect(e.EFBIG if room > t.capabilities.file_size_max else e.ENOSPC, t.posix_fallocate, fd, 0, room)
    t.equal((t.fstat(fd).st_size, t.statvfs(b".").f_bfree), (4, space.f_bfree))
    ends = t.pipe2()
    t.expect(e.ESPIPE, t.posix_fallocate, ends[1], 0, 1)
    t.expect(e.ESPIPE, t.fdiscard, ends[1], 0, 1)
    for each in (reader, fd, *ends):
        t.close(each)


def punched(t: Scenario) -> None:
    """fdiscard: the range reads as zeros, the size stays, whole blocks are free; cut at the end of the file."""
    data = pattern(200_000)
    t.write_file(b"f", data)
    fd = t.open(b"f", abi.O_RDWR)
    t.without("sparse", e.EOPNOTSUPP, t.fdiscard, fd, 0, 10)
    before = t.fstat(fd).st_blocks
    t.fdiscard(fd, 10_001, 100_000)
    t.equal(t.pread(fd, 300_000, 0), data[:10_001] + bytes(100_000) + data[110_001:])
    t.true(t.fstat(fd).st_blocks <= before - 60_000 // 512, "the space was not given back")
    t.fdiscard(fd, 150_000, 1 << 40)
    t.equal(t.pread(fd, 300_000, 0), data[:10_001] + bytes(100_000) + data[110_001:150_000] + bytes(50_000))
    t.equal(t.fstat(fd).st_size, 200_000)
    t.fdiscard(fd, 200_000, 5)
    t.fdiscard(fd, 5, 3)
    t.equal(t.pread(fd, 10, 0), data[:5] + bytes(3) + data[8:10])
    t.pwrite(fd, b"filled", 50_000)
    t.equal(t.pread(fd, 8, 49_999), b"\0filled\0")
    t.close(fd)


def punching_errors(t: Scenario) -> None:
    """EBADF for reading, EINVAL for no range."""
    t.write_file(b"f", b"data")
    reader, fd = t.open(b"f", abi.O_RDONLY), t.open(b"f", abi.O_RDWR)
    t.expect(e.EBADF, t.fdiscard, reader, 0, 1)
    t.expect(e.EINVAL, t.fdiscard, fd, -1, 1)
    t.expect(e.EINVAL, t.fdiscard, fd, 0, 0)
    t.equal(t.pread(fd, 10, 0), b"data")
    t.close(reader)
    t.close(fd)


def allocated_and_cut(t: Scenario) -> None:
    """Space set aside goes with what is cut off."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    before = t.statvfs(b".").f_bfree
    t.posix_fallocate(fd, 0, 100_000)
    t.true(t.statvfs(b".").f_bfree < before, "nothing was set aside")
    t.ftruncate(fd, 0)
    t.equal(t.fstat(fd).st_blocks, 0)
    t.equal(t.rump_extents(fd, 0, 1 << 20), ())
    t.close(fd)


# ---- to stable storage -----------------------------------------------------------------------------------------------


def synced(t: Scenario) -> None:
    """fsync, fdatasync, fsync_range and sync, of files and directories; EBADF by the descriptor's mode, EINVAL."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.write(fd, b"data")
    t.fsync(fd)
    t.pwrite(fd, b"more", 2)
    t.fdatasync(fd)
    t.pwrite(fd, b"and more", 4)
    t.fsync_range(fd, abi.FDATASYNC, 0, 4)
    t.fsync_range(fd, abi.FFILESYNC | abi.FDISKSYNC, 0, 0)
    t.expect(e.EINVAL, t.fsync_range, fd, 0, 0, 0)
    t.expect(e.EINVAL, t.fsync_range, fd, abi.FFILESYNC, 0, -1)
    t.close(fd)
    fd = t.open(b".", abi.O_RDONLY)
    t.fsync(fd)
    t.expect(e.EBADF, t.fdatasync, fd)
    t.expect(e.EBADF, t.fsync_range, fd, abi.FFILESYNC, 0, 0)
    t.close(fd)
    t.sync()
    t.equal(t.read_file(b"f"), b"damoand more")


def opened_for_syncing(t: Scenario) -> None:
    """O_SYNC writes as any other does."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT | abi.O_SYNC)
    t.write(fd, pattern(10_000))
    t.equal(t.fcntl(fd, abi.F_GETFL) & abi.O_SYNC, abi.O_SYNC)
    t.equal(t.pread(fd, 10_000, 0), pattern(10_000))
    t.close(fd)


def kept(t: Scenario) -> None:
    """What was written is there when the file system is mounted again: data, holes, space set aside, what was cut."""
    t.needs("persistent")
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.write(fd, pattern(30_000))
    t.pwrite(fd, b"far", 200_000)
    t.posix_fallocate(fd, 250_000, 5000)
    sparse = t.has("sparse")
    if sparse:
        t.fdiscard(fd, 4096, 8192)
    t.close(fd)
    t.write_file(b"cut", pattern(50_000))
    t.truncate(b"cut", 12_345)
    whole = bytearray(pattern(30_000)) + bytes(225_000)
    if sparse:
        whole[4096:12_288] = bytes(8192)
    whole[200_000:200_003] = b"far"
    t.remount()
    t.equal(t.read_file(b"f"), bytes(whole))
    t.equal(t.read_file(b"cut"), pattern(12_345))


def replaced(t: Scenario) -> None:
    """The safe way to change a file: another one is written, synced and renamed over it; the old one stays open."""
    t.write_file(b"f", b"old" * 5000)
    old = t.open(b"f", abi.O_RDONLY)
    fd = t.open(b"f.new", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL)
    t.write(fd, b"new" * 7000)
    t.fsync(fd)
    t.close(fd)
    t.rename(b"f.new", b"f")
    t.equal(t.read_file(b"f"), b"new" * 7000)
    t.equal((t.pread(old, 20_000, 0), t.fstat(old).st_nlink), (b"old" * 5000, 0))
    t.close(old)
    t.expect(e.ENOENT, t.stat, b"f.new")


def full(t: Scenario) -> None:
    """A write to a full file system writes what fits, or nothing and ENOSPC; what is there stays whole."""
    free = t.statvfs(b".")
    room = free.f_bfree * free.f_frsize
    t.write_file(b"kept", pattern(5000))
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    done = t.fill(fd, b"x" * (room // 4 + 1))
    t.true(0 < done <= room, "more was written than there was room")
    t.equal(t.fstat(fd).st_size, done)
    t.equal(t.pread(fd, 10, done - 5), b"xxxxx")
    t.equal(t.read_file(b"kept"), pattern(5000))
    t.equal(t.pwrite(fd, b"y", 0), 1)
    t.ftruncate(fd, 0)
    t.equal(t.pwrite(fd, bytes(room // 2), 0), room // 2)
    t.close(fd)


def unlinked_while_written(t: Scenario) -> None:
    """A file without a name takes writes until it is closed; then its space is free."""
    before = t.statvfs(b".").f_bfree
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.write(fd, pattern(30_000))
    t.unlink(b"f")
    t.pwrite(fd, pattern(30_000), 30_000)
    t.equal(t.pread(fd, 60_000, 0), pattern(30_000) * 2)
    t.equal(t.fstat(fd).st_nlink, 0)
    t.true(t.statvfs(b".").f_bfree < before, "no space is taken")
    t.close(fd)
    t.sync()
    t.equal(t.statvfs(b".").f_bfree, before)
