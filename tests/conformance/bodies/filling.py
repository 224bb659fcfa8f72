# SPDX-License-Identifier: BSD-2-Clause
"""The extension calls that fill a file system: rump_copy_in, rump_copy_range, rump_populate."""

from __future__ import annotations

from rump.conformance.scenario import NOW, SECOND, Scenario, abi, e
from rump.conformance.tree import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REG, DIR, LNK = abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK
WHEN = NOW - 1000 * SECOND


def _row(name: bytes, contents: bytes = b"", mode: int = REG | 0o644, **more: Any) -> tuple[Any, ...]:
    values = {"uid": 0, "gid": 0, "rdev": 0, "target": b"", "flags": 0, "atime": WHEN, "mtime": WHEN, "birthtime": 0}
    xattrs = more.pop("xattrs", ())
    return (name, mode, *{**values, **more}.values(), contents, xattrs)


def copied_in(t: Scenario) -> None:
    """A host file, or a part of one, comes to where it is told; the rest of the file stays."""
    data = pattern(100_000)
    source = t.source(data)
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.equal(t.rump_copy_in(fd, 0, 1 << 40, source, 0), 100_000)
    t.equal(t.pread(fd, 1 << 20, 0), data)
    t.equal(t.rump_copy_in(fd, 5, 1000, source, 99_500), 500)
    t.equal(t.pread(fd, 1 << 20, 0), data[:5] + data[99_500:] + data[505:])
    t.equal(t.rump_copy_in(fd, 100_000, 7, source, 3, False), 7)
    t.equal(t.pread(fd, 100, 99_995), data[99_995:] + data[3:10])
    t.equal(t.rump_copy_in(fd, 0, 10, source, 100_000), 0)
    t.equal(t.rump_copy_in(fd, 0, 0, source, 0), 0)
    t.close(fd)


def copied_in_with_holes(t: Scenario) -> None:
    """Blocks of zeros are left out, or not; they read the same."""
    data = b"first" + bytes(50_000) + b"second" + bytes(4_000) + b"third" + bytes(30_000)
    source = t.source(data)
    blocks = []
    for name, sparse in ((b"sparse", True), (b"full", False)):
        fd = t.open(name, abi.O_RDWR | abi.O_CREAT)
        t.equal(t.rump_copy_in(fd, 0, len(data), source, 0, sparse), len(data))
        t.equal(t.pread(fd, 1 << 20, 0), data)
        t.rump_extents(fd, 0, 1 << 20)
        blocks.append(t.fstat(fd).st_blocks)
        t.close(fd)
    t.true(blocks[0] < blocks[1] if t.has("sparse") else blocks[0] == blocks[1], "holes and space do not agree")


def copied_in_from_a_sparse_file(t: Scenario) -> None:
    """Megabytes of hole before, between and behind: none of it takes space, wherever the copy begins."""
    t.needs("sparse")
    data = bytes(1_500_000) + b"first" + bytes(3_000_000) + b"last" + bytes(1_200_000)
    source = t.source(data)
    for name, offset, start in ((b"f", 0, 0), (b"g", 777, 0), (b"h", 0, 1_500_003)):
        fd = t.open(name, abi.O_RDWR | abi.O_CREAT)
        t.equal(t.rump_copy_in(fd, offset, 1 << 40, source, start), len(data) - start)
        t.equal(t.fstat(fd).st_size, offset + len(data) - start)
        t.equal(t.pread(fd, 1 << 23, 0), bytes(offset) + data[start:])
        t.rump_extents(fd, 0, 1 << 23)
        t.true(t.fstat(fd).st_blocks * 512 <= 3 * 65_536, "holes take space")
        t.close(fd)


def copied_in_over_itself(t: Scenario) -> None:
    """What is in the file and not copied over stays; copying again gives the same."""
    data = pattern(20_000)
    source = t.source(data)
    t.write_file(b"f", b"z" * 30_000)
    fd = t.open(b"f", abi.O_RDWR)
    for _ in range(2):
        t.equal(t.rump_copy_in(fd, 4_000, 20_000, source, 0), 20_000)
        t.equal(t.pread(fd, 1 << 20, 0), b"z" * 4000 + data + b"z" * 6000)
    t.close(fd)


def copy_in_errors(t: Scenario) -> None:
    """EBADF by descriptor and handle, EINVAL for ranges, EISDIR, EFBIG."""
    source = t.source(b"data")
    t.write_file(b"f")
    reader, fd = t.open(b"f", abi.O_RDONLY), t.open(b"f", abi.O_RDWR)
    directory = t.open(b".", abi.O_RDONLY)
    t.expect(e.EBADF, t.rump_copy_in, reader, 0, 4, source, 0)
    t.expect(e.EBADF, t.rump_copy_in, directory, 0, 4, source, 0)
    t.expect(e.EBADF, t.rump_copy_in, 99, 0, 4, source, 0)
    t.expect(e.EBADF, t.rump_copy_in, fd, 0, 4, 9999, 0)
    for offset, length, start in ((-1, 4, 0), (0, -1, 0), (0, 4, -1)):
        t.expect(e.EINVAL, t.rump_copy_in, fd, offset, length, source, start)
    t.expect(e.EFBIG, t.rump_copy_in, fd, t.capabilities.file_size_max - 1, 4, source, 0)
    t.equal(t.fstat(fd).st_size, 0)
    for each in (reader, fd, directory):
        t.close(each)


def copied_between_files(t: Scenario) -> None:
    """From one file to another, whole and in part; holes are left out, or not."""
    data = pattern(30_000)
    t.write_file(b"f", data)
    t.truncate(b"f", 80_000)
    source, target = t.open(b"f", abi.O_RDONLY), t.open(b"g", abi.O_RDWR | abi.O_CREAT)
    t.equal(t.rump_copy_range(source, 0, target, 0, 1 << 40), 80_000)
    t.equal(t.pread(target, 1 << 20, 0), data + bytes(50_000))
    t.equal(t.fstat(target).st_blocks <= t.fstat(source).st_blocks, True)
    t.equal(t.rump_copy_range(source, 10, target, 79_990, 20, False), 20)
    t.equal(t.pread(target, 100, 79_990), data[10:30])
    t.equal(t.rump_copy_range(source, 80_000, target, 0, 10), 0)
    t.expect(e.EBADF, t.rump_copy_range, source, 0, source, 0, 1)
    t.expect(e.EINVAL, t.rump_copy_range, source, -1, target, 0, 1)
    t.equal(t.rump_copy_range(target, 0, target, 100_000, 500), 500)
    t.expect(e.EINVAL, t.rump_copy_range, target, 0, target, 499, 500)
    t.equal(t.pread(target, 500, 100_000), data[:500])
    t.close(source)
    t.close(target)


def copied_between_file_systems(t: Scenario) -> None:
    """To another file system and back."""
    data = pattern(70_001)
    t.write_file(b"f", data)
    t.mkdir(b"/mnt2", 0o755)
    t.mount("tmpfs", b"/mnt2")
    ends = [t.open(name, abi.O_RDWR | abi.O_CREAT) for name in (b"f", b"/mnt2/f", b"g")]
    for one, other in ((ends[0], ends[1]), (ends[1], ends[2])):
        t.equal(t.rump_copy_range(one, 0, other, 0, 1 << 30), 70_001)
    t.equal(t.pread(ends[2], 1 << 20, 0), data)
    for fd in ends:
        t.close(fd)
    t.unmount(b"/mnt2")


# ---- many files at once ----------------------------------------------------------------------------------------------


def populated(t: Scenario) -> None:
    """Files of every size, with their times, in one call; they are what they would be if made one by one."""
    sizes = (0, 1, 60, 200, 1023, 1024, 1025, 4096, 4097, 12_345)
    rows = tuple(_row(b"%d" % size, pattern(size)) for size in sizes)
    fd = t.open(b".", abi.O_RDONLY)
    t.equal(t.rump_populate(fd, (*rows, _row(b"dir", mode=DIR | 0o755))), (0,) * 11)
    for size in sizes:
        st = t.stat(b"%d" % size)
        t.equal((st.st_size, st.st_nlink, st.st_mtime_ns), (size, 1, WHEN))
        t.true(st.st_atime_ns == WHEN or t.has("dates_of_access"), "the time of access")
        t.equal(t.read_file(b"%d" % size), pattern(size))
    t.equal((t.stat(b"dir").st_nlink, t.names(b"dir")), (1 if t.has("one_link") else 2, []))
    t.equal(t.rump_populate(fd, ()), ())
    t.close(fd)
    fd = t.open(b"dir", abi.O_RDONLY)
    few = tuple(_row(b"%03d" % number, b"x" * number if number % 25 == 2 else b"") for number in range(100))
    t.equal(t.rump_populate(fd, few), (0,) * 100)
    t.close(fd)
    t.equal(sorted(t.names(b"dir")), [b"%03d" % number for number in range(100)])
    t.equal(t.read_file(b"dir/077"), b"x" * 77)
    t.equal(t.stat(b"dir/078").st_size, 0)


def populated_with_everything(t: Scenario) -> None:
    """Owners, modes, links, devices, flags and extended attributes, as far as the format has them."""
    t.needs("owners", "permissions", "symlinks", "devices", "fifos", "xattrs")
    pairs = ((b"trusted.t", b"1"), (b"user.long", pattern(700)), (b"user.short", b"value"))
    rows = (
        _row(b"owned", b"mine", REG | 0o4751, uid=1000, gid=70_000),
        _row(b"link", mode=LNK | 0o777, target=b"owned"),
        _row(b"long link", mode=LNK | 0o777, target=b"./" * 500 + b"owned"),
        _row(b"null", mode=abi.S_IFCHR | 0o666, rdev=abi.makedev(2, 2)),
        _row(b"disk", mode=abi.S_IFBLK | 0o640, rdev=abi.makedev(300, 70_000), gid=5),
        _row(b"fifo", mode=abi.S_IFIFO | 0o600),
        _row(b"sticky", mode=DIR | 0o1777, uid=5),
        _row(b"noted", b"x", xattrs=pairs),
        _row(b"noted dir", mode=DIR | 0o700, xattrs=pairs[1:]),
    )
    fd = t.open(b".", abi.O_RDONLY)
    t.equal(t.rump_populate(fd, rows), (0,) * len(rows))
    t.close(fd)
    for row in rows:
        st = t.lstat(row[0])
        t.equal((st.st_mode, st.st_uid, st.st_gid, st.st_rdev), row[1:5])
        t.equal(st.st_mtime_ns, WHEN)
    t.equal(t.readlink(b"long link"), b"./" * 500 + b"owned")
    t.equal(t.read_file(b"link"), b"mine")
    for name, value in pairs:
        t.equal(t.getxattr(b"noted", name), value)
    t.equal(sorted(t.listxattr(b"noted dir")), [b"user.long", b"user.short"])


def populated_with_flags(t: Scenario) -> None:
    """File flags, where they are kept: what is immutable has all its contents all the same."""
    fd = t.open(b".", abi.O_RDONLY)
    row = _row(b"f", b"data", flags=abi.SF_IMMUTABLE)
    if not t.capabilities.flags & abi.SF_IMMUTABLE:
        t.equal(t.rump_populate(fd, (row,)), (e.EOPNOTSUPP,))
    else:
        t.equal(t.rump_populate(fd, (row,)), (0,))
        t.equal(t.read_file(b"f"), b"data")
        t.expect(e.EPERM, t.open, b"f", abi.O_WRONLY)
        t.chflags(b"f", 0)
    t.close(fd)


def populate_errors(t: Scenario) -> None:
    """Each row has its own errno; the others are made all the same."""
    t.write_file(b"there", b"old")
    fd = t.open(b".", abi.O_RDONLY)
    rows = (
        _row(b"first", b"1"),
        _row(b"there", b"new"),
        _row(b"twice", b"1"),
        _row(b"twice", b"2"),
        _row(b"a/b"),
        _row(b""),
        _row(b"."),
        _row(b"n" * (t.capabilities.name_max + 1)),
        _row(b"bad", mode=0o644),
        _row(b"late", mtime=t.capabilities.time_max + SECOND),
        _row(b"last", b"2"),
    )
    wanted = (0, e.EEXIST, 0, e.EEXIST, e.EINVAL, e.EINVAL, e.EEXIST, e.ENAMETOOLONG, e.EINVAL, e.EINVAL, 0)
    t.equal(t.rump_populate(fd, rows), wanted)
    t.equal([t.read_file(name) for name in (b"first", b"there", b"twice", b"last")], [b"1", b"old", b"1", b"2"])
    t.expect(e.ENOENT, t.stat, b"late")
    t.close(fd)
    t.expect(e.EBADF, t.rump_populate, fd, rows)
    fd = t.open(b"first", abi.O_RDWR)
    t.expect(e.ENOTDIR, t.rump_populate, fd, rows)
    t.close(fd)


def populate_permissions(t: Scenario) -> None:
    """EACCES in directories of others; EPERM for rows that are not one's own to make; ENOENT in one that is gone."""
    t.needs("permissions", "owners")
    t.mkdir(b"home", 0o755)
    t.chown(b"home", 1000, 1000)
    user = t.process(1000)
    fd = user.open(b".", abi.O_RDONLY)
    user.expect(e.EACCES, user.rump_populate, fd, (_row(b"x", uid=1000, gid=1000),))
    user.close(fd)
    fd = user.open(b"home", abi.O_RDONLY)
    rows = (
        _row(b"mine", b"x", uid=1000, gid=1000),
        _row(b"root's", uid=0, gid=1000),
        _row(b"group's", uid=1000, gid=0),
        _row(b"device", mode=abi.S_IFCHR | 0o600, uid=1000, gid=1000),
    )
    t.equal(user.rump_populate(fd, rows), (0, e.EPERM, e.EPERM, e.EPERM))
    t.equal(user.names(b"home"), [b"mine"])
    user.unlink(b"home/mine")
    t.rmdir(b"home")
    user.expect(e.ENOENT, user.rump_populate, fd, rows)
    user.close(fd)


def populated_until_full(t: Scenario) -> None:
    """ENOSPC for what does not fit; what does is whole, and nothing is left of what does not."""
    free = t.statvfs(b".")
    size = free.f_bfree * free.f_frsize // 10
    fd = t.open(b".", abi.O_RDONLY)
    errors = t.rump_populate(fd, tuple(_row(b"%02d" % number, b"x" * size) for number in range(14)))
    t.true(set(errors) == {0, e.ENOSPC}, "all of them, or none")
    made = [b"%02d" % number for number, error in enumerate(errors) if not error]
    t.true(8 <= len(made) <= 10, "there was room for about ten")
    t.equal(sorted(t.names(b".")), made)
    for name in made:
        t.equal(t.stat(name).st_size, size)
    t.equal(t.read_file(made[-1], 10), b"x" * 10)
    t.close(fd)


def populated_and_kept(t: Scenario) -> None:
    """After an unmount everything is there."""
    t.needs("persistent")
    fd = t.open(b".", abi.O_RDONLY)
    rows = tuple(_row(b"f%02d" % number, pattern(number * 300)) for number in range(30))
    t.equal(t.rump_populate(fd, (*rows, _row(b"d", mode=DIR | 0o755))), (0,) * 31)
    t.close(fd)
    t.remount()
    for number in range(0, 30, 7):
        t.equal(t.read_file(b"f%02d" % number), pattern(number * 300))
        t.equal(t.stat(b"f%02d" % number).st_mtime_ns, WHEN)
    t.equal(t.stat(b"d").st_mode, DIR | 0o755)
