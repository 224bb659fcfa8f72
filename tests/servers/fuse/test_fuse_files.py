# SPDX-License-Identifier: BSD-2-Clause
"""What programs do with files, done through a mount of an ext4 that e2fsck looks at in the end."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import stat
import struct
from pathlib import Path

import pytest
from fuse_mounts import run, tool

LIBC = ctypes.CDLL(None, use_errno=True)
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
NOREPLACE, EXCHANGE = 1, 2


def fallocate(fd: int, mode: int, offset: int, length: int) -> int:
    """fallocate(2); 0 or the errno."""
    if LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) == 0:
        return 0
    return ctypes.get_errno()


def rename(old: Path, new: Path, flags: int) -> int:
    """renameat2(2); 0 or the errno."""
    if LIBC.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) == 0:
        return 0
    return ctypes.get_errno()


def fails(number: int, call: object, *arguments: object, **named: object) -> None:
    """A call must fail with an errno."""
    with pytest.raises(OSError) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    assert caught.value.errno == number


def test_hard_links(place: Path) -> None:
    (place / "d").mkdir()
    (place / "d" / "a").write_bytes(b"x" * 5000)
    os.link(place / "d" / "a", place / "b")
    assert (place / "b").stat().st_ino == (place / "d" / "a").stat().st_ino
    assert (place / "b").stat().st_nlink == 2
    (place / "d" / "a").unlink()
    assert (place / "b").stat().st_nlink == 1
    assert (place / "b").read_bytes() == b"x" * 5000
    os.symlink("nowhere", place / "s")
    os.link(place / "s", place / "s2", follow_symlinks=False)
    assert os.readlink(place / "s2") == "nowhere"


def test_file_without_a_name(place: Path) -> None:
    file = os.open(place / "f", os.O_RDWR | os.O_CREAT)
    os.write(file, b"x" * 5000)
    (place / "f").unlink()
    (place / "f").write_bytes(b"another")
    assert os.fstat(file).st_nlink == 0
    assert os.fstat(file).st_size == 5000
    os.pwrite(file, b"yy", 0)
    os.fchmod(file, 0o604)
    os.ftruncate(file, 3)
    os.setxattr(file, "user.a", b"1")
    assert os.pread(file, 10, 0) == b"yyx"
    assert stat.S_IMODE(os.fstat(file).st_mode) == 0o604
    assert os.listdir(place) == ["f"]
    os.close(file)
    assert (place / "f").read_bytes() == b"another"


def test_working_directory_without_a_name(place: Path) -> None:
    (place / "d").mkdir()
    held = os.open(place / "d", os.O_PATH)
    (place / "d").rmdir()
    assert os.fstat(held).st_nlink == 0
    assert stat.S_ISDIR(os.fstat(held).st_mode)
    os.close(held)


def test_renames(place: Path) -> None:
    for name in "abc":
        (place / name).write_text(name)
    kept = (place / "a").stat().st_ino
    assert rename(place / "a", place / "b", NOREPLACE) == errno.EEXIST
    assert rename(place / "a", place / "b", EXCHANGE) == errno.EINVAL
    assert rename(place / "a", place / "new", NOREPLACE) == 0
    os.rename(place / "new", place / "c")
    assert (place / "c").stat().st_ino == kept
    assert sorted(os.listdir(place)) == ["b", "c"]
    (place / "x" / "y").mkdir(parents=True)
    (place / "x" / "y" / "z").write_text("deep")
    held = os.open(place / "x" / "y" / "z", os.O_RDONLY)
    os.rename(place / "x", place / "w")
    assert (place / "w" / "y" / "z").read_text() == "deep"
    assert os.read(held, 9) == b"deep"
    os.close(held)
    fails(errno.EINVAL, os.rename, place / "w", place / "w" / "y" / "w")


def test_holes(place: Path) -> None:
    file = os.open(place / "f", os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"q" * 4096, 1 << 20)
    assert os.fstat(file).st_blocks < 64
    assert os.lseek(file, 0, os.SEEK_DATA) == 1 << 20
    assert os.lseek(file, 1 << 20, os.SEEK_HOLE) == (1 << 20) + 4096
    fails(errno.ENXIO, os.lseek, file, (1 << 20) + 4096, os.SEEK_DATA)
    os.posix_fallocate(file, 0, 65536)
    assert os.fstat(file).st_blocks >= 128
    assert fallocate(file, PUNCH_HOLE | KEEP_SIZE, 1 << 20, 4096) == 0
    assert os.pread(file, 4, 1 << 20) == bytes(4)
    assert fallocate(file, KEEP_SIZE, 1 << 21, 4096) == errno.EOPNOTSUPP
    assert fallocate(file, ZERO_RANGE, 0, 4096) == 0
    assert os.fstat(file).st_size == (1 << 20) + 4096
    os.close(file)


def test_reading_and_writing(place: Path) -> None:
    one = os.open(place / "f", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    two = os.open(place / "f", os.O_WRONLY | os.O_APPEND)
    os.write(one, b"aa")
    os.write(two, b"bb")
    os.write(one, b"cc")
    os.close(one)
    os.close(two)
    assert (place / "f").read_bytes() == b"aabbcc"
    file = os.open(place / "f", os.O_RDWR | os.O_TRUNC)
    assert os.fstat(file).st_size == 0
    data = os.urandom(3_000_001)
    assert os.pwrite(file, data, 5) == len(data)
    assert os.pread(file, 4_000_000, 0) == bytes(5) + data
    with mmap.mmap(file, 10_000) as view:
        view[5000:5003] = b"mmm"
        view.flush()
    assert os.pread(file, 3, 5000) == b"mmm"
    other = os.open(place / "copy", os.O_RDWR | os.O_CREAT)
    assert os.copy_file_range(file, other, 10_000) == 10_000
    assert os.pread(other, 3, 5000) == b"mmm"
    os.fsync(file)
    os.fdatasync(other)
    os.close(file)
    os.close(other)


def test_attributes(place: Path) -> None:
    (place / "f").touch()
    os.utime(place / "f", ns=(123_456_789, -5_000_000_001))
    assert (place / "f").stat().st_atime_ns == 123_456_789
    assert (place / "f").stat().st_mtime_ns == -5_000_000_001
    times = struct.pack("qqqq", 0, (1 << 30) - 2, 0, (1 << 30) - 1)         # UTIME_OMIT, UTIME_NOW
    assert LIBC.utimensat(-100, os.fsencode(place / "f"), times, 0) == 0
    assert (place / "f").stat().st_atime_ns == 123_456_789
    assert (place / "f").stat().st_mtime_ns > 10**18
    os.symlink("x/y", place / "s")
    os.chown(place / "s", 5, 6, follow_symlinks=False)
    assert (place / "s").lstat().st_uid == 5
    assert (place / "s").lstat().st_gid == 6
    os.mknod(place / "b", stat.S_IFBLK | 0o640, os.makedev(259, 70_000))
    assert (place / "b").stat().st_rdev == os.makedev(259, 70_000)
    os.mkfifo(place / "p")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(place, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/k")        # a socket's path has 107 bytes at most
        os.close(here)
    assert stat.S_ISFIFO((place / "p").stat().st_mode)
    assert stat.S_ISSOCK((place / "k").stat().st_mode)
    assert " Birth: 2" in run("stat", place / "f") or " Birth: 1" in run("stat", place / "f")
    found = os.statvfs(place)
    assert found.f_namemax == 255
    assert 0 < found.f_bavail <= found.f_bfree <= found.f_blocks


def test_extended_attributes(place: Path) -> None:
    (place / "f").touch()
    os.setxattr(place / "f", "user.a", b"v" * 500)
    assert os.getxattr(place / "f", "user.a") == b"v" * 500
    os.setxattr(place / "f", "trusted.t", b"")
    assert sorted(os.listxattr(place / "f")) == ["trusted.t", "user.a"]
    fails(errno.EEXIST, os.setxattr, place / "f", "user.a", b"", os.XATTR_CREATE)
    os.removexattr(place / "f", "user.a")
    fails(errno.ENODATA, os.getxattr, place / "f", "user.a")
    fails(errno.ENODATA, os.setxattr, place / "f", "user.a", b"", os.XATTR_REPLACE)


def test_capabilities_go_when_a_file_is_written(place: Path) -> None:
    (place / "f").touch()
    os.setxattr(place / "f", "security.capability", bytes.fromhex("01000002" + "00040000" + 12 * "00"))
    with open(place / "f", "ab") as file:
        file.write(b"1")
    fails(errno.ENODATA, os.getxattr, place / "f", "security.capability")


def test_set_id_bits_go_when_others_write(place: Path) -> None:
    (place / "f").touch()
    os.chmod(place / "f", 0o6777)
    with open(place / "f", "ab") as file:
        file.write(b"root may")
    assert stat.S_IMODE((place / "f").stat().st_mode) == 0o6777
    place.chmod(0o777)
    run(tool("setpriv"), "--reuid=1000", "--regid=1000", "--clear-groups", "sh", "-c", f"echo x >> {place}/f")
    assert stat.S_IMODE((place / "f").stat().st_mode) == 0o777


def test_owners_of_what_is_made(place: Path) -> None:
    place.chmod(0o777)
    user = (tool("setpriv"), "--reuid=1000", "--regid=1001", "--clear-groups", "sh", "-c")
    run(*user, f"cd {place} && mkdir d && touch f && ln -s x s && mkfifo p")
    for name in "dfsp":
        assert ((place / name).lstat().st_uid, (place / name).lstat().st_gid) == (1000, 1001)
    (place / "g").mkdir()
    os.chown(place / "g", 0, 77)
    os.chmod(place / "g", 0o2777)
    run(*user, f"cd {place}/g && mkdir d && touch f")
    assert (place / "g" / "f").stat().st_gid == (place / "g" / "d").stat().st_gid == 77
    assert (place / "g" / "d").stat().st_mode & stat.S_ISGID
    os.chmod(place / "d", 0o700)
    os.chown(place / "d", 0, 0)
    run(*user, f"! ls {place}/d && ! touch {place}/d/x && ! chmod 777 {place}/d && ! rmdir {place}/d/x")


def test_file_flags(place: Path) -> None:
    chattr = tool("chattr")
    (place / "f").write_text("kept")
    run(chattr, "+i", place / "f")
    assert run("lsattr", place / "f").startswith("----i---")
    fails(errno.EPERM, (place / "f").unlink)
    fails(errno.EPERM, open, place / "f", "ab")
    run(chattr, "-i", place / "f")
    run(chattr, "+a", place / "f")
    with open(place / "f", "ab") as file:
        file.write(b", and more")
    fails(errno.EPERM, open, place / "f", "r+b")
    run(chattr, "-a", place / "f")
    assert (place / "f").read_text() == "kept, and more"


def test_big_directory(place: Path) -> None:
    for number in range(1500):
        (place / f"file number {number}").touch()
    names = os.listdir(place)
    assert len(names) == len(set(names)) == 1500
    with os.scandir(place) as entries:
        for entry in entries:
            os.unlink(entry.path)
    assert os.listdir(place) == []


def test_more_open_files_than_a_process_has(place: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3000, limits[1]), limits[1]))
    try:
        (place / "f").write_bytes(b"here")
        files = [os.open(place / "f", os.O_RDONLY) for _ in range(1100)]
        assert {os.pread(file, 9, 0) for file in files} == {b"here"}
        for file in files:
            os.close(file)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_errors(place: Path) -> None:
    (place / "d" / "e").mkdir(parents=True)
    (place / "f").touch()
    fails(errno.ENOTEMPTY, (place / "d").rmdir)
    fails(errno.ENAMETOOLONG, (place / ("n" * 256)).mkdir)
    fails(errno.ENOTDIR, (place / "f" / "x").stat)
    fails(errno.EISDIR, (place / "d").write_bytes, b"")
    fails(errno.ENOENT, (place / "none").unlink)
    fails(errno.EEXIST, (place / "d").mkdir)
    fails(errno.EISDIR, (place / "d").unlink)
