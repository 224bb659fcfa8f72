# SPDX-License-Identifier: BSD-2-Clause
"""rename(2), in all its cases (POSIX rename())."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e


def to_a_new_name(t: Scenario) -> None:
    """The file keeps its number and contents; the old name is gone."""
    t.write_file(b"a", b"contents")
    number = t.stat(b"a").st_ino
    t.pass_time(10**9)
    t.rename(b"a", b"b")
    t.expect(e.ENOENT, t.stat, b"a")
    t.equal(t.stat(b"b").st_ino, number)
    t.equal(t.read_file(b"b"), b"contents")
    t.stat(b".")


def over_a_file(t: Scenario) -> None:
    """The file that had the name loses it at once; who has it open keeps it."""
    t.write_file(b"a", b"new")
    t.write_file(b"b", b"old")
    fd = t.open(b"b", abi.O_RDONLY)
    t.rename(b"a", b"b")
    t.equal(t.read_file(b"b"), b"new")
    t.equal(t.read(fd, 10), b"old")
    t.equal(t.fstat(fd).st_nlink, 0)
    t.close(fd)
    t.equal(t.names(b"."), [b"b"])


def over_directory(t: Scenario) -> None:
    """An empty directory is replaced by a directory."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"b", 0o755)
    t.write_file(b"a/inside")
    number = t.stat(b"a").st_ino
    t.rename(b"a", b"b")
    t.equal(t.stat(b"b").st_ino, number)
    t.stat(b"b/inside")
    t.equal(t.stat(b".").st_nlink, 1 if t.has("one_link") else 3)


def over_full_directory(t: Scenario) -> None:
    """ENOTEMPTY when the directory to be replaced has something in it; nothing has changed."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"b", 0o755)
    t.write_file(b"b/inside")
    t.expect(e.ENOTEMPTY, t.rename, b"a", b"b")
    t.stat(b"a")
    t.stat(b"b/inside")


def file_over_directory(t: Scenario) -> None:
    """EISDIR: a file does not replace a directory, empty or not."""
    t.write_file(b"a")
    t.mkdir(b"b", 0o755)
    t.expect(e.EISDIR, t.rename, b"a", b"b")
    t.stat(b"a")


def directory_over_file(t: Scenario) -> None:
    """ENOTDIR: a directory does not replace a file."""
    t.mkdir(b"a", 0o755)
    t.write_file(b"b")
    t.expect(e.ENOTDIR, t.rename, b"a", b"b")
    t.expect(e.ENOTDIR, t.rename, b"a", b"b/c")


def to_itself(t: Scenario) -> None:
    """A name onto itself: nothing happens."""
    t.write_file(b"a")
    t.mkdir(b"d", 0o755)
    t.pass_time(10**9)
    t.rename(b"a", b"a")
    t.rename(b"d", b"d")
    t.rename(b"d/../a", b"a")
    t.stat(b"a")
    t.stat(b"d")


def onto_another_name_of_it(t: Scenario) -> None:
    """Two names of one file: rename does nothing, both stay."""
    t.needs("hard_links")
    t.write_file(b"a")
    t.link(b"a", b"b")
    t.rename(b"a", b"b")
    t.equal(sorted(t.names(b".")), [b"a", b"b"])
    t.equal(t.stat(b"a").st_nlink, 2)


def spelling(t: Scenario) -> None:
    """A rename that changes only case changes the spelling, or makes another name."""
    t.write_file(b"name", b"x")
    t.rename(b"name", b"NAME")
    t.equal(t.names(b"."), [b"NAME"])
    t.equal(t.read_file(b"NAME"), b"x")
    if t.has("case_sensitive"):
        t.expect(e.ENOENT, t.stat, b"name")
    else:
        t.stat(b"name")
    t.mkdir(b"dir", 0o755)
    t.rename(b"dir", b"Dir")
    t.equal(sorted(t.names(b".")), [b"Dir", b"NAME"])


def into_itself(t: Scenario) -> None:
    """EINVAL: a directory does not move below itself."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"a/b", 0o755)
    t.mkdir(b"a/b/c", 0o755)
    t.expect(e.EINVAL, t.rename, b"a", b"a/x")
    t.expect(e.EINVAL, t.rename, b"a", b"a/b/c/x")
    t.expect(e.EINVAL, t.rename, b"a", b"a/b/c")
    t.expect(e.ENOTEMPTY, t.rename, b"a/b/c", b"a")


def dots(t: Scenario) -> None:
    """EINVAL: "." and ".." are not renamed, nor replaced."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"a/b", 0o755)
    t.write_file(b"f")
    t.expect(e.EINVAL, t.rename, b"a/.", b"x")
    t.expect(e.EINVAL, t.rename, b"a/b/..", b"x")
    t.expect(e.EINVAL, t.rename, b".", b"x")
    t.expect(e.EINVAL, t.rename, b"a/b", b"a/.")


def directory_moves(t: Scenario) -> None:
    """A directory in another place: "..", link counts and getcwd follow."""
    for path in (b"a", b"a/d", b"a/d/e", b"b"):
        t.mkdir(path, 0o755)
    t.chdir(b"a/d/e")
    t.rename(b"/mnt/a/d", b"/mnt/b/moved")
    t.equal(t.getcwd(), b"/mnt/b/moved/e")
    t.equal(t.stat(b"../..").st_ino, t.stat(b"/mnt/b").st_ino)
    links = (1, 1) if t.has("one_link") else (2, 3)
    t.equal((t.stat(b"/mnt/a").st_nlink, t.stat(b"/mnt/b").st_nlink), links)
    t.chdir(b"/mnt")
    t.expect(e.ENOENT, t.stat, b"a/d/e")
    t.stat(b"b/moved/e")


def missing(t: Scenario) -> None:
    """ENOENT: the old name, or a directory on either way, is missing."""
    t.write_file(b"a")
    t.expect(e.ENOENT, t.rename, b"x", b"y")
    t.expect(e.ENOENT, t.rename, b"x", b"x")
    t.expect(e.ENOENT, t.rename, b"a", b"x/y")
    t.expect(e.ENOENT, t.rename, b"x/a", b"b")
    t.expect(e.ENOTDIR, t.rename, b"a/b", b"c")
    t.stat(b"a")


def slash_at_the_end(t: Scenario) -> None:
    """A slash behind the new name of a directory is fine, behind a file's it is not."""
    t.mkdir(b"d", 0o755)
    t.write_file(b"f")
    t.rename(b"d/", b"e/")
    t.expect(e.ENOTDIR, t.rename, b"f/", b"g")
    t.expect(e.ENOENT, t.rename, b"f", b"g/")
    t.expect(e.ENOTDIR, t.rename, b"e", b"f/")


def across_mounts(t: Scenario) -> None:
    """EXDEV: the other name is on another file system."""
    t.write_file(b"a")
    t.mkdir(b"d", 0o755)
    t.expect(e.EXDEV, t.rename, b"a", b"/tmp/a")
    t.expect(e.EXDEV, t.rename, b"d", b"/tmp/d")
    t.expect(e.EXDEV, t.renameat, AT, b"a", AT, b"../a")


def mount_point(t: Scenario) -> None:
    """EBUSY: what is mounted on is not renamed or replaced."""
    t.mkdir(b"d", 0o755)
    t.mkdir(b"e", 0o755)
    t.mount("tmpfs", b"d")
    t.expect(e.EBUSY, t.rename, b"d", b"x")
    t.expect(e.EBUSY, t.rename, b"e", b"d")
    t.unmount(b"d")
    t.rename(b"e", b"d")


def symbolic_link(t: Scenario) -> None:
    """A symbolic link itself moves, and is itself replaced."""
    t.needs("symlinks")
    t.write_file(b"file", b"1")
    t.symlink(b"file", b"link")
    t.rename(b"link", b"moved")
    t.equal(t.readlink(b"moved"), b"file")
    t.write_file(b"new", b"2")
    t.rename(b"new", b"moved")
    t.equal(t.read_file(b"moved"), b"2")
    t.equal(t.read_file(b"file"), b"1")


def permissions(t: Scenario) -> None:
    """EACCES: both directories must be writable; a directory that moves, too, for its ".." changes."""
    t.needs("permissions", "owners")
    for path, mode in ((b"open", 0o777), (b"shut", 0o755)):
        t.mkdir(path, 0o755)
        t.chmod(path, mode)
        t.write_file(path + b"/f")
        t.mkdir(path + b"/d", 0o755)
    user = t.process(1000)
    user.expect(e.EACCES, user.rename, b"shut/f", b"open/x")
    user.expect(e.EACCES, user.rename, b"open/f", b"shut/x")
    user.expect(e.EACCES, user.rename, b"open/f", b"shut/f")
    user.rename(b"open/f", b"open/x")
    user.rename(b"open/d", b"open/y")
    t.mkdir(b"open/z", 0o755)
    user.expect(e.EACCES, user.rename, b"open/y", b"open/z/y")


def sticky(t: Scenario) -> None:
    """EPERM: in a sticky directory one renames only what is one's own, and replaces only that."""
    t.needs("permissions", "owners")
    t.mkdir(b"s", 0o755)
    t.chmod(b"s", 0o1777)
    for name, uid in ((b"s/mine", 1000), (b"s/his", 1001)):
        t.write_file(name)
        t.chown(name, uid, 0)
    user = t.process(1000)
    user.expect(e.EPERM, user.rename, b"s/his", b"s/x")
    user.expect(e.EPERM, user.rename, b"s/mine", b"s/his")
    user.rename(b"s/mine", b"s/x")


def exchange_in_three(t: Scenario) -> None:
    """Names swapped by way of a third lead to the right files, whatever was cached."""
    t.write_file(b"a", b"A")
    t.write_file(b"b", b"B")
    for old, new in ((b"a", b"tmp"), (b"b", b"a"), (b"tmp", b"b")):
        t.rename(old, new)
        t.expect(e.ENOENT, t.stat, old)
    t.equal((t.read_file(b"a"), t.read_file(b"b")), (b"B", b"A"))
