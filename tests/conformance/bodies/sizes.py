# SPDX-License-Identifier: BSD-2-Clause
"""Files of sizes round every edge: of sectors, blocks, pages, of tables of blocks, of 32 bits (t_io's ground)."""

from __future__ import annotations

from rump.conformance.scenario import Failed, Scenario, abi, e
from rump.conformance.tree import pattern

EDGES = (511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 8192, 12_287, 12_288, 12_289, 16_384, 65_535, 65_536)


class _Model:
    """A file, and what it must have in it."""

    def __init__(self, t: Scenario, name: bytes) -> None:
        self.t = t
        self.fd: int = t.open(name, abi.O_RDWR | abi.O_CREAT)
        self.data = bytearray()

    def write(self, offset: int, data: bytes) -> None:
        self.t.equal(self.t.pwrite(self.fd, data, offset), len(data))
        self.data += bytes(max(0, offset + len(data) - len(self.data)))
        self.data[offset : offset + len(data)] = data

    def truncate(self, size: int) -> None:
        self.t.ftruncate(self.fd, size)
        del self.data[size:]
        self.data += bytes(size - len(self.data))

    def check(self) -> None:
        found = self.t.lwp.pread(self.fd, len(self.data) + 10, 0)
        if found != self.data:
            place = next(at for at in range(len(self.data)) if found[at : at + 1] != self.data[at : at + 1])
            raise Failed(f"byte {place} of {len(self.data)}: {found[place : place + 8]!r}")
        self.t.equal(self.t.lwp.fstat(self.fd).st_size, len(self.data))


def grown_to_every_edge(t: Scenario) -> None:
    """A file grown by truncation past each edge is zeros behind what was written, and stays so when written to."""
    model = _Model(t, b"f")
    model.write(0, b"start")
    for edge in EDGES:
        model.truncate(edge)
        model.check()
        model.write(edge - 1, b"!")
        model.check()


def cut_at_every_edge(t: Scenario) -> None:
    """A file cut at each edge loses what was behind it; growing again brings zeros."""
    model = _Model(t, b"f")
    model.write(0, pattern(70_000))
    for edge in reversed(EDGES):
        model.truncate(edge)
        model.check()
        model.truncate(edge + 100)
        model.check()


def written_across_every_edge(t: Scenario) -> None:
    """Writes of a few bytes across each edge change these bytes only."""
    model = _Model(t, b"f")
    model.write(0, pattern(70_000))
    for number, edge in enumerate(EDGES):
        model.write(edge - 2, bytes([65 + number]) * 5)
    model.check()
    for edge in EDGES:
        t.equal(t.pread(model.fd, 9, edge - 4), bytes(model.data[edge - 4 : edge + 5]))


def written_behind_every_edge(t: Scenario) -> None:
    """Writes behind the end, past each edge, leave zeros between."""
    model = _Model(t, b"f")
    for edge in EDGES:
        model.write(edge, b"behind")
        model.check()


def shrunk_while_read(t: Scenario) -> None:
    """A reader finds the end where it is now, and new bytes where the file grew again."""
    t.write_file(b"f", pattern(30_000))
    reader, writer = t.open(b"f", abi.O_RDONLY), t.open(b"f", abi.O_RDWR)
    for size in (29_999, 16_385, 4097, 1, 0):
        t.ftruncate(writer, size)
        t.equal(t.pread(reader, 30_000, 0), pattern(30_000)[:size])
        t.equal(t.pread(reader, 5, size), b"")
    t.pwrite(writer, b"new", 10_000)
    t.equal(t.pread(reader, 20_000, 0), bytes(10_000) + b"new")


def big_and_small(t: Scenario) -> None:
    """A file through all sizes of a table of blocks, up and down, with something at each; all its room comes back."""
    before = t.statvfs(b".").f_bfree
    model = _Model(t, b"f")
    for size in (5_000, 13_000, 70_000, 150_000, 90_000, 12_288, 60_000, 300, 110_000, 0):
        if size > len(model.data):
            model.write(len(model.data), pattern(size - len(model.data)))
        else:
            model.truncate(size)
        model.check()
    t.equal(t.statvfs(b".").f_bfree, before)


def truncated_by_path(t: Scenario) -> None:
    """truncate(2) and ftruncate(2) are one: by path, by descriptor, of an open file, of one without a name."""
    t.write_file(b"f", b"0123456789")
    fd = t.open(b"f", abi.O_RDWR)
    t.truncate(b"f", 5)
    t.equal(t.pread(fd, 20, 0), b"01234")
    t.ftruncate(fd, 7)
    t.equal(t.read_file(b"f"), b"01234\0\0")
    t.ftruncate(fd, 7)
    t.unlink(b"f")
    t.ftruncate(fd, 3)
    t.equal((t.pread(fd, 20, 0), t.fstat(fd).st_size), (b"012", 3))
    t.expect(e.ENOENT, t.truncate, b"f", 0)


def offsets_of_32_bits(t: Scenario) -> None:
    """Offsets on both sides of 2^31 and 2^32, to read, seek, write and truncate; EFBIG where the format ends."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    most = t.capabilities.file_size_max
    for place in ((1 << 31) - 2, (1 << 31) + 9, (1 << 32) - 2, (1 << 32) + 9, (1 << 40) + 3):
        t.equal(t.lseek(fd, place, abi.SEEK_SET), place)
        t.equal((t.pread(fd, 10, place), t.read(fd, 10)), (b"", b""))
        if place + 4 > most:
            t.expect(e.EFBIG, t.pwrite, fd, b"data", place)
            t.expect(e.EFBIG, t.ftruncate, fd, place + 4)
        elif t.has("sparse"):
            t.equal(t.pwrite(fd, b"data", place), 4)
            t.equal(t.pread(fd, 9, place - 2), b"\0\0data")
            t.equal(t.lseek(fd, 0, abi.SEEK_END), place + 4)
    t.ftruncate(fd, 10)
    t.equal(t.pread(fd, 20, 0), bytes(10))
    t.expect(e.EINVAL, t.lseek, fd, -1, abi.SEEK_SET)


def longest_reads(t: Scenario) -> None:
    """A read of more than there is returns what there is, however much more; of nothing, nothing."""
    t.write_file(b"f", b"short")
    fd = t.open(b"f", abi.O_RDONLY)
    for length in (5, 6, 4096, 1 << 20, 1 << 24):
        t.equal(t.pread(fd, length, 0), b"short")
        t.equal(t.pread(fd, length, 3), b"rt")
    t.equal((t.read(fd, 0), t.pread(fd, 0, 2), t.read(fd, 4)), (b"", b"", b"shor"))
    t.equal((t.read(fd, 4), t.read(fd, 4)), (b"t", b""))


def many_small_writes(t: Scenario) -> None:
    """Appended, rewritten and extended in odd pieces, the file is what a model says, after an unmount too."""
    model = _Model(t, b"f")
    for number in range(60):
        model.write(number * 997 % 20_000, b"%04d" % number * (1 + number % 13))
        if number % 11 == 10:
            model.truncate(len(model.data) - 777)
    model.check()
    t.close(model.fd)
    if t.has("persistent"):
        t.remount()
    t.equal(t.read_file(b"f"), bytes(model.data))
