# SPDX-License-Identifier: BSD-2-Clause
"""Processes: identity, working directory, root, umask (setuid(2), chdir(2), chroot(2))."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading


@reading
def who(t: Scenario) -> None:
    """A process is who it was made, and knows its parent."""
    t.equal((t.getuid(), t.geteuid(), t.getgid(), t.getegid(), t.getgroups()), (0, 0, 0, 0, ()))
    user = t.process(1000, 100, (5, 6))
    t.equal((user.getuid(), user.geteuid(), user.getgid(), user.getegid()), (1000, 1000, 100, 100))
    t.equal((user.getgroups(), user.getppid()), ((5, 6), t.getpid()))


@reading
def set_user(t: Scenario) -> None:
    """Root becomes anybody, for good; seteuid can go back; others change nothing: EPERM."""
    process = t.process(0)
    process.seteuid(1000)
    t.equal((process.getuid(), process.geteuid()), (0, 1000))
    process.expect(e.EPERM, process.seteuid, 1001)
    process.seteuid(0)
    process.setuid(1000)
    t.equal((process.getuid(), process.geteuid()), (1000, 1000))
    process.setuid(1000)
    for call in (process.setuid, process.seteuid, process.setgid, process.setegid):
        process.expect(e.EPERM, call, 1)
    process.expect(e.EPERM, process.setgroups, ())
    t.equal(t.geteuid(), 0)


@reading
def set_group(t: Scenario) -> None:
    """Likewise for groups; EINVAL for too many and for numbers that are none."""
    process = t.process(0)
    process.setegid(100)
    t.equal((process.getgid(), process.getegid()), (0, 100))
    process.setgid(7)
    process.setgroups((1, 2, 3))
    t.equal((process.getgid(), process.getegid(), process.getgroups()), (7, 7, (1, 2, 3)))
    t.expect(e.EINVAL, t.setgroups, tuple(range(abi.NGROUPS_MAX + 1)))
    for call in (t.setuid, t.seteuid, t.setgid, t.setegid):
        t.expect(e.EINVAL, call, -1)
        t.expect(e.EINVAL, call, 1 << 32)
    t.equal(t.getuid(), 0)


@reading
def change_directory(t: Scenario) -> None:
    """chdir and fchdir move one process; relative paths follow; errors leave it where it is."""
    t.chdir(b"dir/sub")
    t.equal(t.getcwd(), b"/mnt/dir/sub")
    t.stat(b"deeper/file")
    t.chdir(b"..")
    t.equal(t.getcwd(), b"/mnt/dir")
    t.expect(e.ENOTDIR, t.chdir, b"../small")
    t.expect(e.ENOENT, t.chdir, b"missing")
    fd = t.open(b"/mnt/small", abi.O_RDONLY)
    t.expect(e.ENOTDIR, t.fchdir, fd)
    top = t.open(b"/mnt", abi.O_RDONLY)
    t.fchdir(top)
    t.equal(t.getcwd(), b"/mnt")
    t.chdir(b"/")
    t.equal(t.getcwd(), b"/")


@reading
def inherited(t: Scenario) -> None:
    """A new process starts where its parent is, and goes its own way."""
    t.chdir(b"dir")
    t.umask(0o27)
    child = t.process(1000)
    t.equal((child.getcwd(), child.umask(0o77)), (b"/mnt/dir", 0o27))
    child.chdir(b"sub")
    t.equal((t.getcwd(), t.umask(0o22)), (b"/mnt/dir", 0o27))


def removed_working_directory(t: Scenario) -> None:
    """ENOENT: a working directory that was removed has no path and no names; ".." still leads out."""
    t.mkdir(b"d", 0o755)
    t.chdir(b"d")
    t.rmdir(b"../d")
    t.expect(e.ENOENT, t.getcwd)
    t.expect(e.ENOENT, t.open, b"f", abi.O_WRONLY | abi.O_CREAT)
    t.expect(e.ENOENT, t.mkdir, b"x", 0o755)
    t.equal(t.stat(b".").st_nlink, 0)
    t.equal(t.names(b"."), [])
    t.chdir(b"/mnt")


@reading
def change_root(t: Scenario) -> None:
    """chroot: "/" is there, ".." does not lead out, absolute paths and getcwd begin there."""
    jailed = t.process(0)
    jailed.chroot(b"dir")
    jailed.chdir(b"/sub")
    t.equal(jailed.getcwd(), b"/sub")
    t.equal(jailed.stat(b"/").st_ino, t.stat(b"dir").st_ino)
    t.equal(jailed.stat(b"/..").st_ino, t.stat(b"dir").st_ino)
    t.equal(jailed.stat(b"../../../..").st_ino, t.stat(b"dir").st_ino)
    jailed.expect(e.ENOENT, jailed.stat, b"/mnt")
    jailed.expect(e.ENOENT, jailed.stat, b"/dev/null")
    t.stat(b"/dev/null")


@reading
def change_root_errors(t: Scenario) -> None:
    """EPERM for users, ENOTDIR, ENOENT."""
    user = t.process(1000)
    user.expect(e.EPERM, user.chroot, b"dir")
    t.expect(e.ENOTDIR, t.chroot, b"small")
    t.expect(e.ENOENT, t.chroot, b"missing")


@reading
def links_under_root(t: Scenario) -> None:
    """An absolute symbolic link begins at the process's root."""
    t.needs("symlinks")
    t.equal(t.stat(b"absolute").st_ino, t.stat(b"dir").st_ino)
    jailed = t.process(0)
    jailed.chroot(b".")
    jailed.expect(e.ENOENT, jailed.stat, b"/absolute")
    jailed.lstat(b"/absolute")


def moved_out_of_the_root(t: Scenario) -> None:
    """A working directory moved out of the root is not a way to where it must not lead: getcwd says ENOENT."""
    t.mkdir(b"jail", 0o755)
    t.mkdir(b"jail/d", 0o755)
    jailed = t.process(0)
    jailed.chroot(b"jail")
    jailed.chdir(b"/d")
    t.rename(b"jail/d", b"out")
    jailed.expect(e.ENOENT, jailed.getcwd)
    jailed.stat(b".")
