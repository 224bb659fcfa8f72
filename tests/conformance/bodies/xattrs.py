# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes (NetBSD extattr(9), Linux xattr(7))."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading


def set_get_remove(t: Scenario) -> None:
    """A value is what it was set to, until it is removed; ENOATTR before and after."""
    t.write_file(b"f")
    t.without("xattrs", e.EOPNOTSUPP, t.setxattr, b"f", b"user.a", b"1")
    t.expect(e.ENOATTR, t.getxattr, b"f", b"user.a")
    t.pass_time(10**9)
    for value in (b"1", b"", b"\0\xff" * 100):
        t.setxattr(b"f", b"user.a", value)
        t.equal(t.getxattr(b"f", b"user.a"), value)
    t.stat(b"f")
    t.equal(t.listxattr(b"f"), (b"user.a",))
    t.removexattr(b"f", b"user.a")
    t.expect(e.ENOATTR, t.removexattr, b"f", b"user.a")
    t.equal(t.listxattr(b"f"), ())


def create_and_replace(t: Scenario) -> None:
    """XATTR_CREATE: EEXIST if it is there; XATTR_REPLACE: ENOATTR if not."""
    t.needs("xattrs")
    t.write_file(b"f")
    t.expect(e.ENOATTR, t.setxattr, b"f", b"user.a", b"1", abi.XATTR_REPLACE)
    t.setxattr(b"f", b"user.a", b"1", abi.XATTR_CREATE)
    t.expect(e.EEXIST, t.setxattr, b"f", b"user.a", b"2", abi.XATTR_CREATE)
    t.setxattr(b"f", b"user.a", b"2", abi.XATTR_REPLACE)
    t.equal(t.getxattr(b"f", b"user.a"), b"2")
    t.expect(e.EINVAL, t.setxattr, b"f", b"user.a", b"3", 4)


def limits(t: Scenario) -> None:
    """EINVAL for a name that is empty, too long or has a NUL; E2BIG for a value above 64 KiB."""
    t.needs("xattrs")
    t.write_file(b"f")
    t.setxattr(b"f", b"user." + b"n" * 250, b"x")
    for name in (b"", b"user." + b"n" * 251, b"user.\0"):
        t.expect(e.EINVAL, t.setxattr, b"f", name, b"x")
    t.expect(e.E2BIG, t.setxattr, b"f", b"user.big", bytes(65_537))
    t.needs("big_xattrs")
    t.setxattr(b"f", b"user.big", bytes(65_536))
    t.equal(len(t.getxattr(b"f", b"user.big")), 65_536)


def forms(t: Scenario) -> None:
    """The f forms take a descriptor, the l forms a symbolic link itself, which has no user attributes: EPERM."""
    t.needs("xattrs", "symlinks")
    t.write_file(b"f")
    t.symlink(b"f", b"s")
    fd = t.open(b"f", abi.O_RDONLY)
    t.setxattr(b"s", b"user.a", b"by link")
    t.equal((t.fgetxattr(fd, b"user.a"), t.flistxattr(fd)), (b"by link", (b"user.a",)))
    t.fsetxattr(fd, b"user.b", b"2")
    t.fremovexattr(fd, b"user.a")
    t.equal(t.llistxattr(b"s"), ())
    t.expect(e.EPERM, t.lsetxattr, b"s", b"user.a", b"1")
    t.lsetxattr(b"s", b"trusted.a", b"1")
    t.equal(t.lgetxattr(b"s", b"trusted.a"), b"1")
    t.lremovexattr(b"s", b"trusted.a")
    t.close(fd)
    t.expect(e.EBADF, t.fgetxattr, fd, b"user.b")


def permissions(t: Scenario) -> None:
    """User attributes follow the mode; all others are root's to set (EPERM), trusted ones root's to see."""
    t.needs("xattrs", "permissions")
    t.write_file(b"f")
    for name in (b"user.a", b"trusted.b", b"security.c"):
        t.setxattr(b"f", name, b"x")
    t.chmod(b"f", 0o644)
    user = t.process(1000)
    t.equal(user.getxattr(b"f", b"user.a"), b"x")
    user.expect(e.ENOATTR, user.getxattr, b"f", b"trusted.b")
    t.equal(user.listxattr(b"f"), (b"user.a", b"security.c"))
    user.expect(e.EACCES, user.setxattr, b"f", b"user.a", b"y")
    user.expect(e.EACCES, user.removexattr, b"f", b"user.a")
    user.expect(e.EPERM, user.setxattr, b"f", b"trusted.b", b"y")
    user.expect(e.EPERM, user.removexattr, b"f", b"security.c")
    t.chmod(b"f", 0o602)
    user.setxattr(b"f", b"user.a", b"y")
    user.expect(e.EACCES, user.getxattr, b"f", b"user.a")


def not_of_pipes(t: Scenario) -> None:
    """EOPNOTSUPP: a pipe is of no file system."""
    first, second = t.pipe2()
    t.expect(e.EOPNOTSUPP, t.fgetxattr, first, b"user.a")
    t.expect(e.EOPNOTSUPP, t.flistxattr, second)
    t.close(first)
    t.close(second)


@reading
def read(t: Scenario) -> None:
    """Attributes of others' making, in the inode and in a block of their own; EOPNOTSUPP where there are none."""
    if not t.has("xattrs"):
        t.expect(e.EOPNOTSUPP, t.getxattr, b"small", b"user.a")
        t.expect(e.EOPNOTSUPP, t.listxattr, b"small")
    for path, entry in t.tree.items():
        if entry.xattrs:
            t.equal(set(t.listxattr(path)), {name for name, _ in entry.xattrs})
            for name, value in entry.xattrs:
                t.equal(t.getxattr(path, name), value)
            t.expect(e.ENOATTR, t.getxattr, path, b"user.missing")


@reading
def trusted_hidden(t: Scenario) -> None:
    """Trusted attributes are not there for users."""
    t.needs("xattrs")
    if b"labelled" not in t.tree:
        return
    user = t.process(1000)
    t.equal(user.listxattr(b"labelled"), (b"user.a",))
    user.expect(e.ENOATTR, user.getxattr, b"labelled", b"trusted.secret")
