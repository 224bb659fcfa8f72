# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of filling new volumes share: making images, and what other people's readers say of them."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rump.kernel import abi, boot
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile
from rump.rumpuser.host import default

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Fill = Callable[["Tree"], None]

NOW = 1_600_000_000
NANO = 10**9
SECTOR = 2048
AUTHOR = {"author": ""}


def needs(*tools: str) -> pytest.MarkDecorator:
    """Skip a test where a tool is missing."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}")


class File(NamedTuple):
    """A file as a reader shows it; `what` are a regular file's contents, a link's target, a device's number."""

    mode: int
    uid: int
    gid: int
    mtime: int
    what: bytes | int


class Tree:
    """A mounted volume to fill, through the system calls of its kernel."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.lwp = kernel.lwp

    def put(self, path: str | bytes, data: bytes = b"", mode: int = 0o644) -> None:
        """A regular file."""
        fd = self.lwp.open(named(path), abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, mode)
        at = 0
        try:
            while at < len(data):
                at += self.lwp.write(fd, data[at : at + (1 << 20)])
        finally:
            self.lwp.close(fd)

    def mkdir(self, path: str | bytes, mode: int = 0o755) -> None:
        self.lwp.mkdir(named(path), mode)

    def populate(self, path: str | bytes, rows: list[tuple[bytes, bytes]], **more: Any) -> None:
        """Regular files of a directory, at once."""
        fd = self.lwp.open(named(path), abi.O_RDONLY | abi.O_DIRECTORY)
        full = [
            (name, abi.S_IFREG | 0o644, 0, 0, 0, b"", 0, NOW * NANO, NOW * NANO, 0, data, more.get("xattrs", ()))
            for name, data in rows
        ]  # fmt: skip
        assert set(self.lwp.rump_populate(fd, tuple(full))) <= {0}
        self.lwp.close(fd)


def named(path: str | bytes) -> bytes:
    return path if isinstance(path, bytes) else path.encode()


def author(path: Path, fill: Fill, options: dict[str, str] | None = None, *, size: int = 1 << 36) -> Path:
    """Make a volume on a sparse file, fill it, and cut the file to the volume's size."""
    with path.open("wb") as file:
        file.truncate(size)
    with boot(default()) as kernel:
        kernel.etfs_register(b"/dev/iso", os.fsencode(path), read_only=False)
        filled(kernel, fill, {"zeroed": "1", "time": str(NOW), **(options or {})})
    with path.open("r+b") as file:
        file.truncate(sectors_of(path) * SECTOR)
    return path


def filled(kernel: Any, fill: Fill, options: dict[str, str], mounting: dict[str, str] = AUTHOR) -> None:
    """Make a volume on /dev/iso and fill it."""
    kernel.newfs("cd9660", b"/dev/iso", options)
    lwp = kernel.lwp
    lwp.mkdir(b"/mnt", 0o755)
    lwp.umask(0)
    lwp.mount("cd9660", b"/mnt", device=b"/dev/iso", options=mounting)
    lwp.chdir(b"/mnt")
    try:
        fill(Tree(kernel))
    finally:
        lwp.chdir(b"/")
        lwp.unmount(b"/mnt")


def in_memory(fill: Fill, options: dict[str, str] | None = None, size: int = 4 << 20, **more: Any) -> bytes:
    """The same on a host in memory, whose clock stands; the volume's bytes."""
    platform = Memory(now=NOW * NANO, seed=1)
    platform.files[b"iso"] = MemoryFile(more.pop("before", None) or bytes(size))
    with boot(Bare(platform), **more) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        filled(kernel, fill, options or {})
    data = bytes(platform.files[b"iso"].data)
    return data[: volume_sectors(data) * SECTOR]


def volume_sectors(data: bytes) -> int:
    """How many sectors the primary descriptor says there are."""
    at = 16 * SECTOR + 80
    return int.from_bytes(data[at : at + 4], "little")


def sectors_of(path: Path) -> int:
    with path.open("rb") as file:
        return volume_sectors(file.read(17 * SECTOR))


def descriptors(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, bytes) of the volume descriptors."""
    for at in range(16 * SECTOR, len(data), SECTOR):
        yield data[at], data[at : at + SECTOR]
        if data[at] == 255:
            return


# ---- readers ---------------------------------------------------------------------------------------------------------


def run(*command: str | os.PathLike[str], **more: Any) -> bytes:
    """What a tool prints; it must not complain."""
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, **more)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def by_bsdtar(path: Path) -> dict[bytes, File]:
    """All there is as libarchive reads it from a pipe, hard links resolved, without the root."""
    with path.open("rb") as file:
        data = run("bsdtar", "-cf", "-", "--format=pax", "@-", stdin=file, env={**os.environ, "LC_ALL": "C.UTF-8"})
    found: dict[bytes, File] = {}
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as archive:
        for member in archive:
            name = os.fsencode(member.name)
            if name != b".":
                found[name] = _member(archive, member, found)
    return found


KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO,
}  # fmt: skip


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, found: dict[bytes, File]) -> File:
    if member.islnk():
        return found[os.fsencode(member.linkname)]
    what: bytes | int = b""
    if member.issym():
        what = os.fsencode(member.linkname)
    elif member.isdev() and not member.isfifo():
        what = abi.makedev(member.devmajor, member.devminor)
    elif member.isfile():
        content = archive.extractfile(member)
        assert content is not None
        what = content.read()
    kind = KINDS.get(member.type, stat.S_IFREG)
    return File(kind | member.mode, member.uid, member.gid, int(member.mtime), what)


def by_xorriso(path: Path, into: Path) -> dict[bytes, File]:
    """All there is as libisofs extracts it, without the root; links' modes are the host's."""
    into.mkdir(exist_ok=True)
    run("xorriso", "-osirrox", "on:sort_lba_off", "-indev", path, "-extract", "/", into)
    found = {}
    top = os.fsencode(into)
    for directory, names, files in os.walk(top):
        for name in names + files:
            full = os.path.join(directory, name)
            found[full[len(top) + 1 :]] = _host_file(full)
    for directory, _, _ in os.walk(top):
        os.chmod(directory, 0o755)
    return found


def _host_file(path: bytes) -> File:
    st = os.lstat(path)
    what: bytes | int = b""
    if stat.S_ISLNK(st.st_mode):
        what = os.readlink(path)
    elif stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            what = file.read()
    elif not stat.S_ISDIR(st.st_mode) and not stat.S_ISFIFO(st.st_mode) and not stat.S_ISSOCK(st.st_mode):
        what = abi.makedev(os.major(st.st_rdev), os.minor(st.st_rdev))
    return File(st.st_mode, st.st_uid, st.st_gid, int(st.st_mtime), what)


def by_us(data: bytes, options: dict[str, str] | None = None) -> dict[bytes, File]:
    """All there is as this kernel reads it, without the root."""
    platform = Memory(now=NOW * NANO, seed=1)
    platform.files[b"iso"] = MemoryFile(data)
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso")
        lwp = kernel.lwp
        lwp.mkdir(b"/mnt", 0o755)
        lwp.mount("cd9660", b"/mnt", abi.MNT_RDONLY, b"/dev/iso", options)
        lwp.chdir(b"/mnt")
        found = dict(inside(lwp))
        lwp.chdir(b"/")
    return found


def inside(lwp: Any) -> Iterator[tuple[bytes, File]]:
    """All files below the current directory of a process."""
    waiting = [b"."]
    while waiting:
        above = waiting.pop()
        fd = lwp.open(above, abi.O_RDONLY | abi.O_DIRECTORY)
        cookie = 0
        while cookie >= 0:
            rows, cookie = lwp.rump_listdir(fd, cookie)
            for name, _, _ in rows:
                path = name if above == b"." else above + b"/" + name
                st = lwp.lstat(path)
                what: bytes | int = b""
                kind = st.st_mode & abi.S_IFMT
                if kind == abi.S_IFDIR:
                    waiting.append(path)
                elif kind == abi.S_IFLNK:
                    what = lwp.readlink(path)
                elif kind == abi.S_IFREG:
                    what = contents(lwp, path, st.st_size)
                elif kind in (abi.S_IFCHR, abi.S_IFBLK):
                    what = st.st_rdev
                yield path, File(st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns // NANO, what)
        lwp.close(fd)


def contents(lwp: Any, path: bytes, size: int) -> bytes:
    fd = lwp.open(path, abi.O_RDONLY)
    try:
        data: bytes = lwp.pread(fd, size, 0)
        return data
    finally:
        lwp.close(fd)
