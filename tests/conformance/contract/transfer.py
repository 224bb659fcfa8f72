# SPDX-License-Identifier: BSD-2-Clause
"""read, write and submit."""

from __future__ import annotations

from array import array

from rump.conformance.contract.scenario import ContractScenario
from rump.rumpuser.interface.errno import EBADF, EFBIG, EINVAL, EISDIR
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, OPEN_RDONLY, OPEN_RDWR, OPEN_WRONLY

_MIB = 1 << 20


def reads_what_is_there(t: ContractScenario) -> None:
    handle = t.new(bytes(range(256)))
    buffer = bytearray(16)
    t.equal(t.host.read(handle, buffer, 100), 16)
    t.equal(buffer, bytes(range(100, 116)))


def reads_past_the_end(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    buffer = bytearray(b"########")
    t.equal(t.host.read(handle, buffer, 6), 4)
    t.equal(buffer, b"6789####")


def reads_at_and_behind_the_end(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    buffer = bytearray(b"####")
    for offset in (10, 11, 1 << 40):
        t.equal(t.host.read(handle, buffer, offset), 0, f"at {offset}")
    t.equal(buffer, b"####")


def reads_nothing(t: ContractScenario) -> None:
    t.equal(t.host.read(t.new(b"abc"), bytearray(), 1), 0)


def reads_into_a_part(t: ContractScenario) -> None:
    buffer = bytearray(6)
    t.equal(t.host.read(t.new(b"abcdef"), memoryview(buffer)[2:4], 1), 2)
    t.equal(buffer, b"\0\0bc\0\0")


def reads_into_an_array(t: ContractScenario) -> None:
    """The count is of bytes, whatever the buffer's items are."""
    numbers = array("H", [0, 0, 0, 0, 7])
    data = bytes(range(8))
    t.equal(t.host.read(t.new(data), numbers, 0), 8)
    t.equal(numbers.tobytes(), data + array("H", [7]).tobytes())


def keeps_no_buffer(t: ContractScenario) -> None:
    buffer = bytearray(4)
    handle = t.new(b"abcd")
    t.host.read(handle, buffer, 0)
    t.host.write(handle, buffer, 4)
    t.host.submit(handle, [(BIO_READ, buffer, 0), (BIO_WRITE, buffer, 0)])
    t.host.crc32c(0, buffer)
    t.host.crc32c_many([0], buffer, 0, 1, 1, 4)
    try:
        buffer.append(0)        # refused by a bytearray that somebody still looks at
    except BufferError:
        t.true(False, "the host keeps the caller's buffer")


def impossible_offsets(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for offset in (-1, -2, -(1 << 70), 1 << 63, 1 << 70):
        with t.refused(EINVAL):
            t.host.read(handle, bytearray(1), offset)
        with t.refused(EINVAL):
            t.host.write(handle, b"x", offset)
        t.equal(t.host.submit(handle, [(BIO_READ, bytearray(1), offset)]), (-EINVAL,), f"at {offset}")
    t.equal(t.contents(handle), b"abc")


def a_folder_cannot_be_read(t: ContractScenario) -> None:
    handle = t.open_path(t.folder(), OPEN_RDONLY)
    with t.refused(EISDIR):
        t.host.read(handle, bytearray(1), 0)


def access_modes(t: ContractScenario) -> None:
    t.new(b"abc")
    reader, writer = t.open("file0", OPEN_RDONLY), t.open("file0", OPEN_WRONLY)
    for call, *arguments in (
        (t.host.write, reader, b"x", 0),
        (t.host.read, writer, bytearray(1), 0),
        (t.host.truncate, reader, 0),
        (t.host.copy_range, reader, 0, reader, 8, 1),
        (t.host.copy_range, writer, 0, writer, 8, 1),
    ):
        with t.refused(EBADF):
            call(*arguments)
    t.equal(t.host.submit(reader, [(BIO_WRITE, b"x", 0)]), (-EBADF,))
    t.equal(t.host.submit(writer, [(BIO_READ, bytearray(1), 0)]), (-EBADF,))
    t.equal(t.host.write(writer, b"X", 1), 1)
    t.equal(t.contents(reader), b"aXc")


def writes_all(t: ContractScenario) -> None:
    handle = t.new()
    t.equal(t.host.write(handle, b"hello", 0), 5)
    t.equal(t.host.write(handle, memoryview(b"HE"), 0), 2)
    t.equal(t.host.write(handle, bytearray(b""), 3), 0)
    t.equal(t.host.write(handle, array("H", [0x2121]), 5), 2)
    t.equal(t.contents(handle), b"HEllo!!")


def a_gap_is_zeros(t: ContractScenario) -> None:
    handle = t.new(b"a")
    t.host.write(handle, b"z", 5)
    t.equal(t.contents(handle), b"a\0\0\0\0z")
    t.host.write(handle, b"end", 100_000)
    t.equal(t.contents(handle), b"a\0\0\0\0z" + bytes(99_994) + b"end")


def writes_nothing_beyond_the_end(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    t.equal(t.host.write(handle, b"", 100), 0)
    t.equal(t.host.getfileinfo(handle)[0], 3, "size")


def writes_too_far(t: ContractScenario) -> None:
    handle = t.new()
    with t.refused(EFBIG, EINVAL):
        t.host.write(handle, b"x", (1 << 63) - 1)      # some file systems hold a byte just before


def big_transfers(t: ContractScenario) -> None:
    data = bytes(range(251)) * (_MIB // 251)
    handle = t.new(data)
    buffer = bytearray(_MIB + 100)
    t.equal(t.host.read(handle, buffer, 0), len(data))
    t.true(buffer[: len(data)] == data, "the bytes are others")
    t.true(not any(buffer[len(data) :]), "bytes behind those read have changed")


def handles_are_independent(t: ContractScenario) -> None:
    first = t.new(b"one")
    second = t.open("file0", OPEN_RDWR)
    t.host.write(second, b"ONE", 0)
    t.host.close(second)
    t.equal(t.contents(first), b"ONE")


def submits_in_any_order_and_tells_in_order(t: ContractScenario) -> None:
    handle = t.new(b"0123456789")
    one, two = bytearray(4), bytearray(4)
    t.equal(t.host.submit(handle, [(BIO_READ, one, 2), (BIO_WRITE, b"AB", 0), (BIO_READ, two, 8)]), (4, 2, 2))
    t.equal((one, two), (b"2345", b"89\0\0"))
    t.equal(t.contents(handle), b"AB23456789")


def submits_nothing(t: ContractScenario) -> None:
    t.equal(t.host.submit(t.new(), ()), ())


def an_unknown_operation_stops_all(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    for operation in (0, 3, -1):
        with t.refused(EINVAL):
            t.host.submit(handle, [(BIO_WRITE, b"X", 0), (operation, b"x", 0)])
    t.equal(t.contents(handle), b"abc")


def what_befalls_a_request_is_its_result(t: ContractScenario) -> None:
    handle = t.new(b"abc")
    buffer = bytearray(3)
    t.equal(t.host.submit(handle, [(BIO_READ, bytearray(1), -1), (BIO_READ, buffer, 0)]), (-EINVAL, 3))
    t.equal(buffer, b"abc")
