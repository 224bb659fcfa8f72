# SPDX-License-Identifier: BSD-2-Clause
"""The contract of truncate, sync, discard, extents and copy_range, on every host."""

from itertools import pairwise

import pytest

from rump.rumpuser.interface.errno import (
    EBADF,
    EFBIG,
    EINVAL,
    EOPNOTSUPP,
)
from rump.rumpuser.interface.hypercalls import (
    EXTENT_DATA,
    EXTENT_HOLE,
    OPEN_RDONLY,
    OPEN_RDWR,
    SYNC_ALL,
    SYNC_BARRIER,
    SYNC_DATA,
)

NO_HANDLE = 99
MIB = 1 << 20


def test_truncate(host, new, contents):
    handle = new(b"0123456789")
    host.truncate(handle, 4)
    assert contents(handle) == b"0123"
    host.truncate(handle, 8)
    assert contents(handle) == b"0123\0\0\0\0"


def test_truncate_impossible(host, new, refused):
    handle = new(b"abc")
    with refused(EINVAL):
        host.truncate(handle, -1)
    with refused(EFBIG, EINVAL):
        host.truncate(handle, 1 << 70)


def test_truncate_no_regular_file(host, folder, refused):
    with refused(EINVAL):
        host.truncate(host.open(b"/dev/null", OPEN_RDWR), 0)


@pytest.mark.parametrize("flags", [SYNC_DATA, SYNC_ALL, SYNC_BARRIER, SYNC_DATA | SYNC_BARRIER, SYNC_DATA | SYNC_ALL])
def test_sync(host, new, flags):
    handle = new(b"abc")
    host.sync(handle, flags)
    host.sync(handle, flags, 1, 1)
    host.sync(handle, flags, start=0, length=1 << 40)


@pytest.mark.parametrize("flags", [0, 8, -1])
def test_sync_unknown_flags(host, new, refused, flags):
    with refused(EINVAL):
        host.sync(new(), flags)


def test_sync_negative(host, new, refused):
    for start, length in ((-1, 0), (0, -1)):
        with refused(EINVAL):
            host.sync(new(), SYNC_DATA, start, length)


def test_discard(host, new, contents, refused):
    if "discard" in host.traits.absent:
        pytest.skip("absent")
    handle = new(b"x" * 16384)
    if not host.traits.punches_holes:
        with refused(EOPNOTSUPP):
            host.discard(handle, 4096, 4096)
        return
    host.discard(handle, 4096, 4096)
    host.discard(handle, 8200, 100)
    host.discard(handle, 0, 0)
    expected = bytearray(b"x" * 16384)
    expected[4096:8192] = bytes(4096)
    expected[8200:8300] = bytes(100)
    assert contents(handle) == expected


def test_discard_beyond_the_end_keeps_the_size(host, new, contents):
    if not host.traits.punches_holes:
        pytest.skip("cannot")
    handle = new(b"x" * 5000)
    host.discard(handle, 4096, 1 << 20)
    assert contents(handle) == b"x" * 4096 + bytes(904)


def test_discard_impossible(host, new, refused):
    if "discard" in host.traits.absent:
        pytest.skip("absent")
    for start, length in ((-1, 1), (0, -1)):
        with refused(EINVAL):
            host.discard(new(b"abc"), start, length)
    with refused(EBADF):
        host.discard(NO_HANDLE, 0, 1)


def test_extents_of_data(host, new):
    handle = new(b"x" * 10000)
    assert host.extents(handle, 0, 10000) == ((EXTENT_DATA, 0, 10000),)
    assert host.extents(handle, 5000, 1 << 40) == ((EXTENT_DATA, 5000, 5000),)
    assert host.extents(handle, 17, 3) == ((EXTENT_DATA, 17, 3),)


def test_extents_outside(host, new):
    handle = new(b"abc")
    assert host.extents(handle, 3, 10) == ()
    assert host.extents(handle, 100, 10) == ()
    assert host.extents(handle, 0, 0) == ()
    assert host.extents(new(), 0, 10) == ()


def test_extents_with_holes(host, new, contents):
    handle = new()
    host.truncate(handle, 4 * MIB)
    host.write(handle, b"data", MIB)
    host.write(handle, b"data", 3 * MIB)
    found = host.extents(handle, 0, 1 << 40)
    position = 0
    for kind, start, length in found:
        assert kind in (EXTENT_DATA, EXTENT_HOLE)
        assert start == position and length > 0
        position += length
    assert position == 4 * MIB
    assert all(one[0] != other[0] for one, other in pairwise(found))
    whole = contents(handle)
    assert not any(any(whole[start : start + length]) for kind, start, length in found if kind == EXTENT_HOLE)
    assert (len(found) > 1) == host.traits.finds_holes


def test_extents_inside_a_hole(host, new):
    handle = new()
    host.truncate(handle, 2 * MIB)
    kind = EXTENT_HOLE if host.traits.finds_holes else EXTENT_DATA
    assert host.extents(handle, 10, 20) == ((kind, 10, 20),)


def test_extents_impossible(host, new, refused):
    for start, length in ((-1, 1), (0, -1)):
        with refused(EINVAL):
            host.extents(new(b"abc"), start, length)


def test_copy_range(host, new, contents):
    source, target = new(b"0123456789"), new(b"abc")
    assert host.copy_range(source, 2, target, 5, 4) == 4
    assert contents(target) == b"abc\0\x002345"


def test_copy_range_to_the_end(host, new, contents):
    source, target = new(b"0123456789"), new()
    assert host.copy_range(source, 6, target, 0, 100) == 4
    assert host.copy_range(source, 10, target, 0, 5) == 0
    assert host.copy_range(source, 1000, target, 0, 5) == 0
    assert contents(target) == b"6789"


def test_copy_range_ends_where_the_source_ended(host, new):
    handle = new(b"0123456789")
    assert host.copy_range(handle, 0, handle, 50, 50) == 10
    assert host.getfileinfo(handle)[0] == 60


def test_copy_range_within_a_file(host, new, contents, path, refused):
    handle = new(b"01234567")
    other = host.open(path("file0"), OPEN_RDWR)
    assert host.copy_range(handle, 0, handle, 4, 4) == 4
    assert contents(handle) == b"01230123"
    for to in (handle, other):
        with refused(EINVAL):
            host.copy_range(handle, 0, to, 2, 4)


@pytest.mark.parametrize("where", [(-1, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_copy_range_impossible(host, new, refused, where):
    source, target = new(b"abc"), new(b"abc")
    with refused(EINVAL):
        host.copy_range(source, where[0], target, where[1], where[2])


def test_copy_range_big(host, new, contents):
    data = bytes(range(256)) * (3 * MIB // 256)
    source, target = new(data), new()
    assert host.copy_range(source, 0, target, 1, 3 * MIB) == 3 * MIB
    assert contents(target) == b"\0" + data


def test_copy_range_where_the_host_cannot(host, folder, new):
    # A character device is not for copy_file_range: the bytes go through a buffer instead.
    null = host.open(b"/dev/null", OPEN_RDWR)
    assert host.copy_range(new(b"abc"), 0, null, 0, 100) == 3
    zeros = host.open(b"/dev/zero", OPEN_RDONLY)
    target = new(b"abc")
    assert host.copy_range(zeros, 0, target, 1, 2) == 2
