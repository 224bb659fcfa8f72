# SPDX-License-Identifier: BSD-2-Clause
"""Two lwps at once, step by step: the second acts at every hypercall of the first (t_renamerace, t_rmdirrace's ground).

Whatever the moment, each call's result and what is left must be as if one had come after the other.
"""

from __future__ import annotations

from rump.conformance.scenario import Caller, Scenario, abi, e, interleaving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[Caller], object]

MOST = 40
"""Hypercalls of one system call at which the other one acts."""


def _result(who: Caller, step: Step) -> object:
    """What a step returns, or its errno by name."""
    try:
        return step(who)
    except OSError as error:
        return e.NAMES[error.errno or 0]


def _state(t: Scenario, top: bytes) -> list[tuple[object, ...]]:
    """Names, types, links and contents of a small tree."""
    found: list[tuple[object, ...]] = []
    for name in sorted(_names(t, top)):
        path = top + b"/" + name
        st = t.lwp.lstat(path)
        kind = st.st_mode & abi.S_IFMT
        contents = b""
        if kind == abi.S_IFREG:
            fd = t.lwp.open(path, abi.O_RDONLY)
            contents = t.lwp.read(fd, 100_000)
            t.lwp.close(fd)
        found.append((name, kind, st.st_nlink, contents))
        if kind == abi.S_IFDIR:
            found += [(name, *row) for row in _state(t, path)]
    return found


def _names(t: Scenario, path: bytes) -> list[bytes]:
    fd = t.lwp.open(path, abi.O_RDONLY)
    names = [name for name, _, _ in t.lwp.getdents(fd, 1 << 16)[2:]]
    t.lwp.close(fd)
    return names


def _fresh(t: Scenario, number: int, prepare: Callable[[Scenario], object]) -> None:
    """A directory prepared for the race, nothing of it cached, and we are in it."""
    name = b"/mnt/%d" % number
    t.lwp.mkdir(name, 0o755)
    t.lwp.chdir(name)
    prepare(t)
    if t.has("persistent"):
        t.remount()
        t.lwp.chdir(name)


def _race(t: Scenario, prepare: Callable[[Scenario], object], first: Step, second: Step) -> None:
    """Both orders, and then every moment at which the second may come."""
    other = t.newlwp()
    ends = []
    for number, order in enumerate((0, 1)):
        _fresh(t, number, prepare)
        results: list[object] = [None, None]
        for turn in (order, 1 - order):
            results[turn] = _result((t, other)[turn], (first, second)[turn])
        ends.append((results, _state(t, b"/mnt/%d" % number)))
    for number in range(2, MOST + 2):
        _fresh(t, number, prepare)
        t.writer.lines.append(f"at hypercall {number - 1}")
        results = [None, "EDEADLK"]
        t.interleave(number - 1, _into(results, other, second))
        results[0] = _result(t, first)
        fired = t.interleaved()
        if results[1] == "EDEADLK":
            results[1] = _result(other, second)
        t.true((results, _state(t, b"/mnt/%d" % number)) in ends, f"{results} at hypercall {number - 1} is no order's")
        if not fired:
            break
    t.chdir(b"/mnt")


def _into(results: list[object], who: Caller, step: Step) -> Callable[[], None]:
    """Puts what the second step comes to into the results."""

    def call() -> None:
        results[1] = _result(who, step)

    return call


def _two_directories(t: Scenario) -> None:
    for path in (b"a", b"b"):
        t.lwp.mkdir(path, 0o755)
    for path, data in ((b"a/f", b"one"), (b"b/g", b"two"), (b"h", b"three")):
        fd = t.lwp.open(path, abi.O_WRONLY | abi.O_CREAT)
        t.lwp.write(fd, data)
        t.lwp.close(fd)
    t.lwp.mkdir(b"a/empty", 0o755)


@interleaving
def rename_and_rename(t: Scenario) -> None:
    """One name, two renames; two names to one."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"b/f"), lambda who: who.rename(b"a/f", b"h"))


@interleaving
def renames_to_one_name(t: Scenario) -> None:
    """Two files to one name: one of them is left."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"h"), lambda who: who.rename(b"b/g", b"h"))


@interleaving
def renames_below_one_another(t: Scenario) -> None:
    """Two directories, each to below the other: one of them cannot."""
    _race(t, _two_directories, lambda who: who.rename(b"a", b"b/a"), lambda who: who.rename(b"b", b"a/b"))


@interleaving
def rename_and_rmdir(t: Scenario) -> None:
    """A file moves to a directory that is being removed."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"a/empty/f"), lambda who: who.rmdir(b"a/empty"))


@interleaving
def rename_and_unlink(t: Scenario) -> None:
    """A file is renamed while its name is taken away, and the one it replaces."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"b/g"), lambda who: who.unlink(b"a/f"))


@interleaving
def rename_and_replace(t: Scenario) -> None:
    """A file is renamed while another one takes its name."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"b/g"), lambda who: who.rename(b"h", b"a/f"))


@interleaving
def rename_and_lookup(t: Scenario) -> None:
    """Who looks finds the file by the one name or by the other."""
    _race(t, _two_directories, lambda who: who.rename(b"a/f", b"b/f"), lambda who: who.stat(b"a/f").st_size)


@interleaving
def rmdir_and_create(t: Scenario) -> None:
    """Something is made in a directory that is being removed: one of the two fails."""
    _race(t, _two_directories, lambda who: who.rmdir(b"a/empty"), lambda who: who.mkdir(b"a/empty/d", 0o755))


@interleaving
def mkdir_and_mkdir(t: Scenario) -> None:
    """The same name twice: EEXIST for one."""
    _race(t, _two_directories, lambda who: who.mkdir(b"a/new", 0o755), lambda who: who.mkdir(b"a/new", 0o755))


@interleaving
def unlink_and_unlink(t: Scenario) -> None:
    """The same name twice: ENOENT for one."""
    _race(t, _two_directories, lambda who: who.unlink(b"a/f"), lambda who: who.unlink(b"a/f"))


@interleaving
def link_and_unlink(t: Scenario) -> None:
    """A file gets a name while it loses its last one."""
    t.needs("hard_links")
    _race(t, _two_directories, lambda who: who.link(b"a/f", b"b/f"), lambda who: who.unlink(b"a/f"))


@interleaving
def open_and_unlink(t: Scenario) -> None:
    """O_CREAT finds the file, or makes another one."""
    _race(t, _two_directories, _make_anew, lambda who: who.unlink(b"a/f"))


@interleaving
def listing_and_unlink(t: Scenario) -> None:
    """A listing has the name, or has it not."""
    _race(t, _two_directories, lambda who: sorted(who.names(b"a")), lambda who: who.unlink(b"a/f"))


def _long_file(t: Scenario) -> None:
    fd = t.lwp.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.lwp.write(fd, b"0123456789" * 2000)
    t.lwp.close(fd)


def _whole(who: Caller) -> object:
    fd = who.open(b"f", abi.O_RDONLY)
    try:
        data = who.read(fd, 100_000)
    finally:
        who.close(fd)
    return len(data), data[:5], data[-5:]


def _make_anew(who: Caller) -> None:
    fd = who.open(b"a/f", abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC)
    try:
        who.write(fd, b"new")
    finally:
        who.close(fd)


def _put(who: Caller) -> None:
    fd = who.open(b"f", abi.O_WRONLY)
    try:
        who.pwrite(fd, b"written!" * 1000, 7000)
    finally:
        who.close(fd)


@interleaving
def read_and_write(t: Scenario) -> None:
    """A read has all of a write, or nothing of it."""
    _race(t, _long_file, _whole, _put)


@interleaving
def read_and_truncate(t: Scenario) -> None:
    """A read ends at the old end, or at the new one."""
    _race(t, _long_file, _whole, lambda who: who.truncate(b"f", 12_345))


@interleaving
def write_and_truncate(t: Scenario) -> None:
    """A write and a cut: the file has the one's end, or the other's."""
    _race(t, _long_file, _put, lambda who: who.truncate(b"f", 5000))


@interleaving
def write_and_unlink(t: Scenario) -> None:
    """A file whose name goes while it is written: no space is lost."""
    before = t.statvfs(b".").f_bfree
    _race(t, _long_file, _put, lambda who: who.unlink(b"f"))
    t.true(t.statvfs(b".").f_bfree <= before, "more room than there was")


@interleaving
def write_and_sync(t: Scenario) -> None:
    """A sync in the midst of a write."""
    _race(t, _long_file, _put, lambda who: who.sync())


@interleaving
def several_lwps_share_a_process(t: Scenario) -> None:
    """Descriptors, directory and umask are the process's, whichever lwp changes them."""
    first, second = t.newlwp(), t.newlwp()
    fd = first.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.equal(second.write(fd, b"shared"), 6)
    t.equal(first.lseek(fd, 0, abi.SEEK_CUR), 6)
    second.mkdir(b"d", 0o755)
    second.chdir(b"d")
    t.equal(first.getcwd(), b"/mnt/d")
    first.umask(0o77)
    t.equal(second.umask(0o22), 0o77)
    t.equal(first.getpid(), second.getpid())
    second.close(fd)
    first.expect(e.EBADF, first.read, fd, 1)


@interleaving
def taking_turns_on_a_pipe(t: Scenario) -> None:
    """Two lwps, one writing and one reading in turn: everything arrives in order."""
    writer, reader = t.newlwp(), t.newlwp()
    out, into = t.pipe2(abi.O_NONBLOCK)
    sent = received = b""
    for turn in range(12):
        data = bytes([65 + turn]) * (turn * 97 % 211 + 1)
        writer.write(into, data)
        sent += data
        received += reader.read(out, 150)
    while len(received) < len(sent):
        received += reader.read(out, 400)
    t.equal(received, sent)
    reader.expect(e.EAGAIN, reader.read, out, 1)


@interleaving
def two_writers_and_appenders(t: Scenario) -> None:
    """Appends of two processes do not overwrite one another; writes by one offset follow one another."""
    other = t.process(0)
    mine = t.open(b"f", abi.O_WRONLY | abi.O_APPEND | abi.O_CREAT)
    his = other.open(b"f", abi.O_WRONLY | abi.O_APPEND)
    shared = t.newlwp()
    for turn in range(8):
        (t, shared)[turn % 2].write(mine, b"m%d" % turn)
        other.write(his, b"h%d" % turn)
    t.equal(t.read_file(b"f"), b"".join(b"m%dh%d" % (turn, turn) for turn in range(8)))
