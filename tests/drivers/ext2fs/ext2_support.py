# SPDX-License-Identifier: BSD-2-Clause
"""What the ext2fs tests share: devices, a tree of awkward files, other people's tools, and comparisons."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from rump.drivers.fs.ext2fs import driver
from rump.kernel import abi
from rump.kernel.callout import Callout
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

ROOT = os.geteuid() == 0
MKE2FS, DEBUGFS, E2FSCK, DUMPE2FS = (shutil.which(t) for t in ("mke2fs", "debugfs", "e2fsck", "dumpe2fs"))

needs_mke2fs = pytest.mark.skipif(not (MKE2FS and DEBUGFS), reason="e2fsprogs is not installed")
needs_root = pytest.mark.skipif(not ROOT, reason="needs root and loop devices")

HOST = default()


class Bytes(BlockDevice):
    """A device of bytes in memory."""

    def __init__(self, data: bytes, name: str = "memory") -> None:
        self.data = data
        self.name = name
        self.size = len(data)
        self.sector_size = 512
        self.read_only = True
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        if offset < 0 or length < 0 or offset + length > self.size:
            raise fault(e.EIO, f"{self.name}: {length} bytes at {offset}")
        return self.data[offset : offset + length]

    def readinto(self, offset: int, buffer) -> None:
        memoryview(buffer)[:] = self.read(offset, len(buffer))


class File(Bytes):
    """A device on a host file."""

    def __init__(self, path) -> None:
        super().__init__(b"", os.fspath(path))
        self.file = open(path, "rb", buffering=0)  # noqa: SIM115
        self.size = os.fstat(self.file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        if offset < 0 or length < 0 or offset + length > self.size:
            raise fault(e.EIO, f"{self.name}: {length} bytes at {offset}")
        return os.pread(self.file.fileno(), length, offset)

    def __del__(self) -> None:
        self.file.close()


def lock() -> SleepLock:
    """A lock nobody contends for."""
    return SleepLock(VirtualCPU(HOST))


def schedule(delay: int, function) -> Callout:
    """What is scheduled never happens."""
    return Callout(0, function)


def services(log=None) -> v.Services:
    """The kernel's services, from this host; lines logged go to `log`, or fail the test."""

    def unexpected(text: str) -> None:
        raise AssertionError(f"logged: {text}")

    say = unexpected if log is None else log.append
    return v.Services(lambda: 0, os.urandom, say, HOST.crc32c, HOST.crc32c_many, lock, schedule)


def mount(device, log=None, cache_bytes=16 << 20, **options):
    """Mount a device, bytes or a path."""
    if isinstance(device, bytes):
        device = Bytes(device)
    elif not isinstance(device, BlockDevice):
        device = File(device)
    return driver.mount(v.MountArguments(device, services(log), options=options, cache_bytes=cache_bytes))


# ---- tools ---------------------------------------------------------------------------------------------------------


def run(*command, **keywords) -> str:
    """A tool's output; it must succeed."""
    done = subprocess.run([os.fspath(c) for c in command], capture_output=True, check=False, **keywords)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout.decode("utf-8", "surrogateescape")


def mke2fs(image: Path, size: str, *options: str, tree: Path | None = None) -> Path:
    """Make an image, of `tree` if given.  The clock and the random numbers are fixed."""
    environment = {**os.environ, "MKE2FS_DETERMINISTIC": "1", "E2FSPROGS_FAKE_TIME": "1700000000"}
    uuid = "-U", "01234567-89ab-cdef-0123-456789abcdef", "-E", "hash_seed=fedcba98-7654-3210-fedc-ba9876543210"
    if any(option == "-E" for option in options):
        uuid = uuid[:2]
    source = ("-d", tree) if tree else ()
    run(MKE2FS, "-q", "-F", *uuid, *options, *source, image, size, env=environment)
    return image


def debugfs(image: Path, *commands: str, write: bool = True) -> str:
    """Run debugfs commands."""
    text = "".join(f"{command}\n" for command in commands)
    return run(DEBUGFS, *(("-w",) if write else ()), "-f", "-", image, input=text.encode())


@contextlib.contextmanager
def loop_mounted(image: Path, where: Path, options: str = "ro"):
    """The image mounted by the Linux kernel."""
    where.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-o", f"loop,{options}", image, where], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this kernel does not mount it: {done.stderr.decode().strip()}")
    try:
        yield where
    finally:
        run("umount", where)


# ---- a tree with one of everything ---------------------------------------------------------------------------------

LONG = b"n" * 255
SPARSE_SIZE = 3_000_000


def make_tree(root: Path) -> Path:
    """Files of every kind and size, with awkward names, times, owners and attributes (the latter two as root)."""
    base = os.fsencode(root)
    os.mkdir(base)

    def put(name: bytes, data: bytes, mode: int = 0o644) -> bytes:
        path = base + b"/" + name
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        return path

    for size in (0, 1, 59, 60, 61, 100, 150, 159, 160, 161, 1023, 1024, 1025, 4096, 5000, 65536, 65537, 300_000):
        put(b"size%d" % size, hashlib.sha512(b"%d" % size).digest() * (size // 64) + b"q" * (size % 64))
    put(b"setuid", b"s", 0o6755)
    put(b"not-utf8-\xff\xfe\x80", b"bytes")
    put("ünïcode".encode(), b"text")
    put(LONG, b"long")
    put(b"with space\nand newline", b"")
    with open(base + b"/sparse", "wb") as file:
        for at in (0, 200_000, 1_000_001):
            file.seek(at)
            file.write(b"data" * 3000)
        file.truncate(SPARSE_SIZE)
    os.mkdir(base + b"/folder")
    os.mkdir(base + b"/folder/empty")
    os.mkdir(base + b"/many")
    for number in range(300):
        put(b"many/file-%03d" % number, b"%d" % number)
    os.link(base + b"/size100", base + b"/folder/hard")
    for length in (1, 58, 59, 60, 61, 150, 1000):
        os.symlink(b"l" * length, base + b"/folder/link%d" % length)
    os.mkfifo(base + b"/folder/fifo")
    with contextlib.chdir(root / "folder"), socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    attributes(base)
    if ROOT:
        privileged(base)
    for number, seconds in enumerate((0, 1, -1, -1_000_000_000, 2_000_000_000)):
        path = put(b"time%d" % number, b"t")
        os.utime(path, (seconds + 7, seconds))
    return root


def attributes(base: bytes) -> None:
    """Extended attributes any user may set."""
    os.setxattr(base + b"/size1", b"user.small", b"value")
    os.setxattr(base + b"/size1", b"user.other", b"another value")
    os.setxattr(base + b"/size1", b"user.none", b"")
    os.setxattr(base + b"/size60", b"user.big", b"B" * 700)
    os.setxattr(base + b"/size60", b"user.\xc3\xa4\xff", b"high bytes")
    os.setxattr(base + b"/folder", b"user.of-folder", b"1")


def privileged(base: bytes) -> None:
    """Device nodes, owners, and the attributes only root may set."""
    os.mknod(base + b"/folder/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(base + b"/folder/large", 0o600 | stat.S_IFBLK, os.makedev(259, 70000))
    os.mknod(base + b"/folder/zero", 0o600 | stat.S_IFCHR, os.makedev(0, 0))
    os.chown(base + b"/size61", 70000, 4_000_000_000)
    os.setxattr(base + b"/size59", b"security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    os.setxattr(base + b"/size59", b"trusted.secret", b"\0\1\2")
    header, user, mask = b"\2\0\0\0", b"\1\0\6\0\xff\xff\xff\xff", b"\x10\0\7\0\xff\xff\xff\xff"
    named = b"\2\0\7\0\x39\5\0\0"
    rest = b"\4\0\4\0\xff\xff\xff\xff", b"\x20\0\4\0\xff\xff\xff\xff"
    acl = header + user + named + rest[0] + mask + rest[1]
    os.setxattr(base + b"/size100", b"system.posix_acl_access", acl)
    os.setxattr(base + b"/folder", b"system.posix_acl_default", acl)


# ---- what a volume holds ---------------------------------------------------------------------------------------------


def read_file(volume, attributes) -> bytes:
    """A regular file's bytes, read by runs as the kernel does; the runs themselves are checked too."""
    handle, size = attributes[:2], attributes[v.SIZE]
    pieces, at = [], 0
    while at < size:
        runs = volume.map(handle, at, size - at)
        assert runs, (handle, at, size)
        for kind, offset, length, place in runs:
            assert offset == at and length > 0 and at + length <= size, (runs, at)
            if kind == v.DATA:
                pieces.append(volume.device.read(place, length))
            elif kind == v.INLINE:
                pieces.append(volume.read(handle, offset, length))
            else:
                pieces.append(bytes(length))
            at += length
    assert volume.map(handle, size, 1) == ()
    return b"".join(pieces)


def listing(volume, handle, count=1 << 20, call="list_attributes"):
    """All entries of a directory, `count` at a time."""
    cookie, entries = 0, []
    while cookie != v.END:
        part, cookie = getattr(volume, call)(handle, cookie, count)
        entries.extend(part)
    return entries


def walk(volume, handle=None, path=b""):
    """(path, attributes) of everything below a directory."""
    for name, _, found in listing(volume, handle or volume.root()[:2]):
        yield path + b"/" + name, found
        if found and found[v.MODE] & abi.S_IFMT == abi.S_IFDIR:
            yield from walk(volume, found[:2], path + b"/" + name)


def walk_everything(volume, budget: int = 20_000) -> int:
    """Touch all there is to read, for damaged volumes: faults are ignored, but not those no check foresaw."""
    seen = 0

    def attempt(function, *arguments):
        try:
            return function(*arguments)
        except Fault as error:
            assert error.__cause__ is None, error.__cause__
            return None

    attempt(volume.statvfs)
    attempt(volume.describe)
    root = attempt(volume.root)
    todo = [root] if root else []
    known = set()
    while todo and seen < budget:
        found = todo.pop()
        handle = found[:2]
        for name in attempt(volume.list_xattr, handle) or ():
            attempt(volume.get_xattr, handle, name)
        kind = found[v.MODE] & abi.S_IFMT
        if kind == abi.S_IFDIR and handle not in known:
            known.add(handle)
            entries = attempt(listing, volume, handle, 500) or []
            for name, _, child in entries:
                seen += 1
                assert name and b"/" not in name and b"\0" not in name and name not in (b".", b"..")
                if child:
                    todo.append(child)
            for name, _, _ in entries[:3]:
                attempt(volume.lookup, handle, name)
        elif kind == abi.S_IFLNK:
            attempt(volume.readlink, handle)
        elif kind == abi.S_IFREG:
            attempt(volume.map, handle, 0, 1 << 62)
            attempt(volume.read, handle, 0, 1 << 20)
    return seen


def snapshot(volume, exact_times: bool = True):
    """path -> what a file is, in the form of `snapshot_of_folder`."""
    result = {}
    inodes = {}
    for path, found in [(b"", volume.root()), *walk(volume)]:
        assert found is not None, path
        handle = found[:2]
        kind = found[v.MODE] & abi.S_IFMT
        body: object = None
        if kind == abi.S_IFLNK:
            body = volume.readlink(handle)
        elif kind == abi.S_IFREG:
            body = hashlib.sha256(read_file(volume, found)).hexdigest()
        names = volume.list_xattr(handle)
        assert len(set(names)) == len(names)
        first = inodes.setdefault(found[v.FILEID], path)
        device = abi.major(found[v.RDEV]), abi.minor(found[v.RDEV])
        times = (found[v.MTIME], found[v.ATIME], found[v.CTIME]) if exact_times else (found[v.MTIME] // 10**9,)
        result[path] = (
            found[v.MODE], found[v.UID], found[v.GID], device, found[v.SIZE] if kind != abi.S_IFDIR else 0,
            found[v.NLINK] if kind != abi.S_IFDIR else 0,
            times, first, body, {name: volume.get_xattr(handle, name) for name in names},
        )  # fmt: skip
    return result


def snapshot_of_folder(root: Path, exact_times: bool = True, ignore: tuple[bytes, ...] = (b"security.selinux",)):
    """path -> what a file is: mode, owners, device, size, links, times, first name, contents, attributes."""
    base = os.fsencode(root)
    result = {}
    inodes = {}
    todo = [b""]
    while todo:
        path = todo.pop(0)
        full = base + path
        info = os.lstat(full)
        kind = stat.S_IFMT(info.st_mode)
        body: object = None
        if kind == stat.S_IFLNK:
            body = os.readlink(full)
        elif kind == stat.S_IFREG:
            body = hashlib.sha256(Path(os.fsdecode(full)).read_bytes()).hexdigest()
        elif kind == stat.S_IFDIR:
            todo.extend(path + b"/" + name for name in sorted(os.listdir(full)))
        names = [os.fsencode(n) for n in os.listxattr(full, follow_symlinks=False)]
        xattrs = {n: os.getxattr(full, n, follow_symlinks=False) for n in names if n not in ignore}
        inodes.setdefault(info.st_ino, []).append(path)
        times = (info.st_mtime_ns, info.st_atime_ns, info.st_ctime_ns) if exact_times else (info.st_mtime_ns // 10**9,)
        device = (os.major(info.st_rdev), os.minor(info.st_rdev)) if kind in (stat.S_IFCHR, stat.S_IFBLK) else (0, 0)
        result[path] = [
            info.st_mode, info.st_uid, info.st_gid, device, info.st_size if kind != stat.S_IFDIR else 0,
            info.st_nlink if kind != stat.S_IFDIR else 0, times, info.st_ino, body, xattrs,
        ]  # fmt: skip
    for row in result.values():
        row[7] = inodes[row[7]]
    return {path: tuple(row) for path, row in result.items()}


def assert_same(ours, theirs, ignore: tuple[bytes, ...] = (b"/lost+found",)) -> None:
    """Compare two snapshots.  Hard links: the same names share a file, whichever comes first."""
    ours = {path: row for path, row in ours.items() if path not in ignore}
    theirs = {path: row for path, row in theirs.items() if path not in ignore}
    assert sorted(ours) == sorted(theirs)
    for path, row in ours.items():
        assert row[:7] == theirs[path][:7] and row[8:] == theirs[path][8:], path
        assert row[7] in theirs[path][7], path
