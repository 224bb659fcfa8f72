# SPDX-License-Identifier: BSD-2-Clause
"""Reading and writing: offsets, ends, truncation, limits, and what copy_out copies."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading
from rump.conformance.tree import pattern


def read_back(t: Scenario) -> None:
    """What was written is read, whole and in parts, across pages."""
    data = pattern(40_001)
    t.write_file(b"f", data)
    t.equal(t.read_file(b"f"), data)
    fd = t.open(b"f", abi.O_RDONLY)
    for offset, length in ((0, 1), (16_383, 2), (16_384, 16_384), (39_999, 10), (40_001, 1), (50_000, 1)):
        t.equal(t.pread(fd, length, offset), data[offset : offset + length])
    t.close(fd)


def write_over(t: Scenario) -> None:
    """Bytes written over others, inside and across the end."""
    t.write_file(b"f", b"0123456789")
    fd = t.open(b"f", abi.O_RDWR)
    t.pwrite(fd, b"AB", 3)
    t.pwrite(fd, b"XYZ", 9)
    t.equal(t.pread(fd, 20, 0), b"012AB5678XYZ")
    t.equal(t.fstat(fd).st_size, 12)
    t.close(fd)


def sequential(t: Scenario) -> None:
    """read and write go on where the last one stopped, and share one offset; pread and pwrite leave it."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.equal((t.write(fd, b"abc"), t.write(fd, b"defg")), (3, 4))
    t.equal(t.lseek(fd, 0, abi.SEEK_CUR), 7)
    t.equal(t.read(fd, 10), b"")
    t.lseek(fd, 1, abi.SEEK_SET)
    t.equal((t.read(fd, 2), t.pread(fd, 2, 0), t.read(fd, 2)), (b"bc", b"ab", b"de"))
    t.pwrite(fd, b"Z", 0)
    t.equal(t.lseek(fd, 0, abi.SEEK_CUR), 5)
    t.close(fd)


def seeking(t: Scenario) -> None:
    """lseek by each whence; EINVAL before the start and for a whence there is not; behind the end is fine."""
    t.write_file(b"f", b"0123456789")
    fd = t.open(b"f", abi.O_RDONLY)
    t.equal(t.lseek(fd, -3, abi.SEEK_END), 7)
    t.equal(t.lseek(fd, -2, abi.SEEK_CUR), 5)
    t.equal(t.lseek(fd, 100, abi.SEEK_SET), 100)
    t.equal(t.read(fd, 1), b"")
    t.expect(e.EINVAL, t.lseek, fd, -1, abi.SEEK_SET)
    t.expect(e.EINVAL, t.lseek, fd, -11, abi.SEEK_END)
    t.expect(e.EINVAL, t.lseek, fd, 0, 9)
    t.equal(t.lseek(fd, 0, abi.SEEK_CUR), 100)
    t.close(fd)
    t.expect(e.EBADF, t.lseek, fd, 0, abi.SEEK_SET)


def appending(t: Scenario) -> None:
    """O_APPEND writes at the end, wherever the offset is and whoever else wrote; pwrite too."""
    t.write_file(b"f", b"start.")
    fd = t.open(b"f", abi.O_RDWR | abi.O_APPEND)
    t.write(fd, b"one.")
    other = t.open(b"f", abi.O_WRONLY | abi.O_APPEND)
    t.write(other, b"two.")
    t.lseek(fd, 0, abi.SEEK_SET)
    t.write(fd, b"three.")
    t.equal(t.lseek(fd, 0, abi.SEEK_CUR), 20)
    t.pwrite(fd, b"four.", 0)
    t.equal(t.pread(fd, 100, 0), b"start.one.two.three.four.")
    t.close(fd)
    t.close(other)


def truncation(t: Scenario) -> None:
    """What is cut off is gone: growing again gives zeros."""
    t.write_file(b"f", b"x" * 20_000)
    t.truncate(b"f", 10)
    t.equal(t.read_file(b"f"), b"x" * 10)
    t.truncate(b"f", 17_000)
    t.equal(t.read_file(b"f"), b"x" * 10 + bytes(16_990))
    fd = t.open(b"f", abi.O_RDWR)
    t.ftruncate(fd, 0)
    t.equal(t.fstat(fd).st_size, 0)
    t.close(fd)


def truncate_errors(t: Scenario) -> None:
    """EISDIR, EINVAL for a negative size or a descriptor for reading, EFBIG, ENOENT, EACCES."""
    t.write_file(b"f", b"x")
    t.mkdir(b"d", 0o755)
    t.expect(e.EISDIR, t.truncate, b"d", 0)
    t.expect(e.EINVAL, t.truncate, b"f", -1)
    t.expect(e.ENOENT, t.truncate, b"x", 0)
    t.expect(e.EFBIG, t.truncate, b"f", t.capabilities.file_size_max + 1)
    fd = t.open(b"f", abi.O_RDONLY)
    t.expect(e.EINVAL, t.ftruncate, fd, 0)
    t.close(fd)
    user = t.process(1000)
    user.expect(e.EACCES, user.truncate, b"f", 0)
    t.equal(t.read_file(b"f"), b"x")


def too_big(t: Scenario) -> None:
    """EFBIG: a write that would end behind the format's largest size; nothing was written."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    most = t.capabilities.file_size_max
    t.expect(e.EFBIG, t.pwrite, fd, b"xy", most - 1)
    t.expect(e.EFBIG, t.pwrite, fd, b"x", most)
    t.equal(t.fstat(fd).st_size, 0)
    t.equal(t.pread(fd, 10, most), b"")
    t.needs("sparse")
    t.equal(t.pwrite(fd, b"x", most - 1), 1)
    t.equal(t.pread(fd, 10, most - 1), b"x")
    t.close(fd)


def no_space(t: Scenario) -> None:
    """ENOSPC when the file system is full, after what fits was written; removing a file makes room again."""
    free = t.statvfs(b".")
    room = free.f_bfree * free.f_frsize
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    half = bytes(room // 2 // free.f_frsize * free.f_frsize)
    t.write(fd, half)
    t.equal(t.fstat(fd).st_size, len(half))
    other = t.open(b"g", abi.O_RDWR | abi.O_CREAT)
    most = t.fill(other, b"x" * (room // 8 + 1))
    t.true(room // 3 < most <= room - len(half), "not what there was room for")
    t.equal(t.fstat(other).st_size, most)
    t.expect(e.ENOSPC, t.pwrite, fd, b"x" * free.f_frsize * 4, len(half))
    t.equal(t.pwrite(fd, b"y", 0), 1)
    t.close(other)
    t.unlink(b"g")
    t.equal(t.pwrite(fd, b"x", len(half)), 1)
    t.close(fd)


def read_errors(t: Scenario) -> None:
    """EBADF by the descriptor's mode; EINVAL for negative lengths and offsets."""
    t.write_file(b"f", b"x")
    reader, writer = t.open(b"f", abi.O_RDONLY), t.open(b"f", abi.O_WRONLY)
    t.expect(e.EBADF, t.write, reader, b"x")
    t.expect(e.EBADF, t.pwrite, reader, b"x", 0)
    t.expect(e.EBADF, t.read, writer, 1)
    t.expect(e.EBADF, t.pread, writer, 1, 0)
    t.expect(e.EINVAL, t.read, reader, -1)
    t.expect(e.EINVAL, t.pread, reader, 1, -1)
    t.expect(e.EINVAL, t.pwrite, writer, b"x", -1)
    t.close(reader)
    t.close(writer)
    t.expect(e.EBADF, t.read, reader, 1)
    t.expect(e.EBADF, t.fsync, reader)


def truncate_while_open(t: Scenario) -> None:
    """A reader behind the new end finds the end; an appender goes on from there."""
    t.write_file(b"f", b"0123456789")
    fd = t.open(b"f", abi.O_RDWR)
    t.lseek(fd, 8, abi.SEEK_SET)
    t.write_file(b"f", b"abc")
    t.equal(t.read(fd, 5), b"")
    t.write(fd, b"!")
    t.equal(t.pread(fd, 20, 0), b"abc\0\0\0\0\0!")
    t.close(fd)


@reading
def contents(t: Scenario) -> None:
    """Files of others' making, byte for byte."""
    for path in (b"empty", b"small", b"lines", b"dir/sub/deeper/file"):
        entry = t.tree[path]
        t.equal(t.stat(path).st_size, entry.size)
        t.equal(t.read_file(path), entry.contents)


@reading
def parts(t: Scenario) -> None:
    """Parts of a file across blocks; short at the end, empty behind it."""
    data = t.tree[b"lines"].contents
    fd = t.open(b"lines", abi.O_RDONLY)
    for offset, length in ((0, 512), (511, 2), (1023, 3), (4095, 4098), (9_990, 100), (10_000, 1), (1 << 40, 5)):
        t.equal(t.pread(fd, length, offset), data[offset : offset + length])
    buffer = bytearray(3000)
    t.equal(t.preadinto(fd, buffer, 8000), 2000)
    t.equal(bytes(buffer), data[8000:] + bytes(1000))
    t.equal(t.readinto(fd, buffer), 3000)
    t.equal(t.lseek(fd, 0, abi.SEEK_CUR), 3000)
    t.equal(t.read(fd, 0), b"")
    t.close(fd)


@reading
def copied_out(t: Scenario) -> None:
    """rump_copy_out copies a file, or a part of one, to where it is told on the host."""
    data = t.tree[b"lines"].contents
    fd = t.open(b"lines", abi.O_RDONLY)
    target = t.target()
    t.equal(t.rump_copy_out(fd, 0, 1 << 30, target, 0), len(data))
    t.equal(t.target_contents(target), data)
    other = t.target()
    t.equal(t.rump_copy_out(fd, 1000, 700, other, 50), 700)
    t.equal(t.target_contents(other), bytes(50) + data[1000:1700])
    t.equal(t.rump_copy_out(fd, 20_000, 10, other, 0), 0)
    t.expect(e.EINVAL, t.rump_copy_out, fd, -1, 10, other, 0)
    t.close(fd)
    t.expect(e.EBADF, t.rump_copy_out, fd, 0, 10, other, 0)
    fd = t.open(b"dir", abi.O_RDONLY)
    t.expect(e.EISDIR, t.rump_copy_out, fd, 0, 10, other, 0)
    t.close(fd)


@reading
def read_in_bulk(t: Scenario) -> None:
    """rump_read_small gives small files of a listed directory whole, or leaves them to be opened; nothing else."""
    fd = t.open(b".", abi.O_RDONLY)
    rows, _ = t.rump_listdir(fd)
    names = tuple(sorted(name for name, _, _ in rows))
    for name, found in zip(names, t.rump_read_small(fd, (*names, b"no such file")), strict=False):
        if found is not None:
            t.equal(found[0], t.read_file(name))
            t.equal(dict(found[1]), {key: t.getxattr(name, key) for key, _ in found[1]})
            t.equal(t.lstat(name).st_mode & abi.S_IFMT, abi.S_IFREG)
    t.equal([found[0] for found in t.rump_read_small(fd, names, 0) if found and found[0]], [])
    t.equal(t.rump_read_small(fd, ()), ())
    t.close(fd)
    t.expect(e.EBADF, t.rump_read_small, fd, names)
    fd = t.open(b"lines", abi.O_RDONLY)
    t.expect(e.ENOTDIR, t.rump_read_small, fd, names)
    t.close(fd)
