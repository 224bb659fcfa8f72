# SPDX-License-Identifier: BSD-2-Clause
"""The contract of files: opening, adopting, closing, and what a handle stands for; on every host."""

import os

import pytest

from rump.rumpuser.interface.errno import (
    EBADF,
    EEXIST,
    EINVAL,
    EISDIR,
    ENOENT,
)
from rump.rumpuser.interface.hypercalls import (
    EXTENT_DATA,
    FT_CHR,
    FT_DIR,
    FT_REG,
    OPEN_ACCMODE,
    OPEN_BIO,
    OPEN_CREATE,
    OPEN_EXCL,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
    SYNC_ALL,
)

NO_HANDLE = 99


def test_open_missing(host, path, refused):
    for flags in (OPEN_RDONLY, OPEN_WRONLY, OPEN_RDWR, OPEN_RDWR | OPEN_BIO):
        with refused(ENOENT):
            host.open(path("missing"), flags)


def test_open_creates(host, path):
    handle = host.open(path("new"), OPEN_RDWR | OPEN_CREATE)
    assert host.getfileinfo(handle) == (0, FT_REG, 512)


def test_open_creates_with_mode_0644(host, folder):
    mask = os.umask(0)
    try:
        host.close(host.open(folder + b"/new", OPEN_RDWR | OPEN_CREATE))
    finally:
        os.umask(mask)
    assert os.stat(folder + b"/new").st_mode & 0o7777 == 0o644


def test_open_leaves_contents(host, path, new, contents):
    new(b"contents")
    assert contents(host.open(path("file0"), OPEN_RDWR | OPEN_CREATE)) == b"contents"


def test_open_exclusively_what_exists(host, path, new, refused):
    new()
    with refused(EEXIST):
        host.open(path("file0"), OPEN_RDWR | OPEN_CREATE | OPEN_EXCL)


@pytest.mark.parametrize("flags", [OPEN_ACCMODE, 0x20, 0x1000, -1, OPEN_RDWR | OPEN_EXCL])
def test_open_with_unknown_flags(host, path, new, refused, flags):
    new()
    with refused(EINVAL):
        host.open(path("file0"), flags)


def test_open_path_with_nul(host, path, refused):
    with refused(EINVAL):
        host.open(path("a") + b"\0b", OPEN_RDWR | OPEN_CREATE)


def test_open_folder_for_writing(host, folder, refused):
    with refused(EISDIR):
        host.open(folder, OPEN_RDWR)


def test_open_names_the_path(host, path, refused):
    with refused(ENOENT) as refusal:
        host.open(path("missing"), OPEN_RDONLY)
    assert "missing" in str(refusal.error)


def test_handles_are_the_lowest_free(host, new):
    first, second, third = new(), new(), new()
    assert (first, second, third) == (3, 4, 5)
    host.close(second)
    assert new() == second


def test_paths_are_bytes(host, path):
    name = path("a") + b"\xff\xfe"
    host.close(host.open(name, OPEN_RDWR | OPEN_CREATE))
    assert host.getfileinfo(host.open(name, OPEN_RDONLY))[1] == FT_REG


def test_close(host, new, refused):
    handle = new()
    host.close(handle)
    for use in (host.close, host.getfileinfo):
        with refused(EBADF):
            use(handle)


def test_adopt(host, folder, contents):
    descriptor = os.open(folder + b"/adopted", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"mine")
    handle = host.adopt(descriptor)
    os.lseek(descriptor, 1, os.SEEK_SET)
    assert contents(handle) == b"mine"
    assert host.extents(handle, 0, 4) == ((EXTENT_DATA, 0, 4),)
    host.close(handle)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 1, "the program's own position has moved"
    os.close(descriptor)


def test_adopt_nothing(host, folder, refused):
    for descriptor in (-1, 1_000_000):
        with refused(EBADF):
            host.adopt(descriptor)


@pytest.mark.parametrize(
    "use",
    [
        lambda host, handle: host.close(handle),
        lambda host, handle: host.getfileinfo(handle),
        lambda host, handle: host.read(handle, bytearray(1), 0),
        lambda host, handle: host.write(handle, b"x", 0),
        lambda host, handle: host.submit(handle, []),
        lambda host, handle: host.truncate(handle, 0),
        lambda host, handle: host.sync(handle, SYNC_ALL),
        lambda host, handle: host.extents(handle, 0, 1),
        lambda host, handle: host.copy_range(handle, 0, handle, 10, 1),
    ],
)
def test_not_a_handle(host, refused, use):
    for handle in (NO_HANDLE, 0, -1):
        with refused(EBADF):
            use(host, handle)


def test_information(host, new):
    size, kind, sector = host.getfileinfo(new(b"12345"))
    assert (size, kind) == (5, FT_REG)
    assert sector == 512


def test_information_of_others(host, folder):
    assert host.getfileinfo(host.open(folder, OPEN_RDONLY))[1] == FT_DIR
    assert host.getfileinfo(host.open(b"/dev/null", OPEN_RDWR)) == (0, FT_CHR, 512)
