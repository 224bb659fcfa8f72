# SPDX-License-Identifier: BSD-2-Clause
"""Which calls change which times: atime, mtime and ctime, of the file and of the directories it is in."""

from __future__ import annotations

from rump.conformance.scenario import AT, SECOND, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = ""
CTIME = "c"
BOTH = "mc"


def _expect(t: Scenario, wanted: str, path: bytes, call: Callable[..., object], *arguments: object) -> None:
    """A call two seconds later changes these times of a file, no other."""
    before = t.lwp.lstat(path)
    t.pass_time(2 * SECOND)
    call(*arguments)
    after = t.lstat(path)
    changed = "".join(
        letter
        for letter, old, new in (
            ("a", before.st_atime_ns, after.st_atime_ns),
            ("m", before.st_mtime_ns, after.st_mtime_ns),
            ("c", before.st_ctime_ns, after.st_ctime_ns),
        )
        if old != new
    )
    if not t.has("owners"):         # the formats without owners have no ctime of their own: it is mtime
        wanted = BOTH if "m" in wanted else NOTHING
    t.equal(changed, wanted)
    t.equal(after.st_birthtime_ns, before.st_birthtime_ns)


def by_changing_attributes(t: Scenario) -> None:
    """chmod, chown, chflags, setxattr and their forms change ctime; of a directory and a link, too."""
    t.write_file(b"f")
    t.mkdir(b"d", 0o755)
    for path in (b"f", b"d"):
        if t.has("permissions"):
            _expect(t, CTIME, path, t.chmod, path, 0o700)
            _expect(t, CTIME, path, t.chmod, path, 0o700)
            _expect(t, CTIME, path, t.lchmod, path, 0o711)
        if t.has("owners"):
            _expect(t, CTIME, path, t.chown, path, 5, 6)
            _expect(t, CTIME, path, t.lchown, path, -1, 7)
        if t.capabilities.flags and t.has("owners"):
            _expect(t, CTIME, path, t.chflags, path, 0)
        if t.has("xattrs"):
            _expect(t, CTIME, path, t.setxattr, path, b"user.a", b"1")
            _expect(t, NOTHING, path, t.getxattr, path, b"user.a")
            _expect(t, NOTHING, path, t.listxattr, path)
            _expect(t, CTIME, path, t.removexattr, path, b"user.a")
    if t.has("symlinks") and t.has("owners"):
        t.symlink(b"f", b"s")
        _expect(t, CTIME, b"s", t.lchown, b"s", 1, 1)
        _expect(t, NOTHING, b"s", t.chown, b"s", 1, 1)
        _expect(t, NOTHING, b"s", t.readlink, b"s")


def by_names(t: Scenario) -> None:
    """link, unlink and rename change ctime of the file, mtime and ctime of the directories."""
    t.mkdir(b"a", 0o755)
    t.mkdir(b"b", 0o755)
    for number, make in enumerate((
        lambda path: t.write_file(path), lambda path: t.mkdir(path, 0o755),
        lambda path: t.mkfifo(path, 0o600) if t.has("fifos") else t.write_file(path),
        lambda path: t.symlink(b"x", path) if t.has("symlinks") else t.write_file(path),
    )):  # fmt: skip
        path = b"a/%d" % number
        for directory in (b"a", b"b"):
            _expect(t, BOTH if directory == b"a" else NOTHING, directory, make, path)
            make_again = b"a/%d" % number
            if directory == b"a":
                kind = t.lwp.lstat(make_again).st_mode & abi.S_IFMT
                remove = t.rmdir if kind == abi.S_IFDIR else t.unlink
                _expect(t, BOTH, b"a", remove, make_again)
        _expect(t, BOTH, b"a", t.rename, path, b"a/x")
        _expect(t, BOTH, b"b", t.rename, b"a/x", b"b/x")
        _expect(t, BOTH, b"a", t.rename, b"b/x", path)
        _expect(t, NOTHING, b"a", t.rename, path, path)


def by_links(t: Scenario) -> None:
    """A link more or less changes ctime of the file under all its names, and not mtime."""
    t.needs("hard_links")
    t.mkdir(b"d", 0o755)
    t.write_file(b"f", b"x")
    _expect(t, CTIME, b"f", t.link, b"f", b"d/g")
    _expect(t, CTIME, b"f", t.unlink, b"d/g")
    t.link(b"f", b"d/g")
    _expect(t, BOTH, b"d", t.rename, b"d/g", b"d/h")
    t.write_file(b"other")
    _expect(t, CTIME, b"f", t.rename, b"other", b"d/h")
    _expect(t, NOTHING, b"f", t.expect, e.EEXIST, t.link, b"f", b"d/h")


def by_data(t: Scenario) -> None:
    """Whatever changes contents or size changes mtime and ctime, whatever does not changes nothing."""
    t.write_file(b"f", b"0123456789")
    fd = t.open(b"f", abi.O_RDWR)
    for call in (
        lambda: t.write(fd, b"x"), lambda: t.pwrite(fd, b"y", 3), lambda: t.pwrite(fd, b"z", 5000),
        lambda: t.ftruncate(fd, 100), lambda: t.ftruncate(fd, 3000), lambda: t.truncate(b"f", 0),
        lambda: t.pwrite(fd, b"abcdef", 0), lambda: t.rump_copy_range(fd, 0, fd, 100, 5),
        lambda: t.rump_copy_in(fd, 0, 3, t.source(b"new"), 0),
    ):  # fmt: skip
        _expect(t, BOTH, b"f", call)
    for call in (
        lambda: t.write(fd, b""), lambda: t.pwrite(fd, b"", 0), lambda: t.read(fd, 5), lambda: t.pread(fd, 5, 0),
        lambda: t.lseek(fd, 0, abi.SEEK_SET), lambda: t.fsync(fd), lambda: t.close(t.dup(fd)),
        lambda: t.fstat(fd), lambda: t.rump_extents(fd, 0, 100), lambda: t.expect(e.EINVAL, t.pwrite, fd, b"x", -1),
        lambda: t.expect(e.EINVAL, t.ftruncate, fd, -1), lambda: t.rump_copy_out(fd, 0, 9, t.target(), 0),
    ):  # fmt: skip
        _expect(t, NOTHING, b"f", call)


def by_opening(t: Scenario) -> None:
    """O_TRUNC changes mtime and ctime, of an empty file too; O_CREAT of what is there and all else nothing."""
    t.write_file(b"f", b"x")
    t.mkdir(b"d", 0o755)

    def reopen(flags: int) -> Callable[[], object]:
        return lambda: t.close(t.open(b"f", flags))

    for flags in (abi.O_WRONLY | abi.O_TRUNC, abi.O_RDWR | abi.O_TRUNC | abi.O_CREAT, abi.O_RDONLY | abi.O_TRUNC):
        _expect(t, BOTH, b"f", reopen(flags))
        _expect(t, BOTH, b"f", reopen(flags))
    for flags in (abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR | abi.O_CREAT, abi.O_WRONLY | abi.O_APPEND):
        _expect(t, NOTHING, b"f", reopen(flags))
    _expect(t, NOTHING, b".", reopen(abi.O_RDWR | abi.O_CREAT))
    _expect(t, NOTHING, b"d", lambda: t.close(t.open(b"d", abi.O_RDONLY)))
    _expect(t, NOTHING, b"d", t.names, b"d")


def by_setting_times(t: Scenario) -> None:
    """utimens changes ctime also where it leaves both times as they were; None alone leaves all."""
    t.needs("owners")
    early = 1_000_000_000 * SECOND
    t.write_file(b"f")
    t.utimens(b"f", early, early)
    _expect(t, CTIME, b"f", t.utimens, b"f", early, early)
    _expect(t, "ac", b"f", t.utimens, b"f", early + SECOND, None)
    _expect(t, BOTH, b"f", t.utimens, b"f", None, early + 9 * SECOND)
    _expect(t, "amc", b"f", t.utimens, b"f", "now", "now")
    _expect(t, BOTH, b"f", t.utimensat, AT, b"f", None, "now")
    _expect(t, NOTHING, b"f", t.utimens, b"f", None, None)


def by_failing(t: Scenario) -> None:
    """A call that fails changes no time of anything."""
    t.write_file(b"f", b"x")
    t.mkdir(b"d", 0o755)
    t.write_file(b"d/in")
    for path in (b"f", b"d", b"d/in", b"."):
        for errno, call, *arguments in (
            (e.ENOTEMPTY, t.rmdir, b"d"), (e.ENOTDIR, t.rmdir, b"f"), (e.EPERM, t.unlink, b"d"),
            (e.EISDIR, t.rename, b"f", b"d"), (e.ENOTDIR, t.rename, b"d", b"f"), (e.EINVAL, t.rename, b"d", b"d/x"),
            (e.EEXIST, t.mkdir, b"f", 0o755), (e.EEXIST, t.mkfifo, b"d", 0o600), (e.EISDIR, t.truncate, b"d", 0),
            (e.EFBIG, t.truncate, b"f", t.capabilities.file_size_max + 1),
            (e.EISDIR, t.open, b"d", abi.O_WRONLY | abi.O_TRUNC),
            (e.EEXIST, t.open, b"f", abi.O_WRONLY | abi.O_TRUNC | abi.O_CREAT | abi.O_EXCL),
            (e.EINVAL, t.utimens, b"f", t.capabilities.time_max + t.capabilities.time_step, 0),
        ):  # fmt: skip
            _expect(t, NOTHING, path, t.expect, errno, call, *arguments)


def kept(t: Scenario) -> None:
    """Times are what they were when the file system is mounted again."""
    t.needs("persistent")
    step = t.capabilities.time_step
    for number, time in enumerate((315_532_800, 1_000_000_000, 1_234_567_890, 2_000_000_000)):
        name = b"%d" % number
        t.write_file(name, b"x")
        t.utimens(name, time * SECOND + 2 * step, time * SECOND + 4 * step)
    before = [t.stat(b"%d" % number) for number in range(4)]
    t.remount()
    for number, st in enumerate(before):
        t.equal(t.stat(b"%d" % number)._replace(st_dev=0), st._replace(st_dev=0))


def fractions(t: Scenario) -> None:
    """Times between two steps of the format are rounded down, before 1970 and after, kept or given anew."""
    step = t.capabilities.time_step
    t.write_file(b"f")
    least = max(t.capabilities.time_min, -1_000_000 * SECOND)
    for base in (least + step, 1_000_000_000 * SECOND, min(t.capabilities.time_max - 8 * step, 4_000_000_000 * SECOND)):
        base -= base % (2 * SECOND)
        if base < t.capabilities.time_min:
            continue
        for rest in (0, 1, step - 1, step, step + 1, 999_999_999):
            t.utimens(b"f", base, base + rest)
            t.equal(t.stat(b"f").st_mtime_ns, base + rest - rest % step)
