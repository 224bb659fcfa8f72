# SPDX-License-Identifier: BSD-2-Clause
"""Listing a directory while it changes: cookies stay good, what stays is listed once (getdents(2), VOP_READDIR(9))."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, v
from rump.conformance.transcript import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 60


def _fill(t: Scenario, count: int = COUNT) -> list[bytes]:
    """Names of many lengths, so that room left by one rarely fits another."""
    names = [b"%03d" % number + b"abcdefgh"[: number % 9] * (1 + number % 4) for number in range(count)]
    for name in names:
        t.lwp.mkdir(name, 0o755)
    return names


def _go_on(t: Scenario, fd: int, cookie: int) -> list[bytes]:
    """All names from a cookie on."""
    found: list[bytes] = []
    while cookie != v.END:
        rows, cookie = t.lwp.rump_listdir(fd, cookie, 512)
        found += [name for name, _, _ in rows]
    return found


def _rows(t: Scenario, fd: int) -> list[tuple[bytes, int]]:
    rows: list[tuple[bytes, int]] = []
    cookie = 0
    while cookie != v.END:
        part, cookie = t.lwp.rump_listdir(fd, cookie, 512)
        rows += [(name, row_cookie) for name, row_cookie, _ in part]
    return rows


def from_every_cookie(t: Scenario) -> None:
    """Behind each name its cookie leads to those that follow it, in their order."""
    _fill(t)
    fd = t.open(b".", abi.O_RDONLY)
    rows = _rows(t, fd)
    names = [name for name, _ in rows]
    for number, (_, cookie) in enumerate(rows):
        t.equal(_go_on(t, fd, cookie), names[number + 1 :])
    t.equal(t.names(b"."), names)


def cookies_under_unlink(t: Scenario) -> None:
    """A cookie leads on to all that stays behind it, whatever is removed - before it, at it, behind it."""
    _fill(t)
    fd = t.open(b".", abi.O_RDONLY)
    rows = _rows(t, fd)
    gone: set[bytes] = set()
    for step in range(0, COUNT, 7):
        for name, _ in rows[step : step + 3]:
            t.rmdir(name)
            gone.add(name)
        for number in (step, step + 2, step // 2, COUNT - 2):
            wanted = [name for name, _ in rows[number + 1 :] if name not in gone]
            t.equal(_go_on(t, fd, rows[number][1]), wanted)
    t.equal(sorted(t.names(b".")), sorted({name for name, _ in rows} - gone))


def cookies_under_insert(t: Scenario) -> None:
    """A cookie leads on to all that was behind it, once; what is new may be there or not."""
    _fill(t)
    fd = t.open(b".", abi.O_RDONLY)
    rows = _rows(t, fd)
    for step in range(0, COUNT, 9):
        t.mkdir(b"new%d" % step + b"n" * step, 0o755)
        for number in (step, COUNT // 2):
            found = [name for name in _go_on(t, fd, rows[number][1]) if not name.startswith(b"new")]
            t.equal(found, [name for name, _ in rows[number + 1 :]])
    t.equal(len(t.names(b".")), COUNT + len(range(0, COUNT, 9)))


def cookies_under_rename(t: Scenario) -> None:
    """What is renamed meanwhile is listed by its old name, its new one, or both or neither; the others once."""
    _fill(t)
    fd = t.open(b".", abi.O_RDONLY)
    rows = _rows(t, fd)
    middle = rows[COUNT // 2][1]
    behind = [name for name, _ in rows[COUNT // 2 + 1 :]]
    moved = behind[::5]
    for number, name in enumerate(moved):
        t.rename(name, b"moved%d" % number)
    found = [name for name in _go_on(t, fd, middle) if not name.startswith(b"moved")]
    t.equal(found, [name for name in behind if name not in moved])


def everything_goes(t: Scenario) -> None:
    """A listing under way ends when all is removed; a cookie of what is gone, in an empty directory, is the end."""
    _fill(t)
    fd = t.open(b".", abi.O_RDONLY)
    rows = _rows(t, fd)
    t.getdents(fd, 100)
    for name, _ in rows:
        t.lwp.rmdir(name)
    t.equal(t.getdents(fd), ())
    for _, cookie in rows[::7]:
        t.equal(_go_on(t, fd, cookie), [])
    t.write_file(b"again")
    t.equal(t.names(b"."), [b"again"])


def _walk(t: Scenario, change: Callable[[int], object]) -> list[bytes]:
    """A listing by small pieces, with a change behind each."""
    fd = t.open(b".", abi.O_RDONLY)
    seen: list[bytes] = []
    turn = 0
    while (rows := t.lwp.getdents(fd, 100)) and turn < 400:
        seen += [name for name, _, _ in rows if name not in (b".", b"..")]
        change(turn)
        turn += 1
    t.close(fd)
    t.writer.lines.append("listed " + " ".join(map(text, seen)))
    return seen


def two_at_a_time(t: Scenario) -> None:
    """Two listings of one directory do not disturb one another, by two descriptors or two processes."""
    _fill(t, 30)
    other = t.process(0)
    second = other.open(b".", abi.O_RDONLY)
    found: list[bytes] = []
    seen = _walk(t, lambda turn: found.extend(row[0] for row in other.lwp.getdents(second, 60)))
    while rows := other.lwp.getdents(second, 60):
        found += [row[0] for row in rows]
    t.equal(found[2:], seen)


def duplicates_share_a_listing(t: Scenario) -> None:
    """A duplicate of a descriptor goes on where the other is."""
    _fill(t, 30)
    fd = t.open(b".", abi.O_RDONLY)
    other = t.dup(fd)
    found: list[bytes] = []
    while rows := t.getdents(fd if len(found) % 2 else other, 120):
        found += [row[0] for row in rows]
    t.equal((len(found), len(set(found))), (32, 32))


def churn(t: Scenario) -> None:
    """Names come and go at every step of a listing: what stays is listed once, and nothing twice that stays."""
    stays = set(_fill(t, 40))

    def change(turn: int) -> None:
        t.lwp.mkdir(b"t%d" % turn + b"x" * (turn % 17), 0o755)
        if turn > 2:
            t.lwp.rmdir(b"t%d" % (turn - 3) + b"x" * ((turn - 3) % 17))

    seen = [name for name in _walk(t, change) if name in stays]
    t.equal((len(seen), set(seen)), (len(stays), stays))
    for name in t.names(b"."):
        t.lwp.rmdir(name)


def moved_directory(t: Scenario) -> None:
    """A listing goes on in a directory that is renamed, moved and removed meanwhile."""
    t.mkdir(b"d", 0o755)
    for number in range(12):
        t.write_file(b"d/%02d" % number)
    t.mkdir(b"e", 0o755)
    fd = t.open(b"d", abi.O_RDONLY)
    found = [row[0] for row in t.getdents(fd, 60)]
    t.rename(b"d", b"e/d")
    found += [row[0] for row in t.getdents(fd, 60)]
    for number in range(12):
        t.unlink(b"e/d/%02d" % number)
    t.rmdir(b"e/d")
    t.equal(t.getdents(fd), ())
    t.lseek(fd, 0, abi.SEEK_SET)
    t.getdents(fd)
    t.equal(found[:2], [b".", b".."])
    t.expect(e.ENOENT, t.rump_populate, fd, ())


def sizes_of_pieces(t: Scenario) -> None:
    """Whatever room a caller has for a piece, all names come, once; with too little one by one."""
    names = sorted(_fill(t, 25))
    for count in (1, 16, 40, 64, 333, 4096, 1 << 20):
        fd = t.open(b".", abi.O_RDONLY)
        found: list[bytes] = []
        while rows := t.lwp.getdents(fd, count):
            found += [row[0] for row in rows]
        t.close(fd)
        t.equal(sorted(found[2:]), names)
