# SPDX-License-Identifier: BSD-2-Clause
"""The standard tree: what reading bodies find on every file system, as far as it can hold it.

Images are made of it by others' tools (`rump.conformance.images.build`); on a file system that can write the suite
makes it by system calls.
"""

from __future__ import annotations

from typing import NamedTuple

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Capabilities

SECOND = 10**9
WHEN = 1_000_000_000
"""When everything was last changed, seconds since 1970 (unless said otherwise); even, for FAT's sake."""
DAY_ONE = 315_532_800
"""1980-01-01."""


class Entry(NamedTuple):
    """A file.

    path, kind        kind is one of S_IFMT, or 0: another name of `target`
    mode, uid, gid    where they are kept
    mtime             nanoseconds since 1970
    size, pieces      of a regular file: (offset, bytes), holes between
    target            of a symbolic link, or the file this is another name of
    rdev              of a device
    xattrs            (name, value)
    needs             the capabilities without which it is left out
    """

    path: bytes
    kind: int = abi.S_IFREG
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = WHEN * SECOND
    size: int = 0
    pieces: tuple[tuple[int, bytes], ...] = ()
    target: bytes = b""
    rdev: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def contents(self) -> bytes:
        """All bytes of a regular file."""
        data = bytearray(self.size)
        for offset, piece in self.pieces:
            data[offset : offset + len(piece)] = piece
        return bytes(data)

    def fits(self, capabilities: Capabilities, extras: frozenset[str]) -> bool:
        """Whether a file system can hold it."""
        return (
            all(getattr(capabilities, name, name in extras) for name in self.needs)
            and (capabilities.time_min <= self.mtime <= capabilities.time_max)
            and self.mtime % capabilities.time_step == 0
            and len(self.path.rpartition(b"/")[2]) <= capabilities.name_max
        )


def pattern(length: int) -> bytes:
    """Bytes that tell where they are, and pack well in an image's text form."""
    line = b"".join(b"%07d\n" % number for number in range(64))
    return (line * (length // len(line) + 1))[:length]


def _file(path: bytes, data: bytes = b"", **more: object) -> Entry:
    return Entry(path, size=len(data), pieces=((0, data),) if data else ())._replace(**more)  # type: ignore[arg-type]


def _directory(path: bytes, **more: object) -> Entry:
    return Entry(path, abi.S_IFDIR, 0o755)._replace(**more)  # type: ignore[arg-type]


def _link(path: bytes, target: bytes) -> Entry:
    return Entry(path, abi.S_IFLNK, 0o777, size=len(target), target=target, needs=("symlinks",))


def _files() -> Iterator[Entry]:
    yield _file(b"empty")
    yield _file(b"small", b"hello\n")
    yield _file(b"lines", pattern(10_000))
    yield _file(b"Mixed Case.Text", b"mixed\n")
    yield _file("gr\u00fc\u00dfe".encode(), b"utf-8\n")
    yield _file(b"caf\xe9", b"latin-1\n", needs=("byte_names",))
    yield _file(b"n" * 255, b"long\n")
    yield _directory(b"dir")
    yield _directory(b"dir/sub")
    yield _directory(b"dir/sub/deeper")
    yield _file(b"dir/sub/deeper/file", b"deep\n")
    yield _directory(b"hollow")
    yield _directory(b"many")
    for number in range(40):
        yield _file(b"many/%02d-%s" % (number, b"x" * 100))


def _sparse_files() -> Iterator[Entry]:
    yield Entry(
        b"sparse", size=400_000, pieces=((0, pattern(4096)), (303_104, pattern(4096))), needs=("sparse",)
    )  # fmt: skip
    far = 70 << 20
    yield Entry(b"huge", size=far + 5, pieces=((far, b"tail\n"),), needs=("sparse",))
    yield Entry(b"hole", size=100_000, needs=("sparse",))
    yield Entry(b"reserved", size=16_384, pieces=((0, pattern(4096)),), needs=("unwritten",))


def _other_kinds() -> Iterator[Entry]:
    yield _link(b"fast", b"dir/sub")
    yield _link(b"slow", b"./" * 60 + b"small")
    yield _link(b"dangling", b"nowhere")
    yield _link(b"loop", b"loop")
    yield _link(b"absolute", b"/mnt/dir")
    yield _file(b"hard1", b"two names\n", needs=("hard_links",))
    yield Entry(b"dir/hard2", 0, size=10, target=b"hard1", needs=("hard_links",))
    yield Entry(b"null", abi.S_IFCHR, 0o666, rdev=abi.makedev(2, 2), needs=("devices",))
    yield Entry(b"disk", abi.S_IFBLK, 0o640, gid=5, rdev=abi.makedev(300, 70_000), needs=("devices",))
    yield Entry(b"fifo", abi.S_IFIFO, 0o600, needs=("fifos",))


def _attributes() -> Iterator[Entry]:
    yield _file(b"suid", b"#!\n", mode=0o4755, needs=("permissions",))
    yield _directory(b"sticky", mode=0o1777, needs=("permissions",))
    yield _file(b"private", b"mine\n", mode=0o600, uid=1000, gid=100, needs=("permissions", "owners"))
    yield _directory(b"closed", mode=0o700, uid=1000, gid=100, needs=("permissions", "owners"))
    yield _file(b"closed/inside", b"in\n", uid=70_000, gid=80_000, needs=("permissions", "owners"))
    yield _file(b"before", mtime=-1 * SECOND)
    yield _file(b"earliest", mtime=-(1 << 31) * SECOND)
    yield _file(b"eighties", mtime=DAY_ONE * SECOND)
    yield _file(b"nanoseconds", mtime=WHEN * SECOND + 123_456_789)
    yield _file(b"distant", mtime=(1 << 33) * SECOND + 1)
    xattrs = ((b"user.comment", b"a remark"), (b"user.empty", b""), (b"user.long", pattern(300)))
    yield _file(b"remarks", b"x\n", xattrs=xattrs, needs=("xattrs",))
    yield _directory(b"labelled", xattrs=((b"trusted.secret", b"\0\1"), (b"user.a", b"b")), needs=("xattrs",))


STANDARD: tuple[Entry, ...] = (*_files(), *_sparse_files(), *_other_kinds(), *_attributes())
"""Directories stand before what is in them."""


def populate(lwp: Lwp, entries: Iterable[Entry]) -> None:
    """Make the tree in the working directory; times last, for making a file changes its directory."""
    made = list(entries)
    for entry in made:
        _make(lwp, entry)
    for entry in reversed(made):
        if entry.kind:
            lwp.lutimens(entry.path, entry.mtime, entry.mtime)


def _make(lwp: Lwp, entry: Entry) -> None:
    if entry.kind == abi.S_IFDIR:
        lwp.mkdir(entry.path, 0o755)
    elif entry.kind == abi.S_IFLNK:
        lwp.symlink(entry.target, entry.path)
    elif entry.kind == abi.S_IFREG:
        fd = lwp.open(entry.path, abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL)
        for offset, piece in entry.pieces:
            lwp.pwrite(fd, piece, offset)
        if "unwritten" in entry.needs:
            lwp.posix_fallocate(fd, 0, entry.size)
        lwp.ftruncate(fd, entry.size)
        lwp.close(fd)
    elif entry.kind:
        lwp.mknod(entry.path, entry.kind | 0o600, entry.rdev)
    else:
        lwp.link(entry.target, entry.path)
    _set_attributes(lwp, entry)


def _set_attributes(lwp: Lwp, entry: Entry) -> None:
    capabilities = lwp.rump_capabilities(b".")
    if entry.kind and capabilities.owners:
        lwp.lchown(entry.path, entry.uid, entry.gid)
    if entry.kind not in (0, abi.S_IFLNK) and capabilities.permissions:
        lwp.chmod(entry.path, entry.mode)
    for name, value in entry.xattrs:
        lwp.setxattr(entry.path, name, value)
