# SPDX-License-Identifier: BSD-2-Clause
"""Files with holes: what reads as zeros, what takes space, and where the data is."""

from __future__ import annotations

from rump.conformance.scenario import Scenario, abi, e, reading, v

FAR = 200_000


def behind_the_end(t: Scenario) -> None:
    """Writing behind the end leaves zeros between; where holes are kept they take no space."""
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    t.pwrite(fd, b"end", FAR)
    t.equal(t.pread(fd, 4, FAR - 2), b"\0\0en")
    t.equal(t.pread(fd, FAR, 0), bytes(FAR))
    st = t.fstat(fd)
    t.equal(st.st_size, FAR + 3)
    t.equal(st.st_blocks * 512 < FAR, t.has("sparse"))
    t.close(fd)


def grown(t: Scenario) -> None:
    """A file grown by truncate reads as zeros and is one hole."""
    t.write_file(b"f")
    t.truncate(b"f", 50_000)
    t.equal(t.read_file(b"f"), bytes(50_000))
    t.needs("sparse")
    fd = t.open(b"f", abi.O_RDONLY)
    t.equal(t.rump_extents(fd, 0, 1 << 30), ((v.HOLE, 0, 50_000),))
    t.equal(t.fstat(fd).st_blocks, 0)
    t.close(fd)


def filled(t: Scenario) -> None:
    """Writing into a hole takes space there only."""
    t.needs("sparse")
    t.write_file(b"f")
    t.truncate(b"f", 1 << 30)
    fd = t.open(b"f", abi.O_RDWR)
    t.pwrite(fd, b"middle", 1 << 29)
    t.true(t.fstat(fd).st_blocks * 512 <= 65_536, "more than the part written takes space")
    t.equal(t.pread(fd, 8, (1 << 29) - 1), b"\0middle\0")
    t.equal(t.lseek(fd, 0, abi.SEEK_DATA) <= 1 << 29, True)
    t.close(fd)


def cut_and_grown(t: Scenario) -> None:
    """What was cut off does not come back, inside a page or beyond."""
    t.write_file(b"f", b"x" * 40_000)
    t.truncate(b"f", 5)
    t.truncate(b"f", 40_000)
    t.equal(t.read_file(b"f"), b"xxxxx" + bytes(39_995))


def big_offsets(t: Scenario) -> None:
    """Offsets beyond 2^32 and close to the largest."""
    t.needs("sparse")
    fd = t.open(b"f", abi.O_RDWR | abi.O_CREAT)
    for offset in ((1 << 32) - 1, 1 << 40):
        if offset + 4 > t.capabilities.file_size_max:
            break
        t.pwrite(fd, b"here", offset)
        t.equal(t.pread(fd, 6, offset - 1), b"\0here")
        t.equal(t.lseek(fd, 0, abi.SEEK_END), offset + 4)
    longer = t.capabilities.file_size_max >= (1 << 40) + 4
    t.equal(t.pread(fd, 6, (1 << 32) - 2), b"\0here\0" if longer else b"\0here")
    t.close(fd)


def seek_errors(t: Scenario) -> None:
    """ENXIO: at or behind the end, and SEEK_DATA where only a hole is left."""
    t.write_file(b"f", b"x" * 10)
    fd = t.open(b"f", abi.O_RDONLY)
    t.equal((t.lseek(fd, 3, abi.SEEK_DATA), t.lseek(fd, 3, abi.SEEK_HOLE)), (3, 10))
    for offset in (10, 11, -1):
        t.expect(e.ENXIO, t.lseek, fd, offset, abi.SEEK_DATA)
        t.expect(e.ENXIO, t.lseek, fd, offset, abi.SEEK_HOLE)
    t.close(fd)
    t.needs("sparse")
    t.truncate(b"f", 100_000)
    fd = t.open(b"f", abi.O_RDONLY)
    t.expect(e.ENXIO, t.lseek, fd, 90_000, abi.SEEK_DATA)
    t.equal(t.lseek(fd, 90_000, abi.SEEK_HOLE), 90_000)
    t.close(fd)


@reading
def sparse_file(t: Scenario) -> None:
    """A file of two pieces and a hole, of others' making: contents, space, extents, seeks."""
    t.needs("sparse")
    entry = t.tree[b"sparse"]
    t.equal(t.read_file(b"sparse"), entry.contents)
    fd = t.open(b"sparse", abi.O_RDONLY)
    t.true(t.fstat(fd).st_blocks * 512 < entry.size, "holes take space")
    t.rump_extents(fd, 0, entry.size)
    t.rump_extents(fd, 100, 10_000)
    hole = t.lseek(fd, 0, abi.SEEK_HOLE)
    t.true(4096 <= hole < 303_104, "no hole behind the first piece")
    data = t.lseek(fd, hole, abi.SEEK_DATA)
    t.true(hole < data <= 303_104, "no data at the second piece")
    t.true(t.lseek(fd, data, abi.SEEK_HOLE) < entry.size, "no hole at the end")
    t.close(fd)


@reading
def huge_file(t: Scenario) -> None:
    """A hole of 70 MiB before five bytes."""
    t.needs("sparse")
    entry = t.tree[b"huge"]
    fd = t.open(b"huge", abi.O_RDONLY)
    t.equal(t.pread(fd, 10, entry.size - 7), b"\0\0tail\n")
    t.equal(t.pread(fd, 1000, 12_345_678), bytes(1000))
    t.true(t.fstat(fd).st_blocks * 512 < 65_536, "the hole takes space")
    t.true(t.lseek(fd, 0, abi.SEEK_DATA) > 70_000_000, "data in the hole")
    t.close(fd)


@reading
def nothing_but_hole(t: Scenario) -> None:
    """A file that is one hole."""
    t.needs("sparse")
    fd = t.open(b"hole", abi.O_RDONLY)
    t.equal(t.read(fd, 200_000), bytes(100_000))
    t.expect(e.ENXIO, t.lseek, fd, 0, abi.SEEK_DATA)
    t.equal(t.rump_extents(fd, 0, 1 << 30), ((v.HOLE, 0, 100_000),))
    t.close(fd)


@reading
def unwritten(t: Scenario) -> None:
    """Space set aside reads as zeros, counts as a hole, and is named."""
    t.needs("unwritten")
    entry = t.tree[b"reserved"]
    t.equal(t.read_file(b"reserved"), entry.contents)
    fd = t.open(b"reserved", abi.O_RDONLY)
    kinds = [run[0] for run in t.rump_extents(fd, 0, 1 << 20)]
    t.equal(kinds, [v.DATA, v.UNWRITTEN])
    t.equal(t.lseek(fd, 0, abi.SEEK_HOLE), 4096)
    t.equal(t.fstat(fd).st_blocks, 32)
    t.close(fd)


@reading
def copied_out(t: Scenario) -> None:
    """rump_copy_out leaves holes out, or writes them as zeros."""
    t.needs("sparse")
    entry = t.tree[b"sparse"]
    fd = t.open(b"sparse", abi.O_RDONLY)
    for sparse in (True, False):
        target = t.target()
        t.equal(t.rump_copy_out(fd, 0, entry.size, target, 0, sparse), entry.size)
        found = t.target_contents(target)
        t.equal(found + bytes(entry.size - len(found)), entry.contents)
        t.equal(len(found) == entry.size, not sparse)
    t.close(fd)


@reading
def extents_errors(t: Scenario) -> None:
    """EINVAL for directories and negative ranges; nothing behind the end."""
    fd = t.open(b"small", abi.O_RDONLY)
    t.equal(t.rump_extents(fd, 100, 10), ())
    t.expect(e.EINVAL, t.rump_extents, fd, -1, 1)
    t.close(fd)
    fd = t.open(b"dir", abi.O_RDONLY)
    t.expect(e.EINVAL, t.rump_extents, fd, 0, 1)
    t.expect(e.EINVAL, t.lseek, fd, 0, abi.SEEK_DATA)
    t.close(fd)
