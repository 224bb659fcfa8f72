# SPDX-License-Identifier: BSD-2-Clause
"""link(2), unlink(2), symlink(2), readlink(2)."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e, reading


def link_counts(t: Scenario) -> None:
    """Every name counts; the last one to go takes the file along."""
    t.write_file(b"a", b"x")
    t.without("hard_links", e.EOPNOTSUPP, t.link, b"a", b"b")
    t.pass_time(10**9)
    t.link(b"a", b"b")
    t.equal((t.stat(b"a").st_nlink, t.stat(b"b").st_nlink), (2, 2))
    t.equal(t.stat(b"a").st_ino, t.stat(b"b").st_ino)
    t.unlink(b"a")
    t.equal(t.stat(b"b").st_nlink, 1)
    t.equal(t.read_file(b"b"), b"x")
    t.unlink(b"b")
    t.expect(e.ENOENT, t.stat, b"b")


def link_errors(t: Scenario) -> None:
    """EEXIST, ENOENT, ENOTDIR, EXDEV; EPERM for directories."""
    t.needs("hard_links")
    t.write_file(b"a")
    t.mkdir(b"d", 0o755)
    t.expect(e.EEXIST, t.link, b"a", b"a")
    t.expect(e.EEXIST, t.link, b"a", b"d")
    t.expect(e.ENOENT, t.link, b"x", b"y")
    t.expect(e.ENOENT, t.link, b"a", b"x/y")
    t.expect(e.ENOTDIR, t.link, b"a", b"a/y")
    t.expect(e.EPERM, t.link, b"d", b"e")
    t.expect(e.EXDEV, t.link, b"a", b"/tmp/a")
    t.equal(t.stat(b"a").st_nlink, 1)


def link_follows(t: Scenario) -> None:
    """link(2) follows a symbolic link, linkat(2) only when told."""
    t.needs("hard_links", "symlinks")
    t.write_file(b"a")
    t.symlink(b"a", b"s")
    t.link(b"s", b"b")
    t.equal(t.lstat(b"b").st_ino, t.stat(b"a").st_ino)
    t.linkat(AT, b"s", AT, b"c")
    t.equal(t.readlink(b"c"), b"a")
    t.linkat(AT, b"s", AT, b"d", abi.AT_SYMLINK_FOLLOW)
    t.equal(t.stat(b"a").st_nlink, 3)


def link_permissions(t: Scenario) -> None:
    """EACCES: the directory must be writable."""
    t.needs("hard_links", "permissions")
    t.write_file(b"a")
    user = t.process(1000)
    user.expect(e.EACCES, user.link, b"a", b"b")


def unlink_open_file(t: Scenario) -> None:
    """A file without a name lives on while it is open, and can be written."""
    fd = t.open(b"a", abi.O_RDWR | abi.O_CREAT)
    t.unlink(b"a")
    t.write(fd, b"still here")
    t.equal(t.pread(fd, 20, 0), b"still here")
    t.equal(t.fstat(fd).st_nlink, 0)
    t.write_file(b"a", b"another")
    t.equal(t.pread(fd, 20, 0), b"still here")
    t.close(fd)


def unlink_errors(t: Scenario) -> None:
    """ENOENT, ENOTDIR; EPERM for a directory."""
    t.write_file(b"f")
    t.mkdir(b"d", 0o755)
    t.expect(e.ENOENT, t.unlink, b"x")
    t.expect(e.ENOENT, t.unlink, b"x/y")
    t.expect(e.ENOTDIR, t.unlink, b"f/y")
    t.expect(e.ENOTDIR, t.unlink, b"f/")
    t.expect(e.EPERM, t.unlink, b"d")
    t.expect(e.EPERM, t.unlink, b".")


def unlink_gives_space_back(t: Scenario) -> None:
    """Blocks and the file itself are free again after the last close."""
    before = t.statvfs(b".")
    fd = t.open(b"a", abi.O_RDWR | abi.O_CREAT)
    t.write(fd, bytes(50_000))
    t.unlink(b"a")
    t.true(t.statvfs(b".").f_bfree < before.f_bfree, "the space went before the last close")
    t.close(fd)
    t.equal(t.statvfs(b"."), before)


def symlink_target(t: Scenario) -> None:
    """The target is kept byte for byte, and its length is the link's size."""
    t.without("symlinks", e.EOPNOTSUPP, t.symlink, b"target", b"s")
    for number, target in enumerate((b"t", b"/abs/olute", b"\xff\xfe \n", b"x/" * 500 + b"x")):
        name = b"s%d" % number
        t.symlink(target, name)
        t.equal(t.readlink(name), target)
        t.equal(t.lstat(name).st_size, len(target))


def symlink_errors(t: Scenario) -> None:
    """EEXIST, ENOENT for an empty target, ENAMETOOLONG for one of PATH_MAX bytes, EINVAL for a NUL byte."""
    t.needs("symlinks")
    t.write_file(b"f")
    t.expect(e.EEXIST, t.symlink, b"x", b"f")
    t.expect(e.ENOENT, t.symlink, b"", b"s")
    t.expect(e.ENAMETOOLONG, t.symlink, b"x" * abi.PATH_MAX, b"s")
    t.expect(e.EINVAL, t.symlink, b"x\0y", b"s")
    t.expect(e.ENOENT, t.symlink, b"x", b"missing/s")
    t.expect(e.ENOTDIR, t.symlink, b"x", b"f/s")
    t.expect(e.ENOENT, t.symlink, b"x", b"s/")


def create_through_dangling(t: Scenario) -> None:
    """O_CREAT makes the file a dangling symbolic link points to; O_EXCL refuses: EEXIST."""
    t.needs("symlinks")
    t.mkdir(b"d", 0o755)
    t.symlink(b"d/new", b"s")
    t.expect(e.EEXIST, t.open, b"s", abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL)
    t.expect(e.ENOENT, t.stat, b"d/new")
    t.write_file(b"s", b"through")
    t.equal(t.read_file(b"d/new"), b"through")
    t.expect(e.EEXIST, t.mkdir, b"s", 0o755)


def symlink_to_directory(t: Scenario) -> None:
    """A link to a directory works on the way; with a slash behind it is the directory; rmdir refuses it."""
    t.needs("symlinks")
    t.mkdir(b"d", 0o755)
    t.symlink(b"d", b"s")
    t.write_file(b"s/f", b"x")
    t.equal(t.read_file(b"d/f"), b"x")
    t.equal(t.lstat(b"s/").st_ino, t.stat(b"d").st_ino)
    t.expect(e.ENOTDIR, t.rmdir, b"s")
    t.unlink(b"s")
    t.stat(b"d/f")


@reading
def readlink_errors(t: Scenario) -> None:
    """EINVAL for what is no symbolic link; ENOENT."""
    t.expect(e.EINVAL, t.readlink, b"small")
    t.expect(e.EINVAL, t.readlink, b"dir")
    t.expect(e.ENOENT, t.readlink, b"missing")
    t.expect(e.EINVAL, t.readlinkat, AT, b".")


@reading
def symlinks_read(t: Scenario) -> None:
    """Short and long targets, kept in the inode or in a block."""
    t.needs("symlinks")
    for name in (b"fast", b"slow", b"dangling", b"loop", b"absolute"):
        entry = t.tree[name]
        t.equal(t.readlink(name), entry.target)
        t.equal(t.lstat(name).st_size, len(entry.target))
    t.equal(t.stat(b"fast").st_ino, t.stat(b"dir/sub").st_ino)
    t.equal(t.read_file(b"slow"), b"hello\n")
    t.equal(t.stat(b"absolute/sub").st_ino, t.stat(b"dir/sub").st_ino)


@reading
def dangling(t: Scenario) -> None:
    """ENOENT through a link to nowhere; the link itself is there."""
    t.needs("symlinks")
    t.expect(e.ENOENT, t.stat, b"dangling")
    t.expect(e.ENOENT, t.open, b"dangling", abi.O_RDONLY)
    t.expect(e.ENOENT, t.stat, b"dangling/x")
    t.lstat(b"dangling")
    t.fstatat(AT, b"dangling", abi.AT_SYMLINK_NOFOLLOW)


@reading
def endless_link(t: Scenario) -> None:
    """ELOOP: a link to itself is followed MAXSYMLINKS times at most."""
    t.needs("symlinks")
    for call in (t.stat, t.chdir, t.statvfs):
        t.expect(e.ELOOP, call, b"loop")
    t.expect(e.ELOOP, t.open, b"loop", abi.O_RDONLY)
    t.expect(e.ELOOP, t.stat, b"loop/x")
    t.lstat(b"loop")


@reading
def hard_links_read(t: Scenario) -> None:
    """Two names of one file, of others' making."""
    t.needs("hard_links")
    first, second = t.stat(b"hard1"), t.stat(b"dir/hard2")
    t.equal((first.st_ino, first.st_nlink), (second.st_ino, 2))
    t.equal(t.read_file(b"dir/hard2"), b"two names\n")


@reading
def no_follow(t: Scenario) -> None:
    """O_NOFOLLOW on a symbolic link is ELOOP; elsewhere it changes nothing."""
    t.close(t.open(b"small", abi.O_RDONLY | abi.O_NOFOLLOW))
    t.needs("symlinks")
    t.expect(e.ELOOP, t.open, b"slow", abi.O_RDONLY | abi.O_NOFOLLOW)
    t.close(t.open(b"fast/deeper/file", abi.O_RDONLY | abi.O_NOFOLLOW))


def chain_of_links(t: Scenario) -> None:
    """MAXSYMLINKS links in a row are followed; one more is ELOOP."""
    t.needs("symlinks")
    t.write_file(b"l0", b"end")
    for number in range(abi.MAXSYMLINKS + 1):
        t.symlink(b"l%d" % number, b"l%d" % (number + 1))
    t.equal(t.read_file(b"l%d" % abi.MAXSYMLINKS), b"end")
    t.expect(e.ELOOP, t.stat, b"l%d" % (abi.MAXSYMLINKS + 1))


def circle_of_two(t: Scenario) -> None:
    """ELOOP: two links to one another, at the end or on the way."""
    t.needs("symlinks")
    t.symlink(b"b", b"a")
    t.symlink(b"a", b"b")
    t.expect(e.ELOOP, t.stat, b"a")
    t.expect(e.ELOOP, t.mkdir, b"a/x", 0o755)
    t.expect(e.ELOOP, t.open, b"b", abi.O_WRONLY | abi.O_CREAT)
    t.unlink(b"a")
    t.expect(e.ENOENT, t.stat, b"b")
