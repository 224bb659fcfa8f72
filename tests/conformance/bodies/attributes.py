# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes, many and big, kept and moved; and what of them a user may do (xattr(7), extattr(9))."""

from __future__ import annotations

from rump.conformance.scenario import Caller, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _room(t: Scenario) -> None:
    t.needs("xattrs")
    t.write_file(b"f", b"contents")


def sizes(t: Scenario) -> None:
    """Values of many sizes, put over one another in turn: the last one is there, whole."""
    _room(t)
    for size in (0, 1, 3, 4, 15, 16, 17, 40, 63, 64, 100, 200, 255, 256, 257, 400, 5, 300, 0, 50):
        value = bytes([size & 255]) * size
        t.setxattr(b"f", b"user.v", value)
        t.equal(t.getxattr(b"f", b"user.v"), value)
        t.equal(t.listxattr(b"f"), (b"user.v",))
    t.equal(t.read_file(b"f"), b"contents")


def many(t: Scenario) -> None:
    """Several at once: each has its own value, whichever are set, changed and removed, in whatever order."""
    _room(t)
    model: dict[bytes, bytes] = {}
    for number in range(24):
        name = b"user." + b"abcdefgh"[: number % 8 + 1] + b"%d" % (number % 12)
        if number % 5 == 4 and model:
            gone = sorted(model)[number % len(model)]
            t.removexattr(b"f", gone)
            del model[gone]
        value = b"%d" % number * (number % 6)
        t.setxattr(b"f", name, value)
        model[name] = value
        t.equal(sorted(t.listxattr(b"f")), sorted(model))
    for name, value in sorted(model.items()):
        t.equal(t.getxattr(b"f", name), value)
    for name in sorted(model, key=lambda name: name[::-1]):
        t.removexattr(b"f", name)
    t.equal(t.listxattr(b"f"), ())


def too_many(t: Scenario) -> None:
    """Where there is no room for one more, ENOSPC; those there were are whole, and a removed one makes room."""
    _room(t)
    number = 0
    try:
        while number < 200:
            t.lwp.setxattr(b"f", b"user.%03d" % number, b"v" * 100)
            number += 1
    except OSError as error:
        t.equal(error.errno, e.ENOSPC)
    t.equal(len(t.listxattr(b"f")), number)
    for each in range(0, number, 9):
        t.equal(t.getxattr(b"f", b"user.%03d" % each), b"v" * 100)
    t.removexattr(b"f", b"user.000")
    t.setxattr(b"f", b"user.new", b"v" * 99)


def of_every_kind(t: Scenario) -> None:
    """Files and directories have user attributes; what is neither has not: EPERM; trusted ones all may have."""
    _room(t)
    t.mkdir(b"d", 0o755)
    for path in (b"f", b"d", b"."):
        t.setxattr(path, b"user.a", path)
        t.setxattr(path, b"trusted.b", b"\0")
        t.equal((t.getxattr(path, b"user.a"), sorted(t.listxattr(path))), (path, [b"trusted.b", b"user.a"]))
    others = [b"s"] if t.has("symlinks") else []
    if others:
        t.symlink(b"f", b"s")
    if t.has("fifos"):
        t.mkfifo(b"p", 0o600)
        others.append(b"p")
    for path in others:
        t.expect(e.EPERM, t.lsetxattr, path, b"user.a", b"1")
        t.lsetxattr(path, b"trusted.b", b"1")
        t.equal(t.llistxattr(path), (b"trusted.b",))
    for path in (b"f", b"d", b"."):
        t.removexattr(path, b"user.a")
        t.removexattr(path, b"trusted.b")


def spaces_of_names(t: Scenario) -> None:
    """Each space of names is its own: the same name in three of them is three attributes."""
    _room(t)
    for name in (b"user.x", b"trusted.x", b"security.x"):
        t.setxattr(b"f", name, name)
    for name in (b"user.x", b"trusted.x", b"security.x"):
        t.equal(t.getxattr(b"f", name), name)
    t.removexattr(b"f", b"trusted.x")
    t.equal(sorted(t.listxattr(b"f")), [b"security.x", b"user.x"])


def go_with_the_file(t: Scenario) -> None:
    """Attributes are the file's, not the name's: a rename and a second name keep them; a new file has none."""
    _room(t)
    t.setxattr(b"f", b"user.a", b"mine")
    t.rename(b"f", b"g")
    t.equal(t.getxattr(b"g", b"user.a"), b"mine")
    if t.has("hard_links"):
        t.link(b"g", b"h")
        t.setxattr(b"h", b"user.b", b"too")
        t.equal(t.getxattr(b"g", b"user.b"), b"too")
    fd = t.open(b"g", abi.O_RDONLY)
    t.write_file(b"new")
    t.rename(b"new", b"g")
    t.equal((t.listxattr(b"g"), t.fgetxattr(fd, b"user.a")), ((), b"mine"))
    t.fsetxattr(fd, b"user.c", b"without a name")
    t.equal(t.fgetxattr(fd, b"user.c"), b"without a name")


def kept(t: Scenario) -> None:
    """Attributes are there when the file system is mounted again, and what was removed is not."""
    _room(t)
    t.needs("persistent")
    t.setxattr(b"f", b"user.big", bytes(range(256)))
    t.setxattr(b"f", b"user.small", b"s")
    t.setxattr(b"f", b"user.gone", b"x" * 90)
    t.mkdir(b"d", 0o755)
    t.setxattr(b"d", b"trusted.t", b"dir")
    t.removexattr(b"f", b"user.gone")
    t.remount()
    t.equal(sorted(t.listxattr(b"f")), [b"user.big", b"user.small"])
    t.equal((t.getxattr(b"f", b"user.big"), t.getxattr(b"d", b"trusted.t")), (bytes(range(256)), b"dir"))


def whose(t: Scenario) -> None:
    """By the eight modes: a reader gets, a writer sets and removes; others EACCES; trusted ones are root's."""
    _room(t)
    t.needs("permissions", "owners")
    t.chown(b"f", 1000, 100)
    t.setxattr(b"f", b"user.a", b"1")
    t.setxattr(b"f", b"trusted.t", b"1")
    for who, shift in ((t.process(1000), 6), (t.process(1001, 100), 3), (t.process(1002), 0)):
        for bits in (0, 2, 4, 6):
            t.chmod(b"f", bits << shift)
            calls: tuple[tuple[int, Callable[[Caller], object]], ...] = (
                (4, lambda who: who.getxattr(b"f", b"user.a")),
                (2, lambda who: who.setxattr(b"f", b"user.a", b"2")),
                (2, lambda who: who.removexattr(b"f", b"user.none")),
            )
            for need, call in calls:
                if not bits & need:
                    who.expect(e.EACCES, call, who)
                elif call is calls[2][1]:
                    who.expect(e.ENOATTR, call, who)
                else:
                    call(who)
            who.expect(e.EPERM, who.setxattr, b"f", b"trusted.t", b"2")
            t.equal(who.listxattr(b"f"), (b"user.a",))
