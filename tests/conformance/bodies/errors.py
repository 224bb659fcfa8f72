# SPDX-License-Identifier: BSD-2-Clause
"""The errors that every call with a path shares, call by call (namei(9); each call's manual page)."""

from __future__ import annotations

from rump.conformance.scenario import Caller, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[[Caller, bytes], object]

FINDING: dict[str, Call] = {
    "stat": lambda who, path: who.stat(path),
    "lstat": lambda who, path: who.lstat(path),
    "access": lambda who, path: who.access(path, abi.F_OK),
    "open": lambda who, path: who.open(path, abi.O_RDONLY),
    "readlink": lambda who, path: who.readlink(path),
    "statvfs": lambda who, path: who.statvfs(path),
    "chdir": lambda who, path: who.chdir(path),
    "listxattr": lambda who, path: who.listxattr(path),
    "getxattr": lambda who, path: who.lgetxattr(path, b"user.a"),
    "describe": lambda who, path: who.rump_describe(path),
}
"""Calls that find a file and leave it as it is."""
CHANGING: dict[str, Call] = {
    "write": lambda who, path: who.open(path, abi.O_WRONLY),
    "truncate": lambda who, path: who.truncate(path, 0),
    "chmod": lambda who, path: who.chmod(path, 0o644),
    "lchmod": lambda who, path: who.lchmod(path, 0o644),
    "chown": lambda who, path: who.chown(path, 1, 1),
    "lchown": lambda who, path: who.lchown(path, 1, 1),
    "chflags": lambda who, path: who.chflags(path, 0),
    "lchflags": lambda who, path: who.lchflags(path, 0),
    "utimens": lambda who, path: who.utimens(path, 0, 0),
    "lutimens": lambda who, path: who.lutimens(path, "now", "now"),
    "setxattr": lambda who, path: who.setxattr(path, b"user.a", b"1"),
    "removexattr": lambda who, path: who.removexattr(path, b"user.a"),
    "unlink": lambda who, path: who.unlink(path),
    "rmdir": lambda who, path: who.rmdir(path),
    "rename": lambda who, path: who.rename(path, b"new"),
    "link": lambda who, path: who.link(path, b"new"),
}
"""Calls that change what they find, or its names."""
MAKING: dict[str, Call] = {
    "create": lambda who, path: who.open(path, abi.O_WRONLY | abi.O_CREAT, 0o644),
    "exclusive": lambda who, path: who.open(path, abi.O_RDWR | abi.O_CREAT | abi.O_EXCL, 0o600),
    "mkdir": lambda who, path: who.mkdir(path, 0o755),
    "mkfifo": lambda who, path: who.mkfifo(path, 0o644),
    "mknod": lambda who, path: who.mknod(path, abi.S_IFCHR | 0o600, abi.makedev(2, 2)),
    "plain": lambda who, path: who.mknod(path, abi.S_IFREG | 0o600),
    "symlink": lambda who, path: who.symlink(b"target", path),
    "link to": lambda who, path: who.link(b"file", path),
    "rename to": lambda who, path: who.rename(b"file", path),
}
"""Calls that make a name; the working directory has a "file"."""
EVERY: dict[str, Call] = {**FINDING, **CHANGING, **MAKING}


def _all_fail(who: Caller, errno: int, calls: dict[str, Call], path: bytes) -> None:
    """Each of the calls fails so with this path."""
    for call in calls.values():
        who.expect(errno, call, who, path)


def file_on_the_way(t: Scenario) -> None:
    """ENOTDIR: a file where a directory must be, whatever the call."""
    t.write_file(b"file")
    _all_fail(t, e.ENOTDIR, EVERY, b"file/x")
    _all_fail(t, e.ENOTDIR, {**FINDING, **CHANGING}, b"file/")


def nothing_on_the_way(t: Scenario) -> None:
    """ENOENT: a directory on the way is missing, whatever the call."""
    t.write_file(b"file")
    _all_fail(t, e.ENOENT, EVERY, b"missing/x")


def nothing_there(t: Scenario) -> None:
    """ENOENT: the file is missing, whatever the call, with a slash behind it or not; O_CREAT makes no directory."""
    _all_fail(t, e.ENOENT, {**FINDING, **CHANGING}, b"missing")
    _all_fail(t, e.ENOENT, {**FINDING, **CHANGING}, b"missing/")
    t.write_file(b"file")
    names = ("create", "exclusive", "mkfifo", "plain", "symlink", "rename to")
    _all_fail(t, e.ENOENT, {name: MAKING[name] for name in names}, b"missing/")
    t.mkdir(b"missing/", 0o755)


def empty(t: Scenario) -> None:
    """ENOENT: an empty path, whatever the call."""
    t.write_file(b"file")
    _all_fail(t, e.ENOENT, EVERY, b"")


def endless_links(t: Scenario) -> None:
    """ELOOP: links that lead to one another, on the way or at the end, whatever the call."""
    t.needs("symlinks")
    t.write_file(b"file")
    t.symlink(b"two", b"one")
    t.symlink(b"one", b"two")
    _all_fail(t, e.ELOOP, EVERY, b"one/x")
    following = ("stat", "access", "open", "statvfs", "chdir", "write", "truncate", "chmod", "chown", "utimens", "link")
    _all_fail(t, e.ELOOP, {name: EVERY[name] for name in following}, b"two")
    _all_fail(t, e.ELOOP, {"create": MAKING["create"]}, b"one")


def name_too_long(t: Scenario) -> None:
    """ENAMETOOLONG: a name longer than the format has them, at the end and on the way, whatever the call."""
    t.write_file(b"file")
    name = b"l" * (t.capabilities.name_max + 1)
    _all_fail(t, e.ENAMETOOLONG, EVERY, name)
    _all_fail(t, e.ENAMETOOLONG, EVERY, name + b"/x")


def path_too_long(t: Scenario) -> None:
    """ENAMETOOLONG: a path of PATH_MAX bytes, whatever the call."""
    t.write_file(b"file")
    _all_fail(t, e.ENAMETOOLONG, EVERY, b"./" * (abi.PATH_MAX // 2 - 1) + b"ab")


def nul_byte(t: Scenario) -> None:
    """EINVAL: a NUL byte, whatever the call."""
    t.write_file(b"file")
    _all_fail(t, e.EINVAL, EVERY, b"fi\0le")


def _users_of_shut(t: Scenario, top: bytes, owner: int, group: int, others: int) -> Iterator[Caller]:
    """With a directory `shut` in one that is open to all, which is where the users are, with a file of theirs: its
    owner under one mode, one of its group under another, and one of the others.
    """
    shut = top + b"/shut"
    t.chown(shut, 1000, 100)
    for user, mode in ((t.process(1000), owner), (t.process(1001, 100), group), (t.process(1002), others)):
        t.chmod(shut, mode)
        user.chdir(top)
        user.write_file(b"file")
        yield user
        user.unlink(b"file")


def _make_shut(t: Scenario, top: bytes) -> None:
    t.mkdir(top, 0o755)
    t.chmod(top, 0o777)
    t.mkdir(top + b"/shut", 0o755)
    t.write_file(top + b"/shut/x")


def no_search_permission(t: Scenario) -> None:
    """EACCES: a directory on the way that may not be searched - by its owner, its group, others - whatever the call."""
    t.needs("permissions", "owners")
    _make_shut(t, b"open")
    calls = {name: call for name, call in EVERY.items() if name != "mknod"}
    for user in _users_of_shut(t, b"open", 0o677, 0o767, 0o776):
        _all_fail(user, e.EACCES, calls, b"shut/x")


def not_writable_directory(t: Scenario) -> None:
    """EACCES: names are made and removed only in directories that may be written, whatever the call."""
    t.needs("permissions", "owners")
    _make_shut(t, b"top")
    t.mkdir(b"top/shut/d", 0o755)
    for user in _users_of_shut(t, b"top", 0o577, 0o757, 0o775):
        _all_fail(user, e.EACCES, {name: MAKING[name] for name in MAKING if name != "mknod"}, b"shut/new")
        user.expect(e.EACCES, user.unlink, b"shut/x")
        user.expect(e.EACCES, user.rmdir, b"shut/d")
        user.expect(e.EACCES, user.rename, b"shut/x", b"x")
        user.expect(e.EACCES, user.rename, b"file", b"shut/x")


def already_there(t: Scenario) -> None:
    """EEXIST: no call makes a name that is there, whatever has it - a dangling link too."""
    t.write_file(b"file")
    t.mkdir(b"dir", 0o755)
    kinds = [b"file", b"dir", b".", b"dir/."]
    if t.has("symlinks"):
        t.symlink(b"nowhere", b"dangling")
        kinds.append(b"dangling")
    if t.has("fifos"):
        t.mkfifo(b"fifo", 0o600)
        kinds.append(b"fifo")
    for kind in kinds:
        for name in ("exclusive", "mkdir", "mkfifo", "mknod", "plain", "symlink", "link to"):
            t.expect(e.EEXIST, MAKING[name], t, kind)


def bad_directory(t: Scenario) -> None:
    """EBADF and ENOTDIR: every `at` call with a descriptor that is not open, and with one of a file."""
    t.write_file(b"file")
    fd = t.open(b"file", abi.O_RDONLY)
    for errno, number in ((e.EBADF, 77), (e.EBADF, -7), (e.ENOTDIR, fd)):
        t.expect(errno, t.openat, number, b"file", abi.O_RDONLY)
        t.expect(errno, t.fstatat, number, b"file")
        t.expect(errno, t.faccessat, number, b"file", abi.R_OK)
        t.expect(errno, t.mkdirat, number, b"new", 0o755)
        t.expect(errno, t.mkfifoat, number, b"new", 0o600)
        t.expect(errno, t.mknodat, number, b"new", abi.S_IFREG | 0o600)
        t.expect(errno, t.unlinkat, number, b"file", 0)
        t.expect(errno, t.symlinkat, b"x", number, b"new")
        t.expect(errno, t.readlinkat, number, b"file")
        t.expect(errno, t.renameat, number, b"file", abi.AT_FDCWD, b"new")
        t.expect(errno, t.renameat, abi.AT_FDCWD, b"file", number, b"new")
        t.expect(errno, t.linkat, number, b"file", abi.AT_FDCWD, b"new")
        t.expect(errno, t.fchmodat, number, b"file", 0o600)
        t.expect(errno, t.fchownat, number, b"file", 1, 1)
        t.expect(errno, t.utimensat, number, b"file", 0, 0)
    t.openat(77, b"/mnt/file", abi.O_RDONLY)
