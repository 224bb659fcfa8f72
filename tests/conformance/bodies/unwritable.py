# SPDX-License-Identifier: BSD-2-Clause
"""A file system mounted for reading, by tables: every call that would change it is EROFS, all others work (t_ro)."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _read_only(t: Scenario) -> None:
    t.needs("persistent")
    if not t.subject.read_only:
        t.remount(read_only=True)


@reading
def every_change(t: Scenario) -> None:
    """EROFS from each call, of files and directories that are there and such that are not."""
    _read_only(t)
    for path in (b"small", b"dir/sub", b"many/nothing"):
        there = path != b"many/nothing"
        making: tuple[tuple[Any, ...], ...] = (
            (t.mkdir, path, 0o755), (t.mkfifo, path, 0o600), (t.mknod, path, abi.S_IFREG | 0o600),
            (t.symlink, b"x", path), (t.link, b"lines", path),
            (t.open, path, abi.O_RDWR | abi.O_CREAT | abi.O_EXCL),
        )  # fmt: skip
        for call, *arguments in making:
            t.expect(e.EEXIST if there else e.EROFS, call, *arguments)
    t.expect(e.EROFS, t.open, b"new", abi.O_WRONLY | abi.O_CREAT)
    t.expect(e.EROFS, t.mknod, b"new", abi.S_IFCHR | 0o600, abi.makedev(2, 2))
    for path in (b"small", b"dir/sub"):
        changing: tuple[tuple[Any, ...], ...] = (
            (t.chmod, path, 0o700), (t.lchmod, path, 0o700), (t.chown, path, 1, 1), (t.lchown, path, 1, 1),
            (t.chflags, path, 0), (t.utimens, path, 0, 0), (t.utimens, path, "now", "now"),
            (t.lutimens, path, 0, 0), (t.setxattr, path, b"user.a", b"1"), (t.removexattr, path, b"user.a"),
            (t.rename, path, b"new"), (t.fchmodat, AT, path, 0o700), (t.fchownat, AT, path, 1, 1),
            (t.utimensat, AT, path, 0, 0),
        )  # fmt: skip
        for call, *arguments in changing:
            t.expect(e.EROFS, call, *arguments)
    t.expect(e.EROFS, t.unlink, b"small")
    t.expect(e.EROFS, t.rmdir, b"hollow")
    t.expect(e.EROFS, t.truncate, b"lines", 5)
    t.expect(e.EROFS, t.rename, b"lines", b"small")


@reading
def by_descriptor(t: Scenario) -> None:
    """EROFS or EBADF: what is open for reading is changed by no call on its descriptor."""
    _read_only(t)
    for path in (b"small", b"dir"):
        fd = t.open(path, abi.O_RDONLY)
        t.expect(e.EROFS, t.fchmod, fd, 0o600)
        t.expect(e.EROFS, t.fchown, fd, 1, 1)
        t.expect(e.EROFS, t.fchflags, fd, 0)
        t.expect(e.EROFS, t.futimens, fd, 0, 0)
        t.expect(e.EROFS, t.fsetxattr, fd, b"user.a", b"1")
        t.fsync(fd)
        t.close(fd)
    fd = t.open(b"small", abi.O_RDONLY)
    t.expect(e.EBADF, t.write, fd, b"x")
    t.expect(e.EINVAL, t.ftruncate, fd, 0)
    t.expect(e.EBADF, t.posix_fallocate, fd, 0, 10)
    t.expect(e.EBADF, t.fdiscard, fd, 0, 10)


@reading
def nothing_has_changed(t: Scenario) -> None:
    """After all that is refused, every file is as it was; and reading changes no time."""
    _read_only(t)
    before = {path: t.lwp.lstat(path) for path in (b".", b"small", b"dir", b"many")}
    t.pass_time(10**10)
    for path, st in before.items():
        for call in (t.unlink, t.rmdir):
            try:
                call(path)
            except OSError:
                continue
            t.true(False, "it was removed")
        if path != b"small":
            t.names(path)
        else:
            t.read_file(path)
        t.equal(t.lstat(path), st)
    t.sync()
    t.statvfs(b".")


@reading
def what_works(t: Scenario) -> None:
    """Reading, listing, changing into directories, opening with O_CREAT what is there."""
    _read_only(t)
    t.equal(t.read_file(b"small"), b"hello\n")
    t.close(t.open(b"small", abi.O_RDONLY | abi.O_CREAT))
    t.chdir(b"dir")
    t.equal(t.getcwd(), b"/mnt/dir")
    t.access(b"../small", abi.R_OK)
    t.expect(e.EROFS, t.access, b"../small", abi.W_OK)
    t.expect(e.EROFS, t.access, b".", abi.W_OK)
    t.umask(0o77)
    t.true(t.statvfs(b".").f_flag & abi.MNT_RDONLY, "the mount does not say that it is for reading")
