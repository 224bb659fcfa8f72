# SPDX-License-Identifier: BSD-2-Clause
"""rename(2) by tables: what over what, from where to where, by whom, under which flags."""

from __future__ import annotations

from rump.conformance.scenario import Caller, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("file", "empty", "full", "link", "fifo", "linked")
"""A file, a directory with nothing in it and one with something, a symbolic link, a FIFO, a file of two names."""


def _make(t: Scenario, kind: str, path: bytes) -> bool:
    """Make one; False where the file system has none."""
    if kind == "link" and t.has("symlinks"):
        t.symlink(b"target of " + path[-3:], path)
    elif kind == "fifo" and t.has("fifos"):
        t.mkfifo(path, 0o600)
    elif kind in ("empty", "full"):
        t.mkdir(path, 0o755)
        if kind == "full":
            t.write_file(path + b"/in")
    elif kind == "file" or (kind == "linked" and t.has("hard_links")):
        t.write_file(path, path)
        if kind == "linked":
            t.link(path, b"other")
    else:
        return False
    return True


def _remove(t: Scenario, *paths: bytes) -> None:
    for path in paths:
        try:
            kind = t.lwp.lstat(path).st_mode & abi.S_IFMT
        except OSError:
            continue
        if kind == abi.S_IFDIR:
            _remove(t, path + b"/in")
            t.lwp.rmdir(path)
        else:
            t.lwp.unlink(path)


def _wanted(old: str, new: str) -> int:
    """The errno of a rename of one kind over another; 0: none."""
    directories = ("empty", "full")
    if (old in directories) != (new in directories):
        return e.ENOTDIR if old in directories else e.EISDIR
    return e.ENOTEMPTY if new == "full" else 0


def _every_kind(t: Scenario, old_path: bytes, new_path: bytes) -> None:
    for old in KINDS:
        for new in KINDS:
            if old == new == "linked" or not (_make(t, old, old_path) and _make(t, new, new_path)):
                _remove(t, old_path, new_path, b"other")
                continue
            number = t.lwp.lstat(old_path).st_ino
            errno = _wanted(old, new)
            if errno:
                t.expect(errno, t.rename, old_path, new_path)
                t.equal(t.lwp.lstat(old_path).st_ino, number)
            else:
                t.rename(old_path, new_path)
                t.equal(t.lwp.lstat(new_path).st_ino, number)
                t.expect(e.ENOENT, t.lstat, old_path)
            if "linked" in (old, new):
                t.equal(t.lwp.lstat(b"other").st_nlink, 1 if new == "linked" and not errno else 2)
            _remove(t, old_path, new_path, b"other")
    t.stat(b".")


def every_kind_over_every_kind(t: Scenario) -> None:
    """ENOTDIR, EISDIR, ENOTEMPTY or done: by what has the old name and the new one, in one directory."""
    _every_kind(t, b"old", b"new")


def every_kind_to_another_directory(t: Scenario) -> None:
    """Likewise from one directory to another: both keep the right number of links."""
    t.mkdir(b"from", 0o755)
    t.mkdir(b"to", 0o755)
    _every_kind(t, b"from/old", b"to/new")
    links = 1 if t.has("one_link") else 2
    t.equal((t.stat(b"from").st_nlink, t.stat(b"to").st_nlink), (links, links))


def every_kind_to_no_name(t: Scenario) -> None:
    """What is moved to a name there was not keeps number, type, mode, size and links; a directory what is in it."""
    t.mkdir(b"to", 0o755)
    for kind in KINDS:
        if _make(t, kind, b"old"):
            before = t.lstat(b"old")
            t.pass_time(2 * 10**9)
            t.rename(b"old", b"to/new")
            after = t.lstat(b"to/new")
            t.equal(
                (after.st_ino, after.st_mode, after.st_size, after.st_nlink, after.st_mtime_ns),
                (before.st_ino, before.st_mode, before.st_size, before.st_nlink, before.st_mtime_ns),
            )
            if kind == "full":
                t.equal(t.names(b"to/new"), [b"in"])
            _remove(t, b"to/new", b"other")


def ancestors(t: Scenario) -> None:
    """EINVAL down into itself at any depth, ENOTEMPTY up onto what it is in; sideways all is well."""
    path = b"a"
    for _ in range(6):
        t.mkdir(path, 0o755)
        path += b"/a"
    for depth in range(1, 6):
        t.expect(e.EINVAL, t.rename, b"a", b"a" + b"/a" * depth + b"/x")
        t.expect(e.ENOTEMPTY, t.rename, b"a" + b"/a" * depth, b"a")
    t.expect(e.EINVAL, t.rename, b"a", b"a/a/../x")
    t.rename(b"a/a/a", b"b")
    t.rename(b"a", b"b/a/a/a/moved")
    t.equal(t.names(b"b/a/a/a/moved"), [b"a"])
    t.expect(e.EINVAL, t.rename, b"b", b"b/a/a/a/moved/a/x")


def below_what_moved(t: Scenario) -> None:
    """Paths, working directories and descriptors below a directory that moves lead to where they did."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"a/b", 0o755)
    t.write_file(b"a/b/f", b"x")
    t.mkdir(b"c", 0o755)
    there = t.process(0)
    there.chdir(b"a/b")
    fd = t.open(b"a/b", abi.O_RDONLY)
    for old, new in ((b"a", b"c/a"), (b"c/a/b", b"b"), (b"c", b"b/c"), (b"b", b"a")):
        t.rename(old, new)
        there.stat(b"f")
        t.fstatat(fd, b"f")
        there.getcwd()
        t.equal(there.stat(b"..").st_ino, t.lwp.fstatat(fd, b"..").st_ino)
    there.expect(e.EINVAL, there.rename, b"../a", b"c/x")


def over_an_open_directory(t: Scenario) -> None:
    """A directory that is replaced while somebody is in it is empty and removed to him."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"b", 0o755)
    fd = t.open(b"b", abi.O_RDONLY)
    there = t.process(0)
    there.chdir(b"b")
    t.write_file(b"a/f")
    t.rename(b"a", b"b")
    t.equal(t.fstat(fd).st_nlink, 0)
    there.expect(e.ENOENT, there.stat, b"f")
    there.expect(e.ENOENT, there.mkdir, b"x", 0o755)
    there.expect(e.ENOENT, there.rename, b"../b/f", b"f")
    t.expect(e.ENOENT, t.openat, fd, b"x", abi.O_WRONLY | abi.O_CREAT)
    t.equal(t.names(b"b"), [b"f"])


def names_of_every_length(t: Scenario) -> None:
    """A name grows and shrinks in place and by moves: room for it is found, and nothing else is touched."""
    t.mkdir(b"d", 0o755)
    for number in range(12):
        t.write_file(b"d/keep%02d" % number, b"%d" % number)
    t.write_file(b"d/n", b"moving")
    most = min(t.capabilities.name_max, 250)
    name = b"d/n"
    for length in (most, 1, most // 2, most - 1, 2, 8, 11, 12, 13, 14, 33, most):
        new = b"d/" + (b"%d" % length * length)[:length]
        t.rename(name, new)
        t.equal(t.read_file(new), b"moving")
        name = new
    t.equal(len(t.names(b"d")), 13)
    for number in range(12):
        t.equal(t.lwp.stat(b"d/keep%02d" % number).st_size, len(b"%d" % number))


def into_a_big_directory(t: Scenario) -> None:
    """Many files move into one directory and back out of it; each is found at each moment."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"b", 0o755)
    names = [b"%03d" % number + b"n" * (number % 40) for number in range(120)]
    for name in names:
        t.lwp.mkdir(b"a/" + name, 0o755)
    for name in names:
        t.lwp.rename(b"a/" + name, b"b/" + name)
    t.equal((t.names(b"a"), sorted(t.names(b"b"))), ([], sorted(names)))
    for name in names[::3]:
        t.lwp.rename(b"b/" + name, b"a/" + name + b".back")
    t.equal(len(t.names(b"a")), 40)
    links = (1, 1) if t.has("one_link") else (42, 82)
    t.equal((t.stat(b"a").st_nlink, t.stat(b"b").st_nlink), links)


# ---- by whom -------------------------------------------------------------------------------------------------------


def _sticky(t: Scenario, user: Caller, old: bytes, new: bytes, errno: int) -> None:
    if errno:
        user.expect(errno, user.rename, old, new)
    else:
        user.rename(old, new)
        t.lwp.rename(new, old)


def _owners_of_sticky(t: Scenario) -> Iterator[tuple[Caller, str, int, bool]]:
    """For a sticky directory `s` beside one `open` to all, each of whose it may be, and whose what is in it: a user,
    the kind of the thing, its owner, and whether the user owns either.
    """
    t.needs("permissions", "owners")
    t.mkdir(b"s", 0o755)
    t.mkdir(b"open", 0o755)
    t.chmod(b"open", 0o777)
    user = t.process(1000)
    for directory in (0, 1000, 1001):
        t.chown(b"s", directory, 0)
        t.chmod(b"s", 0o1777)
        for owner in (0, 1000, 1001):
            for kind in ("file", "empty"):
                yield user, kind, owner, 1000 in (directory, owner)


def _make_for(t: Scenario, kind: str, path: bytes, owner: int) -> None:
    _make(t, kind, path)
    t.chown(path, owner, 0)
    t.chmod(path, 0o777)


def from_sticky_directories(t: Scenario) -> None:
    """EPERM: out of a sticky directory go only one's own files, or any from one's own directory."""
    for user, kind, owner, owned in _owners_of_sticky(t):
        _make_for(t, kind, b"s/old", owner)
        _sticky(t, user, b"s/old", b"open/new", 0 if owned else e.EPERM)
        _sticky(t, user, b"s/old", b"s/new", 0 if owned else e.EPERM)
        _remove(t, b"s/old")


def to_sticky_directories(t: Scenario) -> None:
    """EPERM: in a sticky directory only one's own files are replaced, or any in one's own directory."""
    for user, kind, owner, owned in _owners_of_sticky(t):
        _make_for(t, kind, b"open/old", 1000)
        _make_for(t, kind, b"s/new", owner)
        if owned:
            user.rename(b"open/old", b"s/new")
        else:
            user.expect(e.EPERM, user.rename, b"open/old", b"s/new")
        _remove(t, b"open/old", b"s/new")


def write_permission(t: Scenario) -> None:
    """EACCES: both directories must be writable, and a directory that moves to another one."""
    t.needs("permissions", "owners")
    for name in (b"a", b"b"):
        t.mkdir(name, 0o755)
        t.chown(name, 1000, 1000)
    user = t.process(1000)
    for kind in ("file", "full"):
        for first in (0o700, 0o500, 0o300, 0o600):
            for second in (0o700, 0o500, 0o300, 0o600):
                _make(t, kind, b"a/old")
                t.chown(b"a/old", 1000, 1000)
                t.chmod(b"a", first)
                t.chmod(b"b", second)
                if {first, second} <= {0o700, 0o300}:
                    user.rename(b"a/old", b"b/new")
                else:
                    user.expect(e.EACCES, user.rename, b"a/old", b"b/new")
                _remove(t, b"a/old", b"b/new")
    t.chmod(b"a", 0o700)
    t.chmod(b"b", 0o700)
    for mode, errno in ((0o500, e.EACCES), (0o700, 0), (0o200, 0)):
        _make(t, "empty", b"a/old")
        t.chown(b"a/old", 1000, 1000)
        t.chmod(b"a/old", mode)
        _sticky(t, user, b"a/old", b"b/new", errno)
        _sticky(t, user, b"a/old", b"a/new", 0)
        _remove(t, b"a/old")


def flags(t: Scenario) -> None:
    """EPERM: nothing immutable or append-only moves, is replaced, or loses or gets a name."""
    t.needs("flags")
    for flag in (abi.UF_IMMUTABLE, abi.UF_APPEND, abi.SF_IMMUTABLE, abi.SF_APPEND):
        if not t.capabilities.flags & flag:
            continue
        appends = flag in (abi.UF_APPEND, abi.SF_APPEND)
        for path in (b"from", b"to"):
            t.mkdir(path, 0o755)
        t.write_file(b"from/old")
        t.write_file(b"to/new")
        for path in (b"from/old", b"to/new", b"from"):
            t.chflags(path, flag)
            t.expect(e.EPERM, t.rename, b"from/old", b"to/new")
            t.chflags(path, 0)
        t.chflags(b"to", flag)
        t.expect(e.EPERM, t.rename, b"from/old", b"to/new")
        if appends:
            t.rename(b"from/old", b"to/more")
            t.chflags(b"to", 0)
            t.rename(b"to/more", b"from/old")
        else:
            t.expect(e.EPERM, t.rename, b"from/old", b"to/more")
            t.chflags(b"to", 0)
        _remove(t, b"from/old", b"to/new", b"from", b"to")
