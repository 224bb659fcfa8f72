# SPDX-License-Identifier: BSD-2-Clause
"""What a new file is like, whatever call makes it: mode, owner, group, times; and what names it gets and keeps."""

from __future__ import annotations

from rump.conformance.scenario import SECOND, Caller, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Maker = Callable[[Caller, bytes, int], object]

MAKERS: tuple[tuple[str, str, int, Maker], ...] = (
    ("", "open", abi.S_IFREG, lambda who, path, mode: who.close(who.open(path, abi.O_RDONLY | abi.O_CREAT, mode))),
    ("", "mknod", abi.S_IFREG, lambda who, path, mode: who.mknod(path, abi.S_IFREG | mode)),
    ("", "mkdir", abi.S_IFDIR, lambda who, path, mode: who.mkdir(path, mode)),
    ("fifos", "mkfifo", abi.S_IFIFO, lambda who, path, mode: who.mkfifo(path, mode)),
    ("fifos", "fifo", abi.S_IFIFO, lambda who, path, mode: who.mknod(path, abi.S_IFIFO | mode)),
    ("sockets", "socket", abi.S_IFSOCK, lambda who, path, mode: who.mknod(path, abi.S_IFSOCK | mode)),
    ("symlinks", "symlink", abi.S_IFLNK, lambda who, path, mode: who.symlink(b"target", path)),
)
"""(the capability it needs, its name, the type it makes, the call)."""
DEVICES: tuple[tuple[str, str, int, Maker], ...] = (
    ("devices", "chr", abi.S_IFCHR, lambda who, path, mode: who.mknod(path, abi.S_IFCHR | mode, abi.makedev(2, 2))),
    ("devices", "blk", abi.S_IFBLK, lambda who, path, mode: who.mknod(path, abi.S_IFBLK | mode, abi.makedev(9, 9))),
)
"""Likewise, for root only."""


def _makers(t: Scenario, *more: tuple[str, str, int, Maker]) -> Iterator[tuple[str, int, Maker]]:
    for capability, name, kind, call in (*MAKERS, *more):
        if not capability or t.has(capability):
            yield name, kind, call


def type_mode_and_umask(t: Scenario) -> None:
    """Type and size are what was asked for, and the mode without the umask's bits."""
    for mask in (0o022, 0o077, 0o777, 0o070, 0):
        t.umask(mask)
        for name, kind, make in _makers(t, *DEVICES):
            for mode in (0o755, 0o666):
                path = f"{name}{mask:o}{mode:o}".encode()
                make(t, path, mode)
                st = t.lstat(path)
                t.equal(st.st_mode & abi.S_IFMT, kind)
                if kind != abi.S_IFLNK:
                    t.equal(st.st_size if kind != abi.S_IFDIR else 0, 0)
                if t.has("permissions") and kind != abi.S_IFLNK:
                    t.equal(st.st_mode & 0o7777, mode & ~mask)


def special_bits(t: Scenario) -> None:
    """Set-id and sticky bits of the mode are kept, as far as the caller may set them."""
    t.needs("permissions", "owners")
    t.umask(0)
    t.mkdir(b"d", 0o755)
    t.chmod(b"d", 0o777)
    t.chown(b"d", 0, 1000)
    for who in (t, t.process(1000)):
        for mode in (0o4755, 0o2755, 0o1777):
            path = f"d/{who.label[:-2]}{mode:o}".encode()
            who.mkdir(path, mode)
            t.stat(path)
            who.close(who.open(path + b"f", abi.O_RDONLY | abi.O_CREAT, mode & ~0o1000))
            t.stat(path + b"f")


def owner_and_group(t: Scenario) -> None:
    """The owner is the effective user; the group is the directory's, set-group-id or not, member or not."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.chown(b"d", 0, 77)
    for directory_mode in (0o777, 0o2777):
        t.chmod(b"d", directory_mode)
        for user in (t.process(1000), t.process(1001, 77), t.process(1002, 5, (77,)), t.process(0, 9)):
            for name, kind, make in _makers(t):
                path = b"d/" + name.encode()
                make(user, path, 0o644)
                st = t.lstat(path)
                t.equal((st.st_uid, st.st_gid), (user.lwp.geteuid(), 77))
                if kind == abi.S_IFDIR:
                    t.rmdir(path)
                else:
                    t.unlink(path)


def effective_user(t: Scenario) -> None:
    """Not the real user."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.chmod(b"d", 0o777)
    user = t.process(0)
    user.seteuid(1000)
    for name, _, make in _makers(t):
        make(user, b"d/" + name.encode(), 0o600)
        t.equal(t.lstat(b"d/" + name.encode()).st_uid, 1000)


def times(t: Scenario) -> None:
    """A new file's times are now, and so are mtime and ctime of its directory."""
    t.mkdir(b"d", 0o755)
    for name, _, make in _makers(t, *DEVICES):
        t.pass_time(2 * SECOND)
        path = b"d/" + name.encode()
        before = t.stat(b"d").st_mtime_ns
        make(t, path, 0o644)
        st, directory = t.lstat(path), t.stat(b"d")
        t.equal({st.st_mtime_ns, st.st_ctime_ns}, {directory.st_mtime_ns})
        t.equal(directory.st_ctime_ns, directory.st_mtime_ns)
        t.true(directory.st_mtime_ns > before, "the directory's time stood still")


def nothing_is_made_by_failing(t: Scenario) -> None:
    """A call that fails makes nothing, and changes no time of the directory."""
    t.mkdir(b"d", 0o755)
    for name, _, make in _makers(t):
        t.write_file(b"d/there") if name == "open" else None
        before = t.stat(b"d")
        t.pass_time(2 * SECOND)
        if name != "open":
            t.expect(e.EEXIST, make, t, b"d/there", 0o644)
        t.expect(e.ENAMETOOLONG, make, t, b"d/" + b"n" * (t.capabilities.name_max + 1), 0o644)
        t.equal(t.stat(b"d"), before)
    t.equal(t.names(b"d"), [b"there"])


def every_kind_has_many_names(t: Scenario) -> None:
    """A second name is of the same file: what is changed by one is seen by the other, until the last is gone."""
    t.needs("hard_links")
    for name, kind, make in _makers(t, *DEVICES):
        if kind == abi.S_IFDIR:
            continue
        path = name.encode()
        make(t, path, 0o644)
        t.linkat(abi.AT_FDCWD, path, abi.AT_FDCWD, path + b"2")
        t.linkat(abi.AT_FDCWD, path + b"2", abi.AT_FDCWD, path + b"3")
        if t.has("owners"):
            t.lchown(path + b"2", 65_534, 65_533)
        if t.has("permissions") and kind != abi.S_IFLNK:
            t.chmod(path + b"3", 0o201)
        first = t.lstat(path)
        t.equal((first.st_nlink, t.lwp.lstat(path + b"2"), t.lwp.lstat(path + b"3")), (3, first, first))
        for left, gone in ((2, path), (1, path + b"3")):
            t.unlink(gone)
            t.expect(e.ENOENT, t.lstat, gone)
            t.equal(t.lwp.lstat(path + b"2").st_nlink, left)
        t.unlink(path + b"2")


def removed_and_made_again(t: Scenario) -> None:
    """A name whose file is removed and made again, as something else each time, is the new thing at once."""
    for _ in range(2):
        for _, kind, make in _makers(t, *DEVICES):
            make(t, b"name", 0o600)
            t.equal(t.lstat(b"name").st_mode & abi.S_IFMT, kind)
            if kind == abi.S_IFDIR:
                t.expect(e.EPERM, t.unlink, b"name")
                t.rmdir(b"name")
            else:
                t.expect(e.ENOTDIR, t.rmdir, b"name")
                t.unlink(b"name")
            t.expect(e.ENOENT, t.lstat, b"name")


def opened_by_kind(t: Scenario) -> None:
    """What open(2) does with each kind, and what it refuses: EISDIR, ELOOP, ENXIO, EOPNOTSUPP."""
    for name, _, make in _makers(t, *DEVICES):
        make(t, name.encode(), 0o644)
    t.expect(e.EISDIR, t.open, b"mkdir", abi.O_WRONLY)
    t.expect(e.EISDIR, t.truncate, b"mkdir", 0)
    for path, flags, errno in (
        (b"symlink", abi.O_RDONLY | abi.O_NOFOLLOW, e.ELOOP), (b"symlink", abi.O_RDONLY, e.ENOENT),
        (b"mkfifo", abi.O_WRONLY | abi.O_NONBLOCK, e.ENXIO), (b"socket", abi.O_RDONLY, e.EOPNOTSUPP),
        (b"socket", abi.O_RDWR, e.EOPNOTSUPP), (b"blk", abi.O_RDONLY, e.ENXIO),
    ):  # fmt: skip
        if path in t.names(b"."):
            t.expect(errno, t.open, path, flags)
    for path in (b"open", b"mkdir", b"mkfifo", b"socket", b"chr"):
        if path in t.names(b"."):
            t.expect(e.EINVAL, t.readlink, path)
            t.expect(e.EEXIST, t.open, path, abi.O_RDWR | abi.O_CREAT | abi.O_EXCL)
    for path in (b"mkfifo", b"chr"):
        if path in t.names(b"."):
            t.expect(e.EINVAL, t.truncate, path, 0)
            t.expect(e.ENOTDIR, t.open, path, abi.O_RDONLY | abi.O_DIRECTORY)
            t.expect(e.ENOTDIR, t.chdir, path)
