# SPDX-License-Identifier: BSD-2-Clause
"""mkdir(2), rmdir(2), getdents(2), and what directories say of themselves."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading, v


def make_and_remove(t: Scenario) -> None:
    """A new directory is empty, has two links, and adds one to its parent; removing it takes that away."""
    t.pass_time(10**9)
    t.mkdir(b"d", 0o750)
    counted = not t.has("one_link")
    t.equal((t.stat(b"d").st_nlink, t.stat(b".").st_nlink), (2, 3) if counted else (1, 1))
    t.equal(t.names(b"d"), [])
    t.pass_time(10**9)
    t.rmdir(b"d")
    t.equal(t.stat(b".").st_nlink, 2 if counted else 1)


def make_errors(t: Scenario) -> None:
    """EEXIST for whatever is there, ENOENT and ENOTDIR on the way."""
    t.mkdir(b"d", 0o755)
    t.write_file(b"f")
    for name in (b"d", b"d/", b"f", b".", b"..", b"d/..", b"/"):
        t.expect(e.EEXIST, t.mkdir, name, 0o755)
    t.expect(e.ENOENT, t.mkdir, b"x/y", 0o755)
    t.expect(e.ENOTDIR, t.mkdir, b"f/y", 0o755)
    t.mkdir(b"new/", 0o755)


def remove_errors(t: Scenario) -> None:
    """ENOTEMPTY, ENOTDIR, ENOENT; EINVAL for "."."""
    t.mkdir(b"d", 0o755)
    t.mkdir(b"d/e", 0o755)
    t.write_file(b"f")
    t.expect(e.ENOTEMPTY, t.rmdir, b"d")
    t.expect(e.ENOTDIR, t.rmdir, b"f")
    t.expect(e.ENOENT, t.rmdir, b"x")
    t.expect(e.EINVAL, t.rmdir, b"d/e/.")
    t.expect(e.ENOTEMPTY, t.rmdir, b"d/e/..")
    t.rmdir(b"d/e/")
    t.rmdir(b"d")


def remove_roots(t: Scenario) -> None:
    """EBUSY: the root of a mount, and the root of all."""
    t.expect(e.EBUSY, t.rmdir, b"/mnt")
    t.expect(e.EBUSY, t.rmdir, b"/")
    t.expect(e.EINVAL, t.rmdir, b".")


def umask(t: Scenario) -> None:
    """The umask takes its bits from new files and directories, and says what it was."""
    t.needs("permissions")
    t.equal(t.umask(0o077), 0o022)
    t.mkdir(b"d", 0o777)
    t.write_file(b"f", mode=0o666)
    t.equal(t.umask(0o7777), 0o077)
    t.equal(t.umask(0o022), 0o777)
    t.equal((t.stat(b"d").st_mode & 0o7777, t.stat(b"f").st_mode & 0o7777), (0o700, 0o600))


def group_of_the_directory(t: Scenario) -> None:
    """New files belong to the caller and to the directory's group, as BSD has it."""
    t.needs("owners", "permissions")
    t.mkdir(b"d", 0o755)
    t.chown(b"d", 1000, 77)
    user = t.process(1000, 100)
    user.write_file(b"d/f")
    user.mkdir(b"d/sub", 0o755)
    t.equal((t.stat(b"d/f").st_uid, t.stat(b"d/f").st_gid), (1000, 77))
    t.equal((t.stat(b"d/sub").st_uid, t.stat(b"d/sub").st_gid), (1000, 77))


def listing_under_unlink(t: Scenario) -> None:
    """What was there all along is listed once, though everything listed is removed on the way."""
    for number in range(30):
        t.write_file(b"f%02d" % number)
    fd = t.open(b".", abi.O_RDONLY)
    seen: list[bytes] = []
    while rows := t.getdents(fd, 7):
        for name in [row[0] for row in rows if row[0] not in (b".", b"..")]:
            seen.append(name)
            t.unlink(name)
    t.close(fd)
    t.equal(sorted(seen), [b"f%02d" % number for number in range(30)])
    t.equal(t.names(b"."), [])


def listing_under_insert(t: Scenario) -> None:
    """What was there all along is listed once, though names come and go meanwhile."""
    for number in range(20):
        t.write_file(b"f%02d" % number)
    fd = t.open(b".", abi.O_RDONLY)
    seen: list[bytes] = []
    extra = 0
    while (rows := t.getdents(fd, 6)) and extra < 50:
        seen += [row[0] for row in rows]
        t.write_file(b"new%d" % extra)
        if extra:
            t.unlink(b"new%d" % (extra - 1))
        extra += 1
    t.close(fd)
    t.equal(sorted(name for name in seen if name[:1] == b"f"), [b"f%02d" % number for number in range(20)])


@reading
def listing(t: Scenario) -> None:
    """Every name of the standard tree is listed once, with the type and number that lstat tells."""
    fd = t.open(b".", abi.O_RDONLY)
    rows: list[tuple[bytes, int, int]] = []
    while part := t.getdents(fd, 10):
        rows += part
    t.close(fd)
    names = [row[0] for row in rows]
    t.equal(names[:2], [b".", b".."])
    t.equal(len(set(names)), len(names))
    t.equal({path for path in t.tree if b"/" not in path} - set(names), set())
    for name, fileid, kind in rows[2:]:
        st = t.lstat(name)
        t.equal(fileid, st.st_ino)
        t.true(kind in (abi.DT_UNKNOWN, (st.st_mode & abi.S_IFMT) >> 12), f"type {kind} of {name!r}")


@reading
def many_names(t: Scenario) -> None:
    """A directory of several blocks: all names, in pieces as in one go."""
    wanted = sorted(path.partition(b"/")[2] for path in t.tree if path.startswith(b"many/"))
    t.equal(sorted(t.names(b"many")), wanted)
    for name in wanted[::7]:
        t.equal(t.stat(b"many/" + name).st_size, 0)
    t.expect(e.ENOENT, t.stat, b"many/99")


@reading
def listing_with_attributes(t: Scenario) -> None:
    """rump_listdir tells what lstat tells, without "." and ".."; it goes on from any cookie."""
    fd = t.open(b"dir", abi.O_RDONLY)
    rows, cookie = t.rump_listdir(fd)
    t.equal(cookie, v.END)
    t.equal({row[0] for row in rows}, set(t.names(b"dir")))
    for name, _, attributes in rows:
        st = t.lstat(b"dir/" + name)
        t.equal((attributes[v.FILEID], attributes[v.MODE], attributes[v.SIZE], attributes[v.MTIME]),
                (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns))  # fmt: skip
    if len(rows) > 1:
        again, _ = t.rump_listdir(fd, rows[0][1], 1)
        t.equal(again[0][0], rows[1][0])
    t.close(fd)


@reading
def getdents_errors(t: Scenario) -> None:
    """EBADF, and EINVAL for what is no directory; read(2) of a directory is EISDIR."""
    fd = t.open(b"small", abi.O_RDONLY)
    t.expect(e.EINVAL, t.getdents, fd)
    t.expect(e.ENOTDIR, t.rump_listdir, fd)
    t.close(fd)
    t.expect(e.EBADF, t.getdents, fd)
    fd = t.open(b"dir", abi.O_RDONLY)
    t.expect(e.EISDIR, t.read, fd, 10)
    t.close(fd)


def rewind(t: Scenario) -> None:
    """lseek to 0 starts a listing over, and sees what came meanwhile."""
    t.write_file(b"a")
    fd = t.open(b".", abi.O_RDONLY)
    first = t.getdents(fd)
    t.equal(t.getdents(fd), ())
    t.equal(t.lseek(fd, 0, abi.SEEK_SET), 0)
    t.equal(t.getdents(fd), first)
    t.write_file(b"b")
    t.lseek(fd, 0, abi.SEEK_SET)
    t.equal(len(t.getdents(fd)), 4)
    t.close(fd)


@reading
def directory_flags(t: Scenario) -> None:
    """O_DIRECTORY wants a directory: ENOTDIR; a directory is not opened for writing: EISDIR."""
    t.close(t.open(b"dir", abi.O_RDONLY | abi.O_DIRECTORY))
    t.expect(e.ENOTDIR, t.open, b"small", abi.O_RDONLY | abi.O_DIRECTORY)
    for flags in (abi.O_WRONLY, abi.O_RDWR, abi.O_RDONLY | abi.O_TRUNC, abi.O_RDONLY | abi.O_CREAT):
        t.expect(e.EISDIR, t.open, b"dir", flags)


def deep(t: Scenario) -> None:
    """A hundred directories inside one another, and back."""
    for _ in range(100):
        t.mkdir(b"d", 0o755)
        t.chdir(b"d")
    t.equal(t.getcwd(), b"/mnt" + b"/d" * 100)
    for _ in range(100):
        t.chdir(b"..")
        t.rmdir(b"d")
    t.equal(t.getcwd(), b"/mnt")


def no_more_files(t: Scenario) -> None:
    """ENOSPC when there are no more files to be had; removing one makes room for one."""
    number = 0
    st = t.statvfs(b".")
    if not st.f_files:
        return          # nobody counts them
    free = st.f_ffree
    while number < free:
        t.lwp.mkdir(b"d%d" % number, 0o755)
        number += 1
    t.expect(e.ENOSPC, t.mkdir, b"more", 0o755)
    t.expect(e.ENOSPC, t.open, b"more", abi.O_WRONLY | abi.O_CREAT)
    t.rmdir(b"d0")
    t.mkdir(b"more", 0o755)
    for other in range(1, number):
        t.lwp.rmdir(b"d%d" % other)
