# SPDX-License-Identifier: BSD-2-Clause
"""The contract of read, write and submit, on every host."""

import array

import pytest

from rump.rumpuser.interface.errno import (
    EBADF,
    EFBIG,
    EINVAL,
    EISDIR,
)
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
)

MIB = 1 << 20


def test_read(host, new):
    handle = new(bytes(range(256)))
    buffer = bytearray(16)
    assert host.read(handle, buffer, 100) == 16
    assert buffer == bytes(range(100, 116))


def test_read_past_the_end(host, new):
    handle = new(b"0123456789")
    buffer = bytearray(b"########")
    assert host.read(handle, buffer, 6) == 4
    assert buffer == b"6789####"


@pytest.mark.parametrize("offset", [10, 11, 1 << 40])
def test_read_at_and_behind_the_end(host, new, offset):
    handle = new(b"0123456789")
    buffer = bytearray(b"####")
    assert host.read(handle, buffer, offset) == 0
    assert buffer == b"####"


def test_read_nothing(host, new):
    assert host.read(new(b"abc"), bytearray(), 1) == 0


def test_read_into_a_part(host, new):
    buffer = bytearray(6)
    assert host.read(new(b"abcdef"), memoryview(buffer)[2:4], 1) == 2
    assert buffer == b"\0\0bc\0\0"


def test_read_into_an_array(host, new):
    numbers = array.array("I", [0, 0, 7])
    assert host.read(new(b"\1\0\0\0\2\0\0\0"), numbers, 0) == 8
    assert numbers.tobytes() == b"\1\0\0\0\2\0\0\0" + array.array("I", [7]).tobytes()


def test_the_buffer_is_not_kept(host, new):
    buffer = bytearray(4)
    handle = new(b"abcd")
    host.read(handle, buffer, 0)
    host.write(handle, buffer, 4)
    host.submit(handle, [(BIO_READ, buffer, 0), (BIO_WRITE, buffer, 0)])
    host.crc32c(0, buffer)
    host.crc32c_many([0], buffer, 0, 1, 1, 4)
    buffer.append(0)        # refused by a bytearray that somebody still looks at


@pytest.mark.parametrize("offset", [-1, -2, -(1 << 70), 1 << 63, 1 << 70])
def test_impossible_offsets(host, new, refused, offset):
    handle = new(b"abc")
    with refused(EINVAL):
        host.read(handle, bytearray(1), offset)
    with refused(EINVAL):
        host.write(handle, b"x", offset)
    assert host.submit(handle, [(BIO_READ, bytearray(1), offset)]) == (-EINVAL,)


def test_read_folder(host, folder, refused):
    with refused(EISDIR):
        host.read(host.open(folder, OPEN_RDONLY), bytearray(1), 0)


def test_access_modes(host, path, new, refused):
    new(b"abc")
    reader, writer = host.open(path("file0"), OPEN_RDONLY), host.open(path("file0"), OPEN_WRONLY)
    with refused(EBADF):
        host.write(reader, b"x", 0)
    with refused(EBADF):
        host.read(writer, bytearray(1), 0)
    with refused(EBADF):
        host.truncate(reader, 0)
    with refused(EBADF):
        host.copy_range(reader, 0, reader, 8, 1)
    with refused(EBADF):
        host.copy_range(writer, 0, writer, 8, 1)
    assert host.submit(reader, [(BIO_WRITE, b"x", 0)]) == (-EBADF,)


def test_write_returns_all(host, new, contents):
    handle = new()
    assert host.write(handle, b"hello", 0) == 5
    assert host.write(handle, memoryview(b"HE"), 0) == 2
    assert host.write(handle, bytearray(b""), 3) == 0
    assert contents(handle) == b"HEllo"


def test_write_leaves_a_gap_of_zeros(host, new, contents):
    handle = new(b"a")
    host.write(handle, b"z", 5)
    assert contents(handle) == b"a\0\0\0\0z"


def test_write_nothing_beyond_the_end(host, new):
    handle = new(b"abc")
    assert host.write(handle, b"", 100) == 0
    assert host.getfileinfo(handle)[0] == 3


def test_write_too_far(host, new, refused):
    with refused(EFBIG, EINVAL):
        host.write(new(), b"x", (1 << 63) - 1)      # some file systems hold a byte just before


def test_big_transfer(host, new):
    data = bytes(range(256)) * (MIB // 256)
    handle = new(data)
    buffer = bytearray(2 * MIB)
    assert host.read(handle, buffer, 0) == MIB
    assert buffer[:MIB] == data


def test_handles_are_independent(host, path, new, contents):
    first = new(b"one")
    second = host.open(path("file0"), OPEN_RDWR)
    host.write(second, b"ONE", 0)
    host.close(second)
    assert contents(first) == b"ONE"


def test_submit(host, new, contents):
    handle = new(b"0123456789")
    one, two = bytearray(4), bytearray(4)
    assert host.submit(handle, [(BIO_READ, one, 2), (BIO_WRITE, b"AB", 0), (BIO_READ, two, 8)]) == (4, 2, 2)
    assert (one, two) == (b"2345", b"89\0\0")
    assert contents(handle) == b"AB23456789"


def test_submit_nothing(host, new):
    assert host.submit(new(), ()) == ()


def test_submit_unknown_operation(host, new, refused, contents):
    handle = new(b"abc")
    with refused(EINVAL):
        host.submit(handle, [(BIO_WRITE, b"X", 0), (3, b"x", 0)])
    assert contents(handle) == b"abc"


def test_submit_failures_are_results(host, new):
    handle = new(b"abc")
    buffer = bytearray(3)
    assert host.submit(handle, [(BIO_READ, bytearray(1), -1), (BIO_READ, buffer, 0)]) == (-EINVAL, 3)
    assert buffer == b"abc"
