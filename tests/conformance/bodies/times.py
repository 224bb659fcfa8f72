# SPDX-License-Identifier: BSD-2-Clause
"""The four times: which operation changes which, what utimens sets, and the ranges of formats."""

from __future__ import annotations

from rump.conformance.scenario import AT, SECOND, Scenario, abi, e, reading


def _changed(t: Scenario, path: bytes, call: object, *arguments: object) -> tuple[bool, bool, bool]:
    """Whether a call two seconds later changed atime, mtime and ctime."""
    before = t.lstat(path)
    t.pass_time(2 * SECOND)
    call(*arguments)  # type: ignore[operator]
    after = t.lstat(path)
    t.equal(after.st_birthtime_ns, before.st_birthtime_ns)
    return (
        after.st_atime_ns != before.st_atime_ns,
        after.st_mtime_ns != before.st_mtime_ns,
        after.st_ctime_ns != before.st_ctime_ns,
    )


def _accessed(t: Scenario, time: int) -> int:
    """A time of access as it is kept."""
    step = 86_400 if t.has("dates_of_access") else 2 if t.has("even_access") else 0
    return time - time % (step * SECOND) if step else time


def new_file(t: Scenario) -> None:
    """All times of a new file are now; its directory's mtime and ctime too."""
    t.pass_time(4 * SECOND)
    t.write_file(b"f")
    st = t.stat(b"f")
    t.equal(len({st.st_mtime_ns, st.st_ctime_ns, st.st_birthtime_ns}), 1)
    t.equal(st.st_atime_ns, _accessed(t, st.st_mtime_ns))
    t.equal(t.stat(b".").st_mtime_ns, 0 if t.has("timeless_root") else st.st_mtime_ns)


def write_and_truncate(t: Scenario) -> None:
    """Writing and truncating change mtime and ctime; writing nothing changes nothing."""
    t.write_file(b"f")
    fd = t.open(b"f", abi.O_RDWR)
    t.equal(_changed(t, b"f", t.write, fd, b"x"), (False, True, True))
    t.equal(_changed(t, b"f", t.ftruncate, fd, 0), (False, True, True))
    t.equal(_changed(t, b"f", t.truncate, b"f", 9), (False, True, True))
    t.equal(_changed(t, b"f", t.write, fd, b""), (False, False, False))
    t.equal(_changed(t, b"f", t.fsync, fd), (False, False, False))
    t.close(fd)


def truncating_open(t: Scenario) -> None:
    """O_TRUNC changes mtime and ctime; a plain open and stat change nothing."""
    t.write_file(b"f", b"x")
    t.equal(_changed(t, b"f", t.write_file, b"f"), (False, True, True))
    t.equal(_changed(t, b"f", t.stat, b"f"), (False, False, False))
    fd = t.open(b"f", abi.O_RDONLY)
    t.equal(_changed(t, b"f", t.close, fd), (False, False, False))


def names_change_directories(t: Scenario) -> None:
    """Making, moving and removing names changes mtime and ctime of the directories, not of others."""
    t.mkdir(b"d", 0o755)
    t.mkdir(b"e", 0o755)
    t.equal(_changed(t, b"d", t.write_file, b"d/f"), (False, True, True))
    t.equal(_changed(t, b"d", t.write_file, b"d/f", b"again"), (False, False, False))
    t.equal(_changed(t, b"e", t.rename, b"d/f", b"e/f"), (False, True, True))
    t.equal(_changed(t, b"d", t.rename, b"e/f", b"d/f"), (False, True, True))
    t.equal(_changed(t, b"d", t.unlink, b"d/f"), (False, True, True))
    t.equal(_changed(t, b"d", t.mkdir, b"d/s", 0o755), (False, True, True))
    t.equal(_changed(t, b"d", t.rmdir, b"d/s"), (False, True, True))
    t.equal(_changed(t, b"d", t.expect, e.ENOENT, t.unlink, b"d/f"), (False, False, False))


def changes_of_attributes(t: Scenario) -> None:
    """chmod, chown, link and unlink change ctime only."""
    t.needs("permissions", "owners", "hard_links")
    t.write_file(b"f")
    t.equal(_changed(t, b"f", t.chmod, b"f", 0o600), (False, False, True))
    t.equal(_changed(t, b"f", t.chown, b"f", 1, 1), (False, False, True))
    t.equal(_changed(t, b"f", t.link, b"f", b"g"), (False, False, True))
    t.equal(_changed(t, b"f", t.unlink, b"g"), (False, False, True))


def set_times(t: Scenario) -> None:
    """utimens sets atime and mtime to the format's granularity, and ctime to now; None leaves one."""
    t.write_file(b"f")
    step = t.capabilities.time_step
    early = 1_000_000_000 * SECOND
    t.utimens(b"f", early, early + step)
    st = t.stat(b"f")
    t.equal((st.st_atime_ns, st.st_mtime_ns), (_accessed(t, early), early + step))
    t.pass_time(10 * SECOND)
    t.utimens(b"f", None, early + 3 * step)
    t.utimens(b"f", early + 2 * step, None)
    t.utimens(b"f", None, None)
    st = t.stat(b"f")
    t.equal((st.st_atime_ns, st.st_mtime_ns), (_accessed(t, early + 2 * step), early + 3 * step))
    t.utimens(b"f", "now", "now")
    t.equal(t.stat(b"f").st_mtime_ns, t.stat(b"f").st_ctime_ns)


def time_range(t: Scenario) -> None:
    """The ends of the format's range are kept; what lies outside is EINVAL."""
    t.write_file(b"f")
    least, most, step = t.capabilities.time_min, t.capabilities.time_max, t.capabilities.time_step
    for time in (least, most, least + step):
        t.utimens(b"f", time, time)
        t.equal(t.stat(b"f").st_mtime_ns, time)
    for time in (least - step, most + step):
        t.expect(e.EINVAL, t.utimens, b"f", time, time)
    t.equal(t.stat(b"f").st_mtime_ns, least + step)


def granularity(t: Scenario) -> None:
    """A time between two steps is rounded down."""
    t.write_file(b"f")
    step = t.capabilities.time_step
    early = 1_000_000_000 * SECOND
    t.utimens(b"f", early, early + step + step // 2)
    t.equal(t.stat(b"f").st_mtime_ns, early + step + (step // 2 if step == 1 else 0))


def set_times_forms(t: Scenario) -> None:
    """futimens and utimensat; lutimens of a symbolic link itself."""
    early = 1_000_000_000 * SECOND
    t.write_file(b"f")
    fd = t.open(b"f", abi.O_RDONLY)
    t.futimens(fd, early, early)
    t.close(fd)
    t.expect(e.EBADF, t.futimens, fd, 0, 0)
    t.equal(t.stat(b"f").st_mtime_ns, early)
    t.utimensat(AT, b"f", early + 4 * SECOND, early + 2 * SECOND)
    t.needs("symlinks")
    t.symlink(b"f", b"s")
    t.lutimens(b"s", 2 * early, 2 * early)
    t.utimensat(AT, b"s", None, early, abi.AT_SYMLINK_NOFOLLOW)
    t.equal((t.stat(b"f").st_mtime_ns, t.lstat(b"s").st_mtime_ns), (early + 2 * SECOND, early))
    t.expect(e.ENOENT, t.utimens, b"x", 0, 0)


def who_may_set_times(t: Scenario) -> None:
    """The owner sets any time (others: EPERM); who may write sets both to now (others: EACCES)."""
    t.needs("owners", "permissions")
    t.write_file(b"f")
    t.chmod(b"f", 0o646)
    t.chown(b"f", 1000, 1000)
    owner, writer = t.process(1000), t.process(1001)
    owner.utimens(b"f", 0, 0)
    writer.expect(e.EPERM, writer.utimens, b"f", 0, 0)
    writer.expect(e.EPERM, writer.utimens, b"f", "now", None)
    writer.utimens(b"f", "now", "now")
    t.chmod(b"f", 0o644)
    writer.expect(e.EACCES, writer.utimens, b"f", "now", "now")


@reading
def times_read(t: Scenario) -> None:
    """Times of others' making: before 1970, at the ends of formats, with nanoseconds where they are kept."""
    for path, entry in t.tree.items():
        if b"/" not in path and entry.kind:
            t.equal(t.lstat(path).st_mtime_ns, entry.mtime)


@reading
def reading_changes_no_time(t: Scenario) -> None:
    """Reading files and directories leaves all times, as on a mount with MNT_NOATIME."""
    before = (t.stat(b"lines"), t.stat(b"dir"))
    t.pass_time(3600 * SECOND)
    t.read_file(b"lines")
    t.names(b"dir")
    t.equal((t.stat(b"lines"), t.stat(b"dir")), before)

