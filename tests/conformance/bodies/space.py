# SPDX-License-Identifier: BSD-2-Clause
"""A full file system: every call does all or nothing, and says ENOSPC; room comes back (t_full's ground)."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _fill_up(t: Scenario) -> int:
    """Fill it to the last block; a descriptor of the file that takes the room."""
    fd: int = t.open(b"filler", abi.O_RDWR | abi.O_CREAT)
    room = t.lwp.statvfs(b".")
    done = t.fill(fd, bytes(range(1, 256)) * (room.f_bfree * room.f_frsize // 1020 + 1))
    t.true(done, "nothing fits")
    return fd


def _tries(t: Scenario, call: Callable[..., object], *arguments: object) -> bool:
    """Whether there was room; if not it must be ENOSPC."""
    try:
        call(*arguments)
    except OSError as error:
        t.equal(error.errno, e.ENOSPC)
        return False
    return True


def each_call(t: Scenario) -> None:
    """On a full one each call that makes something works, or leaves nothing behind."""
    t.mkdir(b"d", 0o755)
    t.write_file(b"here", b"x")
    _fill_up(t)
    padding = b"n" * min(80, t.capabilities.name_max - 20)
    making: dict[str, Callable[[bytes], object]] = {
        "mkdir": lambda path: t.mkdir(path, 0o755),
        "create": lambda path: t.close(t.open(path, abi.O_WRONLY | abi.O_CREAT)),
    }
    if t.has("fifos"):
        making["mkfifo"] = lambda path: t.mkfifo(path, 0o600)
    if t.has("symlinks"):
        making["short link"] = lambda path: t.symlink(b"x", path)
        making["long link"] = lambda path: t.symlink(b"x/" * 300, path)
    if t.has("hard_links"):
        making["link"] = lambda path: t.link(b"here", path)
    for name, make in making.items():
        before = t.statvfs(b".")
        made = [b"d/%s%d" % (name.encode(), number) + padding for number in range(8)]
        there = [path for path in made if _tries(t, make, path)]
        t.equal(sorted(b"d/" + found for found in t.names(b"d")), sorted(there))
        for path in there:
            if name == "mkdir":
                t.rmdir(path)
            else:
                t.unlink(path)
        after = t.statvfs(b".")
        t.true(after.f_bfree <= before.f_bfree, "more room than there was")
    t.equal(t.read_file(b"here"), b"x")


def rename_on_a_full_one(t: Scenario) -> None:
    """A rename that finds no room for the new name leaves the old one."""
    t.mkdir(b"d", 0o755)
    for number in range(40):
        t.lwp.mkdir(b"%02d" % number, 0o755)
    _fill_up(t)
    for number in range(40):
        old, new = b"%02d" % number, b"d/%02d" % number + b"n" * (min(t.capabilities.name_max, 202) - 2)
        if _tries(t, t.rename, old, new):
            t.expect(e.ENOENT, t.lstat, old)
            t.lwp.lstat(new)
        else:
            t.lwp.lstat(old)
            t.expect(e.ENOENT, t.lstat, new)
    t.equal(len(t.names(b"d")) + len(t.names(b".")), 42)


def writing_on_a_full_one(t: Scenario) -> None:
    """What is there is written over; what is new is not; a hole cannot be filled; a shorter file makes room."""
    t.write_file(b"old", b"o" * 5000)
    hole = t.open(b"hole", abi.O_RDWR | abi.O_CREAT)
    if t.has("sparse"):
        t.ftruncate(hole, 1 << 20)
    filler = _fill_up(t)
    fd = t.open(b"old", abi.O_RDWR)
    t.equal(t.pwrite(fd, b"new!" * 1250, 0), 5000)
    t.expect(e.ENOSPC, t.pwrite, fd, b"x" * 4096, 65_536)
    t.expect(e.ENOSPC, t.pwrite, hole, b"x" * 4096, 500_000)
    t.expect(e.ENOSPC, t.posix_fallocate, fd, 0, 200_000)
    t.equal(t.fstat(fd).st_size, 5000)
    t.equal(t.pread(fd, 10, 0), b"new!new!ne")
    t.equal(t.pread(hole, 5, 500_000), bytes(5) if t.has("sparse") else b"")
    t.ftruncate(filler, 0)
    t.equal(t.pwrite(fd, b"x" * 4096, 8192), 4096)
    t.equal(t.pwrite(hole, b"x" * 4096, 0), 4096)


def everything_comes_back(t: Scenario) -> None:
    """Filled and emptied three times, by one file and by many: as much fits each time, and all is free again."""
    before = t.statvfs(b".")
    sizes = []
    for turn in range(3):
        fd = _fill_up(t)
        sizes.append(t.fstat(fd).st_size)
        t.close(fd)
        t.unlink(b"filler")
        number = 0
        while number < 40 and _tries(t, t.close, t.open(b"f%d" % number, abi.O_WRONLY | abi.O_CREAT)):
            _tries(t, t.truncate, b"f%d" % number, 3000 + turn)
            number += 1
        for name in t.names(b"."):
            t.unlink(name)
        after = t.statvfs(b".")
        if turn:            # the directory itself may have grown, once
            t.equal((after.f_bfree, after.f_ffree), (before.f_bfree, before.f_ffree))
        before = after
    t.equal(len(set(sizes[1:])), 1)


def open_files_keep_their_room(t: Scenario) -> None:
    """Room of a file without a name comes back when it is closed, and not before."""
    fd = _fill_up(t)
    full = t.statvfs(b".").f_bfree
    t.unlink(b"filler")
    t.equal(t.statvfs(b".").f_bfree, full)
    more = t.fstat(fd).st_size + 100_000
    t.expect(e.EFBIG if more > t.capabilities.file_size_max else e.ENOSPC, t.posix_fallocate, fd, 0, more)
    t.close(fd)
    t.true(t.statvfs(b".").f_bfree > full, "no room has come back")
    t.write_file(b"f", b"x" * 9000)


def attributes_of_a_full_one(t: Scenario) -> None:
    """Attributes that need room of their own find none: ENOSPC; those there were are as they were."""
    t.needs("xattrs")
    t.write_file(b"f")
    t.setxattr(b"f", b"user.kept", b"value")
    _fill_up(t)
    for number in range(6):
        _tries(t, t.setxattr, b"f", b"user.%d" % number, bytes([number + 1]) * 400)
    for name in t.listxattr(b"f"):
        t.getxattr(b"f", name)
    t.equal(t.getxattr(b"f", b"user.kept"), b"value")
    t.chmod(b"f", 0o600)
    t.utimens(b"f", 0, 0)


def counted(t: Scenario) -> None:
    """statvfs counts what files take and give back, in blocks, and files as they come and go."""
    before = t.statvfs(b".")
    t.write_file(b"f", b"x" * 20_000)
    with_file = t.statvfs(b".")
    t.true(before.f_bfree - with_file.f_bfree >= 20_000 // before.f_frsize, "the file takes no room")
    t.true(not before.f_files or before.f_ffree - with_file.f_ffree == 1, "the file is not counted")
    t.equal((with_file.f_blocks, with_file.f_files), (before.f_blocks, before.f_files))
    t.truncate(b"f", 0)
    t.unlink(b"f")
    t.equal(t.statvfs(b".").f_bfree, before.f_bfree)
