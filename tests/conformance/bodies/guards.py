# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what, by tables: ways to open, sticky directories, file flags, set-id bits (pjdfstest's ground)."""

from __future__ import annotations

from rump.conformance.scenario import AT, Caller, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ, WRITE, BOTH = abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR
IMMUTABLE = (abi.UF_IMMUTABLE, abi.SF_IMMUTABLE)
APPEND = (abi.UF_APPEND, abi.SF_APPEND)


def _classes(t: Scenario) -> Iterator[tuple[Caller, int]]:
    """The owner, a member of the group, another member by a supplementary group, and anybody else, with their shift."""
    yield t.process(1000, 5), 6
    yield t.process(1001, 100), 3
    yield t.process(1002, 5, (7, 100)), 3
    yield t.process(1003, 5), 0


def ways_to_open_a_file(t: Scenario) -> None:
    """EACCES: reading, writing and both, by every one of the eight modes, for owner, group and others."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.chown(b"f", 1000, 100)
    for who, shift in _classes(t):
        for bits in range(8):
            t.chmod(b"f", (bits << shift) | (0o777 & ~(7 << shift)))
            for flags, need in ((READ, 4), (WRITE, 2), (BOTH, 6), (READ | abi.O_TRUNC, 6), (WRITE | abi.O_APPEND, 2)):
                if bits & need == need:
                    who.close(who.open(b"f", flags))
                else:
                    who.expect(e.EACCES, who.open, b"f", flags)


def ways_to_use_a_directory(t: Scenario) -> None:
    """EACCES: r to list it, x to go through it, w with x to change it, by every one of the eight modes."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/f")
    t.chown(b"d", 1000, 100)
    for who, shift in _classes(t):
        for bits in range(8):
            t.chmod(b"d", (bits << shift) | (0o777 & ~(7 << shift)))
            if bits & 4:
                who.close(who.open(b"d", READ))
            else:
                who.expect(e.EACCES, who.open, b"d", READ)
            if bits & 1:
                who.stat(b"d/f")
                who.expect(e.ENOENT, who.stat, b"d/g")
            else:
                who.expect(e.EACCES, who.stat, b"d/f")
                who.expect(e.EACCES, who.stat, b"d/g")
            if bits & 3 == 3:
                who.mkdir(b"d/new", 0o755)
                who.rename(b"d/new", b"d/newer")
                who.rmdir(b"d/newer")
            else:
                who.expect(e.EACCES, who.mkdir, b"d/new", 0o755)
                who.expect(e.EACCES, who.unlink, b"d/f")


def descriptor_outlives_permission(t: Scenario) -> None:
    """What a descriptor was opened for goes on, whatever becomes of mode, owner and way."""
    t.needs("permissions", "owners")
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/f", b"data")
    t.chmod(b"d/f", 0o666)
    user = t.process(1000)
    fd = user.open(b"d/f", BOTH)
    t.chmod(b"d/f", 0)
    t.chmod(b"d", 0)
    t.equal((user.pread(fd, 4, 0), user.pwrite(fd, b"more", 4)), (b"data", 4))
    user.ftruncate(fd, 6)
    user.expect(e.EPERM, user.fchmod, fd, 0o777)
    user.expect(e.EPERM, user.futimens, fd, 0, 0)
    user.expect(e.EACCES, user.futimens, fd, "now", "now")
    user.expect(e.EACCES, user.stat, b"d/f")
    directory = t.open(b"d", READ)
    t.equal(t.fstatat(directory, b"f").st_size, 6)


def removing_from_sticky_directories(t: Scenario) -> None:
    """EPERM: by owner of the directory and of the file, for files and directories; root may all."""
    t.needs("permissions", "owners")
    t.mkdir(b"s", 0o755)
    user = t.process(1000)
    for mode in (0o777, 0o1777):
        for directory in (0, 1000, 1001):
            t.chown(b"s", directory, 0)
            t.chmod(b"s", mode)
            for owner in (0, 1000, 1001):
                t.write_file(b"s/f")
                t.mkdir(b"s/d", 0o777)
                for path in (b"s/f", b"s/d"):
                    t.chown(path, owner, 0)
                    t.chmod(path, 0o777)
                if mode & 0o1000 and 1000 not in (directory, owner):
                    user.expect(e.EPERM, user.unlink, b"s/f")
                    user.expect(e.EPERM, user.rmdir, b"s/d")
                    user.expect(e.EPERM, user.unlinkat, AT, b"s/d", abi.AT_REMOVEDIR)
                    t.unlink(b"s/f")
                    t.rmdir(b"s/d")
                else:
                    user.unlink(b"s/f")
                    user.rmdir(b"s/d")


def _marked(t: Scenario, flags: tuple[int, ...]) -> Iterator[int]:
    t.needs("flags")
    for flag in flags:
        if t.capabilities.flags & flag:
            yield flag


def _fails(t: Scenario, path: bytes) -> None:
    """What nobody does to an immutable or append-only file, root included."""
    t.expect(e.EPERM, t.open, path, WRITE)
    t.expect(e.EPERM, t.open, path, BOTH)
    t.expect(e.EPERM, t.open, path, READ | abi.O_TRUNC)
    t.expect(e.EPERM, t.truncate, path, 0)
    t.expect(e.EPERM, t.unlink, path)
    t.expect(e.EPERM, t.rename, path, b"elsewhere")
    t.expect(e.EPERM, t.link, path, b"elsewhere")
    t.expect(e.EPERM, t.chmod, path, 0o600)
    t.expect(e.EPERM, t.chown, path, 1, 1)
    t.expect(e.EPERM, t.utimens, path, 0, 0)
    if t.has("xattrs"):
        t.expect(e.EPERM, t.setxattr, path, b"user.a", b"1")
        t.expect(e.EPERM, t.removexattr, path, b"user.a")


def unchangeable_files(t: Scenario) -> None:
    """EPERM from every call that would change an immutable or append-only file; reading it is as ever."""
    for flag in _marked(t, IMMUTABLE + APPEND):
        t.write_file(b"f", b"data")
        t.chflags(b"f", flag)
        _fails(t, b"f")
        t.equal(t.read_file(b"f"), b"data")
        if flag in APPEND:
            fd = t.open(b"f", WRITE | abi.O_APPEND)
            t.write(fd, b"+")
            t.expect(e.EPERM, t.posix_fallocate, fd, 0, 100_000)
            t.expect(e.EPERM, t.fdiscard, fd, 0, 2)
            t.close(fd)
        else:
            t.expect(e.EPERM, t.open, b"f", WRITE | abi.O_APPEND)
        t.chflags(b"f", 0)
        t.unlink(b"f")


def unchangeable_directories(t: Scenario) -> None:
    """EPERM: nothing is made in an immutable directory or removed; an append-only one takes new names only."""
    for flag in _marked(t, IMMUTABLE + APPEND):
        t.mkdir(b"d", 0o755)
        t.mkdir(b"d/sub", 0o755)
        t.write_file(b"d/f", b"1")
        t.write_file(b"f")
        t.chflags(b"d", flag)
        t.expect(e.EPERM, t.unlink, b"d/f")
        t.expect(e.EPERM, t.rmdir, b"d/sub")
        t.expect(e.EPERM, t.rename, b"d/f", b"g")
        t.expect(e.EPERM, t.rename, b"d/f", b"d/g")
        t.expect(e.EPERM, t.rmdir, b"d")
        t.expect(e.EPERM, t.chmod, b"d", 0o700)
        making = (
            (t.mkdir, b"d/1", 0o755), (t.open, b"d/2", WRITE | abi.O_CREAT), (t.mkfifo, b"d/3", 0o600),
            (t.symlink, b"x", b"d/4"), (t.link, b"f", b"d/5"), (t.rename, b"f", b"d/6"),
        )  # fmt: skip
        for call, *arguments in making:
            if flag in APPEND:
                call(*arguments)
            else:
                t.expect(e.EPERM, call, *arguments)
        t.write_file(b"d/f", b"22")
        t.chflags(b"d", 0)
        for name in t.names(b"d"):
            if t.lstat(b"d/" + name).st_mode & abi.S_IFMT == abi.S_IFDIR:
                t.rmdir(b"d/" + name)
            else:
                t.unlink(b"d/" + name)
        t.rmdir(b"d")


def flags_of_every_kind(t: Scenario) -> None:
    """Each flag that is declared is kept and given back, of files and directories, by each form of the call."""
    t.needs("flags")
    t.write_file(b"f")
    t.mkdir(b"d", 0o755)
    bits = [1 << bit for bit in range(32) if t.capabilities.flags & 1 << bit]
    for path in (b"f", b"d"):
        for bit in bits:
            t.chflags(path, bit)
            t.equal(t.stat(path).st_flags, bit)
        t.lchflags(path, 0)
        fd = t.open(path, READ)
        t.fchflags(fd, bits[0])
        t.equal(t.fstat(fd).st_flags, bits[0])
        t.fchflags(fd, 0)
        t.close(fd)


def set_id_bits_and_chown(t: Scenario) -> None:
    """A new owner or group takes the set-id bits of files away, where it is not root who gives it."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    user = t.process(1000, 100, (200,))
    for mode in (0o4755, 0o2755, 0o6755, 0o755, 0o6644):
        for who, owner, group in ((user, -1, 200), (user, 1000, 100), (user, -1, -1), (t, -1, 200), (t, 1000, 100)):
            t.chown(b"f", 1000, 100)
            t.chmod(b"f", mode)
            who.chown(b"f", owner, group)
            t.stat(b"f")


def set_id_bits_and_writing(t: Scenario) -> None:
    """Whatever changes a file's contents takes its set-id bits away, if it is a user who does."""
    t.needs("permissions", "owners")
    user = t.process(1000)
    t.write_file(b"f", b"0123456789")
    changes: tuple[Callable[[int], object], ...] = (
        lambda fd: user.pwrite(fd, b"x", 0), lambda fd: user.write(fd, b"x"),
        lambda fd: user.rump_copy_range(fd, 0, fd, 5, 2),
    )  # fmt: skip
    for change in changes:
        for owner in (0, 1000):
            t.chown(b"f", owner, 0)
            t.chmod(b"f", 0o6777)
            fd = user.open(b"f", BOTH)
            change(fd)
            user.close(fd)
            t.equal(t.stat(b"f").st_mode & 0o7777, 0o777)


def unprivileged(t: Scenario) -> None:
    """A user changes nothing of what is another's: owner, mode, flags, times; of his own all but the owner."""
    t.needs("permissions", "owners")
    t.write_file(b"f")
    t.mkdir(b"d", 0o755)
    user = t.process(1000)
    for path in (b"f", b"d", b"."):
        user.expect(e.EPERM, user.chown, path, 1000, 1000)
        user.expect(e.EPERM, user.chown, path, -1, 1000)
        user.expect(e.EPERM, user.chmod, path, 0o777)
        user.expect(e.EPERM, user.utimens, path, 0, 0)
        user.expect(e.EACCES, user.utimens, path, "now", "now")
        if t.has("flags"):
            user.expect(e.EPERM, user.chflags, path, 0)
        t.stat(path)
    for path in (b"f", b"d"):
        t.chown(path, 1000, 1000)
        user.chmod(path, 0o700)
        user.utimens(path, 2 * 10**9, 2 * 10**9)
        user.expect(e.EPERM, user.chown, path, 0, -1)
        user.expect(e.EPERM, user.chown, path, -1, 0)
        user.chown(path, 1000, 1000)
        t.stat(path)


def numbers_that_are_none(t: Scenario) -> None:
    """EINVAL: modes, owners and groups out of range, whatever the form of the call; nothing has changed."""
    t.write_file(b"f")
    before = t.stat(b"f")
    fd = t.open(b"f", READ)
    if t.has("permissions"):
        for mode in (0o10000, 1 << 31, -1):
            t.expect(e.EINVAL, t.chmod, b"f", mode)
            t.expect(e.EINVAL, t.fchmod, fd, mode)
            t.expect(e.EINVAL, t.fchmodat, AT, b"f", mode)
    if t.has("owners"):
        for number in (1 << 32, -2):
            t.expect(e.EINVAL, t.chown, b"f", number, -1)
            t.expect(e.EINVAL, t.fchown, fd, -1, number)
            t.expect(e.EINVAL, t.lchown, b"f", number, number)
    t.expect(e.EINVAL, t.fchmodat, AT, b"f", 0o600, 0x1000)
    t.expect(e.EINVAL, t.fchownat, AT, b"f", 1, 1, 0x1000)
    t.equal(t.stat(b"f"), before)
