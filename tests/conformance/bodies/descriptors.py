# SPDX-License-Identifier: BSD-2-Clause
"""Descriptors: open(2) and its flags, dup(2), fcntl(2), limits."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading


@reading
def lowest_free(t: Scenario) -> None:
    """A new descriptor is the lowest that is free."""
    fds = [t.open(b"small", abi.O_RDONLY) for _ in range(4)]
    t.equal(fds, [fds[0] + number for number in range(4)])
    t.close(fds[1])
    t.close(fds[0])
    t.equal((t.open(b"small", abi.O_RDONLY), t.dup(fds[2])), (fds[0], fds[1]))


@reading
def bad_descriptors(t: Scenario) -> None:
    """EBADF from every call on a descriptor that is not open."""
    for fd in (-1, 50, 1 << 40):
        for call in (t.close, t.fstat, t.fsync, t.dup, t.getdents, t.fchdir, t.fstatvfs):
            t.expect(e.EBADF, call, fd)
        t.expect(e.EBADF, t.read, fd, 1)
        t.expect(e.EBADF, t.fcntl, fd, abi.F_GETFL)
        t.expect(e.EBADF, t.ftruncate, fd, 0)


@reading
def duplicates_share(t: Scenario) -> None:
    """A duplicate shares offset and status flags, not close-on-exec; a second open shares nothing."""
    fd = t.open(b"lines", abi.O_RDONLY | abi.O_CLOEXEC)
    other = t.dup(fd)
    apart = t.open(b"lines", abi.O_RDONLY)
    t.read(fd, 100)
    t.equal((t.lseek(other, 0, abi.SEEK_CUR), t.lseek(apart, 0, abi.SEEK_CUR)), (100, 0))
    t.fcntl(other, abi.F_SETFL, abi.O_NONBLOCK)
    t.equal(t.fcntl(fd, abi.F_GETFL) & abi.O_NONBLOCK, abi.O_NONBLOCK)
    t.equal((t.fcntl(fd, abi.F_GETFD), t.fcntl(other, abi.F_GETFD)), (1, 0))
    t.close(fd)
    t.equal(len(t.read(other, 5)), 5)


@reading
def dup2(t: Scenario) -> None:
    """dup2 closes what was there, does nothing onto itself, and refuses bad numbers: EBADF."""
    fd, other = t.open(b"small", abi.O_RDONLY), t.open(b"lines", abi.O_RDONLY)
    t.equal(t.dup2(fd, other), other)
    t.equal(t.read(other, 10), b"hello\n")
    t.equal(t.dup2(fd, fd), fd)
    t.equal(t.dup2(fd, 20), 20)
    t.expect(e.EBADF, t.dup2, fd, -1)
    t.expect(e.EBADF, t.dup2, fd, abi.OPEN_MAX)
    t.expect(e.EBADF, t.dup2, 30, other)
    t.equal(t.fstat(other), t.fstat(fd))


@reading
def fcntl(t: Scenario) -> None:
    """F_DUPFD takes the lowest from its argument on; F_SETFD and F_SETFL change only what they may."""
    fd = t.open(b"small", abi.O_RDONLY)
    t.equal(t.fcntl(fd, abi.F_DUPFD, 10), 10)
    t.equal(t.fcntl(fd, abi.F_DUPFD, 10), 11)
    t.equal(t.fcntl(fd, abi.F_DUPFD_CLOEXEC, 10), 12)
    t.equal((t.fcntl(11, abi.F_GETFD), t.fcntl(12, abi.F_GETFD)), (0, abi.FD_CLOEXEC))
    t.fcntl(11, abi.F_SETFD, abi.FD_CLOEXEC)
    t.equal(t.fcntl(11, abi.F_GETFD), abi.FD_CLOEXEC)
    t.fcntl(fd, abi.F_SETFL, abi.O_RDWR | abi.O_APPEND | abi.O_CREAT)
    t.equal(t.fcntl(fd, abi.F_GETFL), abi.O_RDONLY | abi.O_APPEND)
    t.expect(e.EINVAL, t.fcntl, fd, 99)
    t.expect(e.EINVAL, t.fcntl, fd, abi.F_DUPFD, -1)
    t.expect(e.EINVAL, t.fcntl, fd, abi.F_DUPFD, abi.OPEN_MAX)


@reading
def too_many(t: Scenario) -> None:
    """EMFILE: OPEN_MAX descriptors and no more; closing one makes room."""
    fd = t.open(b"small", abi.O_RDONLY)
    while fd < abi.OPEN_MAX - 1:
        fd = t.lwp.open(b"small", abi.O_RDONLY)
    t.expect(e.EMFILE, t.open, b"small", abi.O_RDONLY)
    t.expect(e.EMFILE, t.dup, fd)
    t.expect(e.EMFILE, t.pipe2)
    t.close(700)
    t.expect(e.EMFILE, t.pipe2)
    t.equal(t.dup(fd), 700)


def exclusive(t: Scenario) -> None:
    """O_CREAT makes what is missing; with O_EXCL it refuses what is there: EEXIST."""
    t.close(t.open(b"f", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, 0o600))
    t.expect(e.EEXIST, t.open, b"f", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL)
    t.expect(e.EEXIST, t.open, b".", abi.O_RDONLY | abi.O_CREAT | abi.O_EXCL)
    t.close(t.open(b"f", abi.O_WRONLY | abi.O_CREAT, 0o777))
    t.expect(e.ENOENT, t.open, b"g", abi.O_RDWR)
    t.expect(e.ENOENT, t.open, b"d/g", abi.O_RDWR | abi.O_CREAT)
    t.expect(e.ENOENT, t.open, b"g/", abi.O_RDWR | abi.O_CREAT)


def truncating(t: Scenario) -> None:
    """O_TRUNC empties a file; together with O_EXCL and O_CREAT it changes nothing of what is there."""
    t.write_file(b"f", b"contents")
    t.expect(e.EEXIST, t.open, b"f", abi.O_RDWR | abi.O_CREAT | abi.O_EXCL | abi.O_TRUNC)
    t.equal(t.stat(b"f").st_size, 8)
    t.close(t.open(b"f", abi.O_WRONLY | abi.O_TRUNC))
    t.equal(t.stat(b"f").st_size, 0)


@reading
def unknown_flags(t: Scenario) -> None:
    """EINVAL: flags there are not, and O_WRONLY with O_RDWR."""
    t.expect(e.EINVAL, t.open, b"small", abi.O_ACCMODE)
    t.expect(e.EINVAL, t.open, b"small", 0x40000000)
    t.expect(e.EINVAL, t.pipe2, abi.O_APPEND)


@reading
def independent(t: Scenario) -> None:
    """Another process has descriptors of its own."""
    fd = t.open(b"small", abi.O_RDONLY)
    other = t.process(0)
    other.expect(e.EBADF, other.read, fd, 1)
    t.equal(other.open(b"lines", abi.O_RDONLY), 0)
    t.equal(t.read(fd, 10), b"hello\n")
