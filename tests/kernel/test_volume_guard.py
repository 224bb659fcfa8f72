# SPDX-License-Identifier: BSD-2-Clause
"""Drivers that lie, or believe an image that does: the kernel answers EIO, never with a crash or foreign bytes."""

import pytest

from rump.drivers.fs.tmpfs.ops import TmpfsVolume
from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import Capabilities, FileSystem, Volume
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import OPEN_CREATE, OPEN_RDWR

DEVICE_SIZE = 65_536
FILE_SIZE = 10_000
ROOT, FILE, OTHER = 1, 2, 3


def _row(number, kind, size=0, links=1):
    return (number, 0, kind | 0o755, links, 0, 0, 0, size, size, 0, 0, 0, 0, 0)


class Liar(Volume):
    """One file, and a directory "a" in the root; what it says can be replaced."""

    capabilities = Capabilities(name_max=255, file_size_max=1 << 40, time_min=0, time_max=1 << 62)
    rows = {
        (ROOT, b"f"): _row(FILE, abi.S_IFREG, FILE_SIZE),
        (ROOT, b"a"): _row(OTHER, abi.S_IFDIR, links=2),
        (OTHER, b"up"): _row(ROOT, abi.S_IFDIR, links=3),
        (OTHER, b"self"): _row(OTHER, abi.S_IFDIR, links=3),
        (ROOT, b"l"): _row(9, abi.S_IFLNK, 0),
    }
    runs = ()
    data = b""
    listed = ()

    def root(self):
        return _row(ROOT, abi.S_IFDIR, links=3)

    def statvfs(self):
        return (512, 512, 100, 0, 0, 3, 0, 255)

    def lookup(self, directory, name):
        if (directory[0], name) not in self.rows:
            raise v.fault(e.ENOENT)
        return self.rows[directory[0], name]

    def readlink(self, file):
        return b""

    def map(self, file, offset, length):
        return self.runs

    def read(self, file, offset, length):
        return self.data

    def list(self, directory, cookie, count):
        return tuple((name, at + 1, FILE, 8) for at, name in enumerate(self.listed)), v.END

    def list_attributes(self, directory, cookie, count):
        return tuple((name, at + 1, None) for at, name in enumerate(self.listed)), v.END


@pytest.fixture(params=[False, True], ids=["plain", "marshal"])
def liar(request, lab):
    """(the volume, an lwp of a kernel that has it on /d)."""
    volume = Liar()
    driver = FileSystem("liar", mount=lambda arguments: volume, capabilities=Liar.capabilities)
    kernel = lab.boot(drivers=(driver,), marshal=request.param)
    kernel.etfs_register(b"/dev/d", lab.image(b"image", b"\xaa" * DEVICE_SIZE))
    kernel.lwp.mkdir(b"/d", 0o755)
    kernel.lwp.mount("liar", b"/d", abi.MNT_RDONLY, b"/dev/d")
    return volume, kernel.lwp


WHOLE = FILE_SIZE
LIES = {
    "nothing": (),
    "outside": ((v.DATA, 0, WHOLE, DEVICE_SIZE - WHOLE + 1),),
    "negative": ((v.DATA, 0, WHOLE, -1),),
    "elsewhere": ((v.DATA, 1, WHOLE - 1, 0),),
    "gap": ((v.DATA, 0, 10, 0), (v.DATA, 11, WHOLE - 11, 0)),
    "overlap": ((v.DATA, 0, 10, 0), (v.DATA, 9, WHOLE - 9, 0)),
    "too-long": ((v.HOLE, 0, WHOLE + 1, 0),),
    "empty-run": ((v.DATA, 0, 0, 0),),
    "backwards": ((v.DATA, 0, -5, 0),),
    "huge": ((v.DATA, 0, 1 << 62, 0),),
}


@pytest.mark.parametrize("lie", LIES)
def test_runs_are_checked(liar, lie, refused):
    volume, lwp = liar
    volume.runs = LIES[lie]
    fd = lwp.open(b"/d/f", abi.O_RDONLY)
    kernel = lwp.kernel
    kernel.cpu.acquire()
    target = kernel.host.open(b"target", OPEN_RDWR | OPEN_CREATE)
    kernel.cpu.release()
    for call in (
        lambda: lwp.read(fd, FILE_SIZE),
        lambda: lwp.pread(fd, FILE_SIZE, 0),
        lambda: lwp.rump_extents(fd, 0, FILE_SIZE),
        lambda: lwp.rump_copy_out(fd, 0, FILE_SIZE, target, 0),
    ):
        with refused(e.EIO):
            call()
    lwp.close(fd)


@pytest.mark.parametrize("kind", [v.INLINE, v.ENCODED])
@pytest.mark.parametrize("length", [0, FILE_SIZE - 1, FILE_SIZE + 1])
def test_what_a_driver_reads_itself_must_have_the_right_length(liar, kind, length, refused):
    volume, lwp = liar
    volume.runs, volume.data = ((kind, 0, FILE_SIZE, 0),), bytes(length)
    fd = lwp.open(b"/d/f", abi.O_RDONLY)
    with refused(e.EIO):
        lwp.read(fd, FILE_SIZE)
    lwp.close(fd)


def test_true_runs_are_read(liar):
    """Including those that reach to the device's last byte."""
    volume, lwp = liar
    volume.runs = ((v.HOLE, 0, 100, 0), (v.UNWRITTEN, 100, 100, 5), (v.DATA, 200, 9800, DEVICE_SIZE - 9800))
    fd = lwp.open(b"/d/f", abi.O_RDONLY)
    assert lwp.read(fd, 20_000) == bytes(200) + b"\xaa" * 9800
    assert lwp.lseek(fd, 0, abi.SEEK_DATA) == 200
    lwp.close(fd)


@pytest.mark.parametrize("name", [b"a/b", b"/", b"", b".", b"..", b"nul\0"])
def test_listed_names_must_be_names(liar, name, refused):
    volume, lwp = liar
    volume.listed = (b"good", name, b"other")
    fd = lwp.open(b"/d", abi.O_RDONLY)
    for call in (lwp.getdents, lwp.rump_listdir):
        with refused(e.EIO):
            call(fd)
    lwp.close(fd)


def test_a_directory_has_one_parent(liar, refused):
    """A directory that is found in two directories, in itself, or above itself is EIO; the rest still works."""
    _volume, lwp = liar
    lwp.stat(b"/d/a")
    for path in (b"/d/a/up", b"/d/a/self", b"/d/a/self/self"):
        with refused(e.EIO):
            lwp.stat(path)
    lwp.stat(b"/d/f")
    lwp.stat(b"/d/a/..")


def test_an_empty_link_target_leads_nowhere(liar, refused):
    _volume, lwp = liar
    with refused(e.ENOENT):
        lwp.stat(b"/d/l")


def test_a_root_that_is_no_directory_is_not_mounted(lab, refused):
    class Rootless(Liar):
        def root(self):
            return _row(ROOT, abi.S_IFREG)

    driver = FileSystem("rootless", mount=lambda a: Rootless(), capabilities=Liar.capabilities, needs_device=False)
    kernel = lab.boot(drivers=(driver,))
    with refused(e.EIO):
        kernel.lwp.mount("rootless", b"/tmp", abi.MNT_RDONLY)
    assert len(kernel.lwp.getvfsstat()) == 1
    kernel.lwp.mount("tmpfs", b"/tmp")


def test_marshal_mode_catches_what_does_not_travel(lab):
    """A driver that hands out a live object works in the kernel, and fails behind the wall."""

    class Smuggler(TmpfsVolume):
        def root(self):
            return (*super().root()[:13], Smuggled())

    class Smuggled(int):
        """An int with an identity."""

    driver = FileSystem(
        "smuggler",
        mount=lambda a: Smuggler(a.services, 1 << 20, 10, 0, 0, 0o755),
        capabilities=TmpfsVolume.capabilities,
        needs_device=False,
    )
    lab.boot(drivers=(driver,)).lwp.mount("smuggler", b"/tmp")
    with pytest.raises(ValueError, match="unmarshallable"):
        lab.boot(drivers=(driver,), marshal=True).lwp.mount("smuggler", b"/tmp")
