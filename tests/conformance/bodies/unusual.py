# SPDX-License-Identifier: BSD-2-Clause
"""Names that are unusual, many or deep: what a format cannot hold it refuses (EINVAL), all else it holds as it is."""

from __future__ import annotations

from rump.conformance.scenario import Failed, Scenario, abi, e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def _make_all(t: Scenario, names: Iterable[bytes]) -> None:
    """Each name is made, found and listed as it was given, or refused; then removed."""
    held: list[bytes] = []
    for name in names:
        try:
            t.mkdir(name, 0o755)
        except OSError as error:
            if error.errno not in (e.EINVAL, e.EEXIST):
                raise
            if error.errno == e.EEXIST:
                t.true(not t.has("case_sensitive") or name in held, f"{name!r} was there")
            elif t.has("byte_names"):
                raise Failed(f"{name!r} is refused") from error
            continue
        held.append(name)
        t.true(t.lwp.lstat(name).st_mode & abi.S_IFMT == abi.S_IFDIR, "not found")
    t.equal(sorted(t.names(b".")), sorted(held))
    for name in held:
        t.lwp.rename(name, b"between")
        t.lwp.rename(b"between", name)
    t.equal(sorted(t.names(b".")), sorted(held))
    if t.has("persistent"):
        t.remount()
        t.equal(sorted(t.names(b".")), sorted(held))
    for name in held:
        t.lwp.rmdir(name)


def one_byte(t: Scenario) -> None:
    """Every byte but slash and NUL as a name of its own."""
    _make_all(t, (bytes([byte]) for byte in range(1, 256) if byte not in b"/."))


def inside(t: Scenario) -> None:
    """Every byte that is special to somebody, at the start, inside and at the end."""
    special = b" !\"#$%&'()*+,:;<=>?@[\\]^`{|}~\t\n\r\x01\x1b\x7f-_"
    _make_all(t, (form % bytes([byte]) for byte in special for form in (b"%sx", b"x%sx", b"x%s")))


def dots(t: Scenario) -> None:
    """Names of dots that are not "." nor "..", and dots before and behind."""
    _make_all(t, (b"...", b"....", b".x", b"..x", b"x.", b"x..", b".x.", b"x.y.z", b". .", b".. "))
    for name in (b".", b".."):
        t.expect(e.EEXIST, t.mkdir, name, 0o755)


def other_scripts(t: Scenario) -> None:
    """Letters of other scripts, composed and not, and outside the first 65,536."""
    words = (
        "\u00e4\u00f6\u00fc", "a\u0308o\u0308", "\u0395\u03bb\u03bb\u03ac\u03c2", "\u0420\u0443\u0441", "\u65e5\u672c",
        "\u05e9\u05dc", "\u0e44\u0e17\u0e22", "\U0001f600", "\U00010437x", "\u200b", "\ufeffx", "\u202ex", "\u0130",
        "\u00df", "\ufb01",
    )  # fmt: skip
    _make_all(t, (word.encode() for word in words))


def not_text(t: Scenario) -> None:
    """Bytes that are no UTF-8: overlong, cut short, surrogates, beyond the last letter."""
    _make_all(t, (
        b"\xff", b"\xc0\x80x", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\x80",
        b"x\xfe", b"\xf8\x88\x80\x80\x80",
    ))  # fmt: skip


def reserved_elsewhere(t: Scenario) -> None:
    """Names that some system has for itself are names like others."""
    _make_all(t, (
        b"con", b"NUL", b"aux.txt", b"lpt1", b"~", b"-rf", b"--", b"*", b"lost+found", b"core", b"desktop.ini",
        b"file;1", b"PROGRA~1", b"a b", b"%00", b"\\x", b"C:",
    ))  # fmt: skip


def every_length(t: Scenario) -> None:
    """A name of every length there may be, in one directory; one more is ENAMETOOLONG."""
    most = min(t.capabilities.name_max, 255)
    letter = b"l"
    t.mkdir(b"d", 0o755)
    t.chdir(b"d")
    lengths = [length for length in range(1, most + 1) if length < 40 or length % 8 in (0, 7) or length > most - 4]
    for length in lengths:
        t.lwp.mkdir(letter * length, 0o755)
    t.equal(sorted(map(len, t.names(b"."))), lengths)
    t.expect(e.ENAMETOOLONG, t.mkdir, letter * (t.capabilities.name_max + 1), 0o755)
    for length in reversed(lengths):
        t.lwp.rmdir(letter * length)
    t.equal(t.names(b"."), [])


def alike(t: Scenario) -> None:
    """Names that differ in their last byte only, or are the start of one another."""
    stem = b"a" * 60
    names = [stem + bytes([byte]) for byte in b"abcdefghijklmnop0123456789"] + [stem[:n] for n in range(1, 60, 3)]
    for name in names:
        t.lwp.mkdir(name, 0o755)
    for name in names:
        t.true(t.lwp.lstat(name).st_nlink, "not found")
    t.expect(e.ENOENT, t.stat, stem + b"q")
    t.equal(sorted(t.names(b".")), sorted(names))
    for name in names[::2]:
        t.lwp.rmdir(name)
    t.equal(sorted(t.names(b".")), sorted(names[1::2]))


def many_files(t: Scenario) -> None:
    """Three hundred files in a directory, found and listed; removed in another order than made, it is empty."""
    names = [b"%d" % (number * 7919 % 1000) + b"-file" for number in range(300)]
    t.mkdir(b"d", 0o755)
    for name in names:
        t.lwp.close(t.lwp.open(b"d/" + name, abi.O_WRONLY | abi.O_CREAT))
    t.equal(sorted(t.names(b"d")), sorted(names))
    for name in names[::17]:
        t.stat(b"d/" + name)
    t.expect(e.ENOTEMPTY, t.rmdir, b"d")
    t.stat(b"d")
    for name in sorted(names, key=lambda name: name[::-1]):
        t.lwp.unlink(b"d/" + name)
    t.equal(t.names(b"d"), [])
    t.rmdir(b"d")


def many_directories(t: Scenario) -> None:
    """A tree of four levels with four directories in each: links add up, and it is removed from below."""
    paths: list[bytes] = []

    def grow(path: bytes, depth: int) -> None:
        for letter in (b"a", b"b", b"c"):
            paths.append(path + letter)
            t.lwp.mkdir(path + letter, 0o755)
            if depth:
                grow(path + letter + b"/", depth - 1)

    grow(b"", 3)
    t.equal(t.stat(b".").st_nlink, 1 if t.has("one_link") else 5)
    t.equal(t.stat(b"a/b/c").st_nlink, 1 if t.has("one_link") else 5)
    t.expect(e.ENOTEMPTY, t.rmdir, b"b")
    t.rename(b"a", b"c/c/moved")
    t.equal(len(t.names(b"c/c/moved/b/c")), 3)
    t.rename(b"c/c/moved", b"a")
    for path in reversed(paths):
        t.lwp.rmdir(path)
    t.stat(b".")


def deeper_than_a_path(t: Scenario) -> None:
    """A tree deeper than any path: one gets down and up by steps, and getcwd tells all of it."""
    name = b"d" * min(200, t.capabilities.name_max)
    depth = abi.PATH_MAX // (len(name) + 1) + 2
    for _ in range(depth):
        t.lwp.mkdir(name, 0o755)
        t.lwp.chdir(name)
    t.write_file(b"deep", b"down here")
    t.equal(t.getcwd(), b"/mnt" + (b"/" + name) * depth)
    t.equal(t.read_file(b"deep"), b"down here")
    t.expect(e.ENAMETOOLONG, t.stat, b"/mnt" + (b"/" + name) * depth)
    fd = t.open(b".", abi.O_RDONLY)
    t.chdir(b"/mnt")
    t.equal(t.fstatat(fd, b"deep").st_size, 9)
    t.fchdir(fd)
    t.unlink(b"deep")
    for _ in range(depth):
        t.lwp.chdir(b"..")
        t.lwp.rmdir(name)
    t.equal(t.getcwd(), b"/mnt")
