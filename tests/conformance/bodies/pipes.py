# SPDX-License-Identifier: BSD-2-Clause
"""Pipes, by one lwp that never waits (pipe(2), POSIX "write")."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e

CAPACITY = 65_536


def in_order(t: Scenario) -> None:
    """Bytes come out in the order they went in, in whatever pieces."""
    reader, writer = t.pipe2()
    t.write(writer, b"abc")
    t.write(writer, b"defgh")
    t.equal((t.read(reader, 2), t.read(reader, 100)), (b"ab", b"cdefgh"))


def end_of_file(t: Scenario) -> None:
    """With no writer left a reader gets what is there, and then the end."""
    reader, writer = t.pipe2()
    t.write(writer, b"last")
    t.close(writer)
    t.equal((t.read(reader, 10), t.read(reader, 10), t.read(reader, 10)), (b"last", b"", b""))


def no_reader(t: Scenario) -> None:
    """EPIPE: nobody is left to read; a duplicate of the reading end counts."""
    reader, writer = t.pipe2()
    other = t.dup(reader)
    t.close(reader)
    t.equal(t.write(writer, b"x"), 1)
    t.close(other)
    t.expect(e.EPIPE, t.write, writer, b"x")


def would_wait(t: Scenario) -> None:
    """EAGAIN: nothing to read, or no room to write, where one is not to wait."""
    reader, writer = t.pipe2(abi.O_NONBLOCK)
    t.expect(e.EAGAIN, t.read, reader, 1)
    t.equal(t.write(writer, bytes(CAPACITY + 1000)), CAPACITY)
    t.expect(e.EAGAIN, t.write, writer, b"x")
    t.equal(len(t.read(reader, 1000)), 1000)
    t.equal(t.write(writer, b"x" * 1000), 1000)


def small_writes_whole(t: Scenario) -> None:
    """Up to PIPE_BUF bytes go in one piece or not at all."""
    reader, writer = t.pipe2(abi.O_NONBLOCK)
    t.write(writer, bytes(CAPACITY - 100))
    t.expect(e.EAGAIN, t.write, writer, bytes(abi.PIPE_BUF))
    t.equal(t.write(writer, bytes(100)), 100)
    t.read(reader, CAPACITY)
    t.equal(t.write(writer, bytes(abi.PIPE_BUF)), abi.PIPE_BUF)


def would_wait_for_ever(t: Scenario) -> None:
    """EDEADLK: one lwp alone, on a host that cannot wait, waits for nobody."""
    reader, writer = t.pipe2()
    t.expect(e.EDEADLK, t.read, reader, 1)
    t.write(writer, b"x")
    t.equal(t.read(reader, 1), b"x")


def wrong_end(t: Scenario) -> None:
    """EBADF: the ends have one direction each; ESPIPE: no offsets."""
    reader, writer = t.pipe2()
    t.expect(e.EBADF, t.write, reader, b"x")
    t.expect(e.EBADF, t.read, writer, 1)
    t.expect(e.ESPIPE, t.lseek, reader, 0, abi.SEEK_SET)
    t.expect(e.ESPIPE, t.pread, reader, 1, 0)
    t.expect(e.ESPIPE, t.pwrite, writer, b"x", 0)
    t.expect(e.EINVAL, t.fsync, writer)
    t.expect(e.EINVAL, t.ftruncate, writer, 0)


def stat_of_a_pipe(t: Scenario) -> None:
    """A pipe is a FIFO of no file system; its size is what is in it."""
    reader, writer = t.pipe2(abi.O_CLOEXEC)
    t.write(writer, b"12345")
    st = t.fstat(reader)
    t.equal((st.st_mode & abi.S_IFMT, st.st_size), (abi.S_IFIFO, 5))
    t.equal(t.fcntl(writer, abi.F_GETFD), abi.FD_CLOEXEC)
    t.expect(e.EINVAL, t.fchmod, reader, 0o644)
    t.expect(e.EINVAL, t.fstatvfs, reader)
    t.expect(e.ENOTDIR, t.fchdir, reader)


def empty_transfers(t: Scenario) -> None:
    """Reading or writing nothing does nothing, and never waits."""
    reader, writer = t.pipe2()
    t.equal((t.write(writer, b""), t.read(reader, 0)), (0, b""))
    t.fcntl(writer, abi.F_SETFL, abi.O_NONBLOCK)
    t.write(writer, bytes(CAPACITY))
    t.equal(t.write(writer, b""), 0)
