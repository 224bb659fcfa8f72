# SPDX-License-Identifier: BSD-2-Clause
"""Paths and names: limits, slashes, dots, symbolic links on the way (POSIX "Pathname Resolution", namei(9))."""

from __future__ import annotations

from rump.conformance.scenario import AT, Scenario, abi, e, reading


def empty_path(t: Scenario) -> None:
    """An empty path names nothing: ENOENT from every call."""
    for call in (t.stat, t.lstat, t.unlink, t.rmdir, t.chdir, t.readlink):
        t.expect(e.ENOENT, call, b"")
    t.expect(e.ENOENT, t.open, b"", abi.O_RDONLY)
    t.expect(e.ENOENT, t.mkdir, b"", 0o755)
    t.expect(e.ENOENT, t.rename, b"", b"x")


def longest_name(t: Scenario) -> None:
    """A name of name_max bytes is made and found; one byte more is ENAMETOOLONG."""
    most = t.capabilities.name_max
    longest = "\u20ac".encode() * (most // 3) if t.has("utf16_names") else b"l" * most
    t.write_file(longest, b"x")
    t.equal(t.names(b"."), [longest])
    t.equal(t.stat(longest).st_size, 1)
    t.unlink(longest)


def name_too_long(t: Scenario) -> None:
    """ENAMETOOLONG from every call that takes a name, on the way as well as at its end."""
    name = b"l" * (t.capabilities.name_max + 1)
    for path in (name, name + b"/x"):
        t.expect(e.ENAMETOOLONG, t.stat, path)
        t.expect(e.ENAMETOOLONG, t.open, path, abi.O_RDWR | abi.O_CREAT)
        t.expect(e.ENAMETOOLONG, t.mkdir, path, 0o755)
        t.expect(e.ENAMETOOLONG, t.unlink, path)
        t.expect(e.ENAMETOOLONG, t.rmdir, path)
    t.write_file(b"a")
    t.expect(e.ENAMETOOLONG, t.rename, b"a", name)
    t.expect(e.ENAMETOOLONG, t.link, b"a", name)
    t.expect(e.ENAMETOOLONG, t.symlink, b"a", name)


@reading
def path_too_long(t: Scenario) -> None:
    """A path of PATH_MAX bytes is ENAMETOOLONG; one byte less is resolved."""
    t.equal(t.stat(b"./" * (abi.PATH_MAX // 2 - 3) + b"small").st_size, 6)
    t.expect(e.ENAMETOOLONG, t.stat, b"." + b"/" * (abi.PATH_MAX - 1))
    t.expect(e.ENAMETOOLONG, t.open, b"/" * abi.PATH_MAX, abi.O_RDONLY)


@reading
def nul_in_path(t: Scenario) -> None:
    """A NUL byte cannot be in a path: EINVAL."""
    t.expect(e.EINVAL, t.stat, b"small\0")
    t.expect(e.EINVAL, t.open, b"\0", abi.O_RDONLY)


@reading
def slashes_are_one(t: Scenario) -> None:
    """Several slashes count as one, and a directory may have some at its end."""
    number = t.stat(b"dir/sub").st_ino
    for path in (b"dir//sub", b"./dir///sub//", b"dir/./sub/.", b"dir/sub/deeper/..", b"/mnt//dir/sub"):
        t.equal(t.stat(path).st_ino, number)


@reading
def slash_behind_a_file(t: Scenario) -> None:
    """A trailing slash wants a directory: ENOTDIR for anything else."""
    t.expect(e.ENOTDIR, t.stat, b"small/")
    t.expect(e.ENOTDIR, t.lstat, b"small/")
    t.expect(e.ENOTDIR, t.open, b"small/", abi.O_RDONLY)
    t.expect(e.ENOTDIR, t.stat, b"small/.")
    t.expect(e.ENOENT, t.stat, b"missing/")


@reading
def file_on_the_way(t: Scenario) -> None:
    """ENOTDIR when a file stands where a directory must be."""
    for call in (t.stat, t.lstat, t.chdir, t.readlink, t.statvfs):
        t.expect(e.ENOTDIR, call, b"small/x")
    t.expect(e.ENOTDIR, t.open, b"small/x/y", abi.O_RDONLY)
    t.expect(e.ENOTDIR, t.access, b"small/../small", abi.F_OK)


@reading
def missing_on_the_way(t: Scenario) -> None:
    """ENOENT when a directory on the way is not there, and again when asked again."""
    for _ in range(2):
        t.expect(e.ENOENT, t.stat, b"missing/x")
        t.expect(e.ENOENT, t.stat, b"missing")
        t.expect(e.ENOENT, t.stat, b"dir/missing")


@reading
def dot_dot(t: Scenario) -> None:
    """".." is the parent; at the mount's root it leads out of it."""
    top = t.stat(b".")
    t.equal(t.stat(b"dir/sub/../..").st_ino, top.st_ino)
    t.equal(t.stat(b"dir/..").st_dev, top.st_dev)
    t.true(t.stat(b"..").st_dev != top.st_dev, "still on the file system under test")
    t.equal(t.stat(b"../mnt").st_dev, top.st_dev)


@reading
def byte_names(t: Scenario) -> None:
    """Names are bytes: one that is no UTF-8 is listed and found as it is."""
    t.needs("byte_names")
    t.true(b"caf\xe9" in t.names(b"."), "not listed")
    t.equal(t.read_file(b"caf\xe9"), b"latin-1\n")


@reading
def utf8_name(t: Scenario) -> None:
    """A name in UTF-8 comes back byte for byte."""
    name = "gr\u00fc\u00dfe".encode()
    t.true(name in t.names(b"."), "not listed")
    t.equal(t.read_file(name), b"utf-8\n")


@reading
def long_name_read(t: Scenario) -> None:
    """The longest names of others' making are found."""
    name = b"n" * 255
    if name in t.tree:
        t.true(name in t.names(b"."), "not listed")
        t.equal(t.read_file(name), b"long\n")
    else:
        t.expect(e.ENAMETOOLONG, t.stat, name)


@reading
def case(t: Scenario) -> None:
    """Names that differ in case only: two names, or one, as the file system declares."""
    t.equal(t.read_file(b"Mixed Case.Text"), b"mixed\n")
    if t.has("case_sensitive"):
        t.expect(e.ENOENT, t.stat, b"mixed case.text")
    else:
        t.equal(t.read_file(b"mIXED case.TEXT"), b"mixed\n")
        t.equal(t.stat(b"MIXED CASE.TEXT").st_ino, t.stat(b"Mixed Case.Text").st_ino)
    t.expect(e.ENOENT, t.stat, b"Mixed Case.Texts")


def case_of_new_names(t: Scenario) -> None:
    """Making, replacing and removing names that differ in case only."""
    t.write_file(b"Name", b"1")
    if t.has("case_sensitive"):
        t.expect(e.ENOENT, t.stat, b"NAME")
        t.mkdir(b"NAME", 0o755)
        t.equal(sorted(t.names(b".")), [b"NAME", b"Name"])
        return
    t.expect(e.EEXIST, t.mkdir, b"NAME", 0o755)
    t.expect(e.EEXIST, t.open, b"nAME", abi.O_CREAT | abi.O_EXCL)
    t.write_file(b"name", b"22")
    t.equal(t.names(b"."), [b"Name"])
    t.unlink(b"NAME")
    for name in (b"Name", b"name", b"nAME"):
        t.expect(e.ENOENT, t.stat, name)


def missing_then_made(t: Scenario) -> None:
    """A name found missing is found when it has been made - by mkdir, open, link, symlink and rename."""
    made = [b"dir", b"file", b"moved"]
    for name in made:
        t.expect(e.ENOENT, t.stat, name)
        t.expect(e.ENOENT, t.stat, name.upper())
    t.mkdir(b"dir", 0o755)
    t.write_file(b"file")
    t.rename(b"file", b"moved")
    t.stat(b"dir")
    t.stat(b"moved")
    t.expect(e.ENOENT, t.stat, b"file")


def at_forms(t: Scenario) -> None:
    """The `at` calls start at a directory's descriptor; AT_FDCWD is the working directory; absolute paths ignore it."""
    t.mkdir(b"d", 0o755)
    fd = t.open(b"d", abi.O_RDONLY | abi.O_DIRECTORY)
    t.mkdirat(fd, b"sub", 0o755)
    t.close(t.openat(fd, b"sub/f", abi.O_WRONLY | abi.O_CREAT, 0o600))
    t.renameat(fd, b"sub/f", AT, b"g")
    t.fstatat(AT, b"g")
    t.fstatat(fd, b"/mnt/g")
    t.expect(e.ENOENT, t.fstatat, fd, b"g")
    t.unlinkat(fd, b"sub", abi.AT_REMOVEDIR)
    t.unlinkat(AT, b"g")
    t.close(fd)


@reading
def at_errors(t: Scenario) -> None:
    """EBADF for a descriptor that is not open, ENOTDIR for one of a file, EINVAL for flags there are not."""
    fd = t.open(b"small", abi.O_RDONLY)
    t.expect(e.ENOTDIR, t.fstatat, fd, b"x")
    t.expect(e.ENOTDIR, t.openat, fd, b"x", abi.O_RDONLY)
    t.close(fd)
    t.expect(e.EBADF, t.fstatat, fd, b"x")
    t.expect(e.EBADF, t.faccessat, 99, b"x", abi.F_OK)
    t.expect(e.EINVAL, t.fstatat, AT, b"small", 0x10000)
    t.expect(e.EINVAL, t.unlinkat, AT, b"small", 0x10000)
    t.fstatat(fd, b"/mnt/small")


def removed_directory(t: Scenario) -> None:
    """In a directory that was removed nothing is found or made: ENOENT; its descriptor still works."""
    t.mkdir(b"d", 0o755)
    fd = t.open(b"d", abi.O_RDONLY)
    t.rmdir(b"d")
    t.equal(t.fstat(fd).st_nlink, 0)
    t.expect(e.ENOENT, t.openat, fd, b"x", abi.O_WRONLY | abi.O_CREAT)
    t.expect(e.ENOENT, t.mkdirat, fd, b"x", 0o755)
    t.expect(e.ENOENT, t.fstatat, fd, b"x")
    t.close(fd)
