# SPDX-License-Identifier: BSD-2-Clause
"""Files: what others read of what was written, clusters in one piece and in many, what was never written, names, flags,
times, and entries that are not ours."""

from __future__ import annotations

import subprocess

import pytest
from exfat_model import row
from exfat_support import FLS, ICAT, MNT, Memory, Session, fsck, make, mount, needs_exfatprogs, needs_sleuthkit, pattern

from rump.drivers.fs.exfat import disk, lookup
from rump.drivers.fs.exfat.checksum import set_checksum
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_exfatprogs
REG, DIR = abi.S_IFREG | 0o644, abi.S_IFDIR | 0o755
ROOT = (1, 0)


@pytest.fixture
def image(tmp_path):
    return make(tmp_path / "image", 4 << 20, 1024)


def write(volume, file, offset: int, data: bytes) -> v.Attributes:
    """As the kernel does."""
    done = 0
    while done < len(data):
        runs = volume.reserve(file, offset + done, len(data) - done)
        assert runs[0][1] <= offset + done < runs[0][1] + runs[0][2]
        count = 0
        for _, start, length, place in runs:
            whole = bytes(max(0, offset + done - start)) + data[max(0, start - offset) :][:length]
            volume.device.write(place, whole[:length].ljust(length, b"\0"))
            count = start + length - offset - done
        count = min(count, len(data) - done)
        attributes = volume.commit_write(file, offset + done, count)
        done += count
    return attributes


def create(volume, name: bytes, directory=ROOT, mode: int = REG):
    return volume.create(directory, name, mode, 0, 0, 0, b"")[0][:2]


def fields(volume, name: bytes):
    slot = volume._slot(volume._directory(ROOT), name)
    return volume._directory(ROOT).fields(slot)


def finish(volume, path) -> None:
    """Unmount, and have fsck.exfat look."""
    volume.unmount()
    path.write_bytes(volume.device.data)
    fsck(path)


def writable(path) -> object:
    return mount(Memory(path.read_bytes(), read_only=False), write=True)


# ---- others read it --------------------------------------------------------------------------------------------------


@needs_sleuthkit
@pytest.mark.parametrize(("cluster", "sector"), [(512, 512), (4096, 512), (4096, 4096)])
def test_sleuthkit_reads_what_was_written(tmp_path, cluster, sector):
    """Names and contents, of files in one piece and in several."""
    path = make(tmp_path / "image", 8 << 20, cluster, sector)
    names = [b"plain", "Ünï cödé €.txt".encode(), "emoji 😀".encode(), b"l" * 255, b"MiXeD", b"a" * 15, b"a" * 16]
    with Session(path) as session:
        session.lwp.mkdir(MNT + b"/dir", 0o755)
        for number, name in enumerate(names):
            session.write(name, pattern(number, 5000 * number))
        for turn in range(4):
            for name in (b"dir/one", b"dir/two"):
                session.write(name, pattern(turn, 3000), turn * 3000)
        tree = session.tree()
    said = subprocess.run([FLS, "-f", "exfat", "-r", "-p", "-u", path], capture_output=True, check=True).stdout
    found = {}
    for line in said.splitlines():
        kind, _, rest = line.partition(b" ")
        number, _, name = rest.partition(b":\t")
        if not name.startswith(b"$") and b"Volume Label" not in name and kind[:3] in (b"r/r", b"d/d"):
            found[name] = number.decode()
    assert sorted(found) == sorted(tree)
    for name, data in tree.items():
        if data is not None:
            out = subprocess.run([ICAT, "-f", "exfat", path, found[name]], capture_output=True, check=True).stdout
            assert out == data


# ---- clusters --------------------------------------------------------------------------------------------------------


def test_contiguous_as_long_as_it_can_be(image):
    """A file grows in one piece, without the table; when something is in the way it gets a chain, with all it had."""
    volume = writable(image)
    one = create(volume, b"one")
    write(volume, one, 0, pattern(1, 10_000))
    write(volume, one, 10_000, pattern(2, 10_000))
    assert fields(volume, b"one")[lookup.FLAGS] == disk.SPACE_POSSIBLE | disk.NO_FAT_CHAIN
    two = create(volume, b"two")
    write(volume, two, 0, pattern(3, 1000))
    write(volume, one, 20_000, pattern(4, 10_000))
    assert fields(volume, b"one")[lookup.FLAGS] == disk.SPACE_POSSIBLE
    runs = volume.map(one, 0, 30_000)
    assert [run[:3] for run in runs] == [(v.DATA, 0, 20_480), (v.DATA, 20_480, 9520)]
    volume.set_attributes(one, ((v.SIZE, 5000),))
    assert fields(volume, b"one")[lookup.FLAGS] == disk.SPACE_POSSIBLE
    volume.set_attributes(two, ((v.SIZE, 0),))
    found = fields(volume, b"two")
    assert (found[lookup.FLAGS], found[lookup.FIRST_CLUSTER]) == (disk.SPACE_POSSIBLE, 0)
    finish(volume, image)


def test_what_was_never_written(image):
    """A file that is made longer has space that reads as zeros, whatever was there; a write behind it fills the gap."""
    volume = writable(image)
    file = create(volume, b"file")
    write(volume, file, 0, b"begin")
    volume.set_attributes(file, ((v.SIZE, 100_000),))
    assert volume.map(file, 0, 100_000) == (
        (v.DATA, 0, 5, volume.map(file, 0, 5)[0][3]), (v.UNWRITTEN, 5, 99_995, 0)
    )  # fmt: skip
    assert fields(volume, b"file")[lookup.VALID_LENGTH] == 5
    write(volume, file, 60_000, b"middle")
    assert [run[:3] for run in volume.map(file, 0, 100_000)] == [(v.DATA, 0, 60_006), (v.UNWRITTEN, 60_006, 39_994)]
    place = volume.map(file, 0, 1)[0][3]
    assert volume.device.data[place : place + 60_006] == b"begin" + bytes(59_995) + b"middle"
    volume.set_attributes(file, ((v.SIZE, 70_000), (v.MTIME, 10**18)))
    volume.set_attributes(file, ((v.SIZE, 3),))
    volume.set_attributes(file, ((v.SIZE, 10),))
    assert [run[:3] for run in volume.map(file, 0, 10)] == [(v.DATA, 0, 3), (v.UNWRITTEN, 3, 7)]
    finish(volume, image)


def test_gap_over_pieces(image):
    """The gap that a write leaves is filled with zeros in clusters the file had, and in new ones, wherever they are."""
    with Session(image) as session:
        for name in (b"a", b"b"):
            session.write(name, b"\xee" * 30_000)
        session.write(b"a", b"\xee" * 30_000, 30_000)
        session.lwp.truncate(MNT + b"/a", 100)
        session.lwp.truncate(MNT + b"/a", 45_000)
        session.write(b"c", b"\xee" * 5000)
        session.write(b"a", b"end", 200_000)
        assert session.read(b"a") == b"\xee" * 100 + bytes(199_900) + b"end"


def test_gather(image):
    """Where many small files are, at once; what cannot be had is None."""
    with Session(image) as session:
        for number in range(5):
            session.write(b"f%d" % number, pattern(number, number * 900))
        session.lwp.mkdir(MNT + b"/d", 0o755)
    volume = mount(image)
    files = [attributes[:2] for _, _, attributes in volume.list_attributes(ROOT, 0, 9)[0]]
    found = volume.gather((*files, (7, 0)))
    assert [each and each[1] for each in found[:5]] == [()] * 5
    assert [each and each[0] for each in found[:5]] == [volume.map(file, 0, 5000) for file in files[:5]]
    assert found[6] is None


def test_a_directory_in_many_pieces(tmp_path):
    """The root directory may be in more pieces than are followed in one go."""
    from rump.drivers.fs.fat import chains

    path = make(tmp_path / "image", 4 << 20, 512)
    with Session(path) as session:
        for number in range(400):
            session.write(b"file-%d" % number + b"z" * 100, b"x")
    before, chains.SEGMENT_EXTENTS = chains.SEGMENT_EXTENTS, 16
    try:
        volume = mount(path)
        assert volume._root_space().clusters > 100
        assert len(volume.list(ROOT, 0, 1000)[0]) == 400
    finally:
        chains.SEGMENT_EXTENTS = before


def test_large_clusters(tmp_path):
    """Of 2 MiB; a directory is one of them."""
    path = make(tmp_path / "image", 32 << 20, 2 << 20)
    with Session(path) as session:
        session.lwp.mkdir(MNT + b"/d", 0o755)
        session.write(b"d/f", b"x", 3 << 20)
        assert session.lwp.stat(MNT + b"/d").st_size == 2 << 20
        assert session.read(b"d/f") == bytes(3 << 20) + b"x"


def test_a_huge_volume(tmp_path):
    """8 TiB, most of it a hole: nothing is read that is not needed; a file of 1 TiB is made, and goes."""
    path = tmp_path / "image"
    with path.open("wb") as file:
        try:
            file.truncate(1 << 43)
        except OSError:
            pytest.skip("no files of this size here")
    subprocess.run(["mkfs.exfat", "-c", "32M", path], check=True, capture_output=True)
    with Session(path) as session:
        session.write(b"f", b"x")
        session.lwp.truncate(MNT + b"/f", 1 << 40)
        room = session.lwp.statvfs(MNT)
        assert room.f_blocks - room.f_bfree >= (1 << 40) // room.f_frsize
        session.lwp.truncate(MNT + b"/f", 1)


def test_full(tmp_path):
    """ENOSPC leaves what there was; what was deleted makes room at once; the whole volume can be used."""
    path = make(tmp_path / "image", 3 << 20, 512)
    with Session(path) as session:
        free = session.lwp.statvfs(MNT).f_bfree * 512
        session.write(b"kept", pattern(1, 1000))
        fd = session.lwp.open(MNT + b"/big", abi.O_WRONLY | abi.O_CREAT)
        count = session.lwp.write(fd, pattern(2, free))
        assert count == free - 1024
        with pytest.raises(OSError) as caught:
            session.lwp.write(fd, b"x")
        assert caught.value.errno == e.ENOSPC
        session.lwp.close(fd)
        assert session.lwp.statvfs(MNT).f_bfree == 0
        with pytest.raises(OSError) as caught:
            session.lwp.mkdir(MNT + b"/d", 0o755)
        assert caught.value.errno == e.ENOSPC
        with pytest.raises(OSError) as caught:
            session.lwp.truncate(MNT + b"/kept", 100_000)
        assert caught.value.errno == e.ENOSPC
        made = 0
        while True:
            try:
                session.lwp.close(session.lwp.open(MNT + b"/name%d" % made, abi.O_CREAT | abi.O_EXCL))
            except OSError as error:
                assert error.errno == e.ENOSPC
                break
            made += 1
        # What fits the clusters that a file has is written.
        fd = session.lwp.open(MNT + b"/big", abi.O_WRONLY)
        for _ in range(2):
            assert session.lwp.pwrite(fd, b"yy", count - 1) == 1
        session.lwp.close(fd)
        session.lwp.unlink(MNT + b"/big")
        session.write(b"next", pattern(3, count - 4096))
        assert session.read(b"kept") == pattern(1, 1000)
        assert session.read(b"next") == pattern(3, count - 4096)
        assert len(session.names()) == made + 2


# ---- names and attributes --------------------------------------------------------------------------------------------


def test_cases(image):
    """Names are found in any case and listed as they were given; another case is no other file, and can be had."""
    with Session(image) as session:
        session.write("Grün.TXT".encode(), b"1")
        assert session.read("gRÜN.txt".encode()) == b"1"
        with pytest.raises(OSError) as caught:
            session.lwp.mkdir(MNT + "/GRÜN.txt".encode(), 0o755)
        assert caught.value.errno == e.EEXIST
        session.lwp.rename(MNT + "/grün.txt".encode(), MNT + "/GRÜN.txt".encode())
        assert session.names() == ["GRÜN.txt".encode()]
        session.lwp.rename(MNT + "/grün.txt".encode(), MNT + b"/a much longer name than it was before")
        session.write(b"Other", b"2")
        session.lwp.rename(MNT + b"/A MUCH longer name than it was before", MNT + b"/OTHER")
        assert session.tree() == {b"OTHER": b"1"}


def test_fileids(image):
    """A file keeps its number under renames and when others come where it was; after it was forgotten too."""
    with Session(image) as session:
        lwp = session.lwp
        session.lwp.mkdir(MNT + b"/d", 0o755)
        session.write(b"a", b"a")
        fd = lwp.open(MNT + b"/a", abi.O_RDWR)
        number = lwp.fstat(fd).st_ino
        lwp.rename(MNT + b"/a", MNT + b"/d/b" + b"b" * 60)
        lwp.sync()
        session.write(b"new", b"new")
        assert lwp.stat(MNT + b"/new").st_ino != number
        assert lwp.stat(MNT + b"/d/b" + b"b" * 60).st_ino == number
        lwp.unlink(MNT + b"/d/b" + b"b" * 60)
        lwp.pwrite(fd, b"still", 0)
        lwp.sync()
        assert (lwp.fstat(fd).st_ino, lwp.fstat(fd).st_nlink, lwp.pread(fd, 9, 0)) == (number, 0, b"still")
        lwp.close(fd)
        numbers = [lwp.stat(MNT + b"/" + name).st_ino for name in session.tree()]
        assert len({*numbers}) == len(numbers)


def test_flags_and_permissions(image):
    """chflags keeps what the format has; w bits are the read-only attribute; nothing else can be changed."""
    with Session(image) as session:
        lwp, file = session.lwp, MNT + b"/f"
        session.write(b"f", b"x")
        assert lwp.stat(file).st_flags == abi.UF_ARCHIVE
        flags = abi.UF_HIDDEN | abi.UF_SYSTEM
        lwp.chflags(file, flags)
        assert lwp.stat(file).st_flags == flags
        lwp.chmod(file, 0o444)
        assert lwp.stat(file).st_flags == flags | abi.UF_READONLY
        assert lwp.stat(file).st_mode == abi.S_IFREG | 0o444
        lwp.chmod(file, 0o644)
        assert lwp.stat(file).st_flags == flags
        for call in (lambda: lwp.chmod(file, 0o600), lambda: lwp.chown(file, 1, 1), lambda: lwp.chflags(file, 1)):
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == e.EOPNOTSUPP
        lwp.chown(file, 0, 0)
        session.remount()
        assert lwp.stat(file).st_flags == flags


def test_times_and_zone(image):
    """Hundredths are kept; the zone of the mount is written, and read by whoever has another."""
    moment = 1_600_000_001 * 10**9 + 120_000_000
    with Session(image) as session:
        session.lwp.unmount(MNT)
        session.mount(tz="+05:45")
        session.write(b"f", b"x")
        session.lwp.utimens(MNT + b"/f", moment, moment + 10**7)
        session.lwp.unmount(MNT)
        session.mount(tz="-8:00")
        st = session.lwp.stat(MNT + b"/f")
        assert (st.st_atime_ns, st.st_mtime_ns) == (1_600_000_000 * 10**9, moment + 10**7)


def test_many_names(image):
    """A directory grows over clusters, others come into the room of those that go, and it is listed without gaps."""
    with Session(image) as session:
        names = {b"file-%04d" % number + b"y" * (number % 50): None for number in range(700)}
        for name in names:
            session.write(b"" + name, b"")
        for name in [*names][::3]:
            session.lwp.unlink(MNT + b"/" + name)
            del names[name]
        size = session.lwp.stat(MNT).st_size
        for number in range(100):
            session.write(b"again%d" % number, b"")
            names[b"again%d" % number] = None
        assert session.lwp.stat(MNT).st_size == size
        assert sorted(session.names()) == sorted(names)
        session.remount()
        assert sorted(session.names()) == sorted(names)


def test_cookies(image):
    """What was there all along is listed exactly once while others come and go."""
    volume = writable(image)
    for number in range(60):
        create(volume, b"stay%d" % number)
        create(volume, b"go%d" % number)
    seen, cookie, turn = [], 0, 0
    while cookie != v.END:
        entries, cookie = volume.list(ROOT, cookie, 7)
        seen += [name for name, *_ in entries]
        volume.unlink(ROOT, b"go%d" % turn)
        create(volume, b"come%d" % turn)
        turn += 1
    assert sorted(name for name in seen if name.startswith(b"stay")) == sorted(b"stay%d" % n for n in range(60))


def test_populate(image):
    """Rows with all attributes; those that cannot be made leave the others alone."""
    with Session(image, marshal=True) as session:
        fd = session.lwp.open(MNT, abi.O_RDONLY | abi.O_DIRECTORY)
        rows = [row(b"f%d" % number, pattern(number, number * 700)) for number in range(20)]
        link = (*row(b"link", b"", abi.S_IFLNK | 0o777)[:5], b"target", 0, 0, 0, 0, b"", ())
        bad = [row(b"F3", b"again"), row(b"a:b", b""), link]
        hidden = row(b"hidden", b"h", abi.S_IFREG | 0o444)
        hidden = (*hidden[:6], abi.UF_HIDDEN, *hidden[7:])
        more = [row(b"dir", b"", DIR), hidden, (*row(b"old", b"")[:8], -(10**18), 0, b"", ())]
        results = session.lwp.rump_populate(fd, (*rows, *bad, *more))
        session.lwp.close(fd)
        assert results == (0,) * 20 + (e.EEXIST, e.EINVAL, e.EOPNOTSUPP, 0, 0, e.EINVAL)
        assert session.tree() == {
            **{b"f%d" % number: pattern(number, number * 700) for number in range(20)}, b"dir": None, b"hidden": b"h",
        }  # fmt: skip
        st = session.lwp.stat(MNT + b"/hidden")
        assert (st.st_mode, st.st_flags) == (
            abi.S_IFREG | 0o444, abi.UF_ARCHIVE | abi.UF_HIDDEN | abi.UF_READONLY
        )  # fmt: skip
        session.write(b"dir/in", b"side")


# ---- entries of others -----------------------------------------------------------------------------------------------


def with_extras(path, *extras: bytes) -> bytearray:
    """The image with entries behind the name of "file", which is the last in the root."""
    image = bytearray(path.read_bytes())
    at = image.find("file".encode("utf-16-le")) - 66
    image[at + 1] = 2 + len(extras)
    image[at + 96 : at + 96 + 32 * len(extras)] = b"".join(extras)
    size = (3 + len(extras)) * 32
    image[at + 2 : at + 4] = set_checksum(bytes(image[at : at + size])).to_bytes(2, "little")
    return image


def test_benign_entries_stay(image):
    """Entries of vendors go along with a rename, and their clusters with the file."""
    with Session(image) as session:
        session.write(b"space", bytes(3000))
        session.write(b"file", b"contents")
    volume = mount(image)
    first = fields(volume, b"space")[lookup.FIRST_CLUSTER]
    vendor = disk.VendorEntry.struct.pack(disk.TYPE_VENDOR, 0, bytes(range(16)), b"fourteen bytes")
    space = disk.VendorSpace.struct.pack(disk.TYPE_VENDOR_SPACE, 3, bytes(16), 7, first, 3000)
    path = image.with_name("vendor")
    path.write_bytes(with_extras(image, vendor, space))
    volume = writable(path)
    # The clusters are the entry's now: the set of the file that lent them goes.
    directory = volume._directory(ROOT)
    volume.state.store.begin()
    volume.state.directories.remove(directory, volume._slot(directory, b"space"))
    volume.state.store.end()
    free = volume.statvfs()[3]
    volume.rename(ROOT, b"file", ROOT, b"another name that is a good deal longer")
    volume.sync()
    assert bytes(volume.device.data).count(vendor) == 1
    slot = volume._slot(volume._directory(ROOT), b"another name that is a good deal longer")
    record = volume._links._record(volume._directory(ROOT), slot)
    assert record.extras == vendor + space
    file = volume.lookup(ROOT, b"another name that is a good deal longer")[:2]
    volume.unlink(ROOT, b"another name that is a good deal longer")
    volume.inactive(file)
    assert volume.statvfs()[3] == free + 3 + 1
    finish(volume, path)


def test_critical_entries_are_refused(image):
    """A set with an entry that must be known and is not is listed, and cannot be used."""
    with Session(image) as session:
        session.write(b"file", b"contents")
    volume = mount(bytes(with_extras(image, b"\xc7" + bytes(31))))
    rows, _ = volume.list_attributes(ROOT, 0, 10)
    assert [(name, attributes) for name, _, attributes in rows] == [(b"file", None)]
    with pytest.raises(Fault) as caught:
        volume.lookup(ROOT, b"file")
    assert "0xc7" in (caught.value.detail or "")


def test_wrong_checksum(image):
    """The set is listed, without attributes; what is wrong is said."""
    with Session(image) as session:
        session.write(b"file", b"contents")
    data = bytearray(image.read_bytes())
    data[data.find("file".encode("utf-16-le")) - 66 + 8] ^= 1
    volume = mount(bytes(data))
    assert volume.list_attributes(ROOT, 0, 10)[0][0][2] is None
    with pytest.raises(Fault) as caught:
        volume.lookup(ROOT, b"FILE")
    assert caught.value.errno == e.EIO
    assert "checksum" in (caught.value.detail or "")
