# SPDX-License-Identifier: BSD-2-Clause
"""Vnodes and the name cache: bounded, right under rename and removal, and told to the volume."""

import pytest

from rump.conformance.plainfs import PlainVolume
from rump.conformance.plainfs import driver as plainfs
from rump.drivers.fs.tmpfs.ops import TmpfsVolume
from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.vnode import NEGATIVE_NAMES
from rump.kernel.vfs.volume import FileSystem
from rump.rumpuser.interface import errno as e

FILES = 10_000
BOUND = 64


class Watched(TmpfsVolume):
    """Notes which files the kernel has forgotten, and which it looked up."""

    made: "list[Watched]" = []

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.forgotten, self.inactives, self.lookups = [], [], []
        Watched.made.append(self)

    def lookup(self, directory, name):
        self.lookups.append(name)
        return super().lookup(directory, name)

    def forget(self, file):
        self.forgotten.append(file[0])

    def inactive(self, file):
        self.inactives.append(file[0])
        super().inactive(file)


def _mount(arguments):
    return Watched(arguments.services, 1 << 30, 1 << 20, 0, 0, 0o755)


WATCHED = FileSystem("watched", mount=_mount, capabilities=TmpfsVolume.capabilities, needs_device=False)


@pytest.fixture
def small(lab):
    """A kernel that keeps few vnodes, and a watched volume on /d."""
    kernel = lab.boot(vnodes=BOUND, drivers=(WATCHED, plainfs))
    kernel.lwp.mkdir(b"/d", 0o755)
    kernel.lwp.mount("watched", b"/d")
    return kernel


def _known(kernel):
    return sum(len(mount.vnodes) for mount in kernel.mounts)


def test_vnodes_are_bounded_and_the_volume_is_told(small):
    """Ten thousand files are made, looked at and listed; the kernel keeps what it may, and forgets the others once."""
    lwp, volume = small.lwp, Watched.made[-1]
    before = _known(small)
    for number in range(FILES):
        lwp.close(lwp.open(b"/d/%d" % number, abi.O_WRONLY | abi.O_CREAT))
    assert _known(small) <= before + BOUND
    volume.forgotten.clear()
    for number in range(FILES):
        assert lwp.stat(b"/d/%d" % number).st_nlink == 1
    assert FILES - BOUND <= len(volume.forgotten) <= FILES + BOUND
    assert volume.inactives == []
    known = _known(small)
    fd = lwp.open(b"/d", abi.O_RDONLY)
    assert len(lwp.rump_listdir(fd, 0, FILES)[0]) == FILES
    assert len(lwp.getdents(fd, FILES)) == FILES + 2
    lwp.close(fd)
    assert _known(small) <= known + 1


def test_files_in_use_are_not_forgotten(small):
    lwp = small.lwp
    held = [lwp.open(b"/d/held%d" % number, abi.O_RDWR | abi.O_CREAT) for number in range(100)]
    for number in range(500):
        lwp.mkdir(b"/d/%d" % number, 0o755)
    for number, fd in enumerate(held):
        assert lwp.fstat(fd).st_ino == lwp.stat(b"/d/held%d" % number).st_ino
        lwp.close(fd)
    lwp.chdir(b"/")
    lwp.unmount(b"/d")


def test_parents_stay_while_children_are_known(small):
    lwp = small.lwp
    path = b"/d"
    for _ in range(BOUND * 3):
        path += b"/s"
        lwp.mkdir(path, 0o755)
    assert lwp.stat(path + b"/..").st_nlink == 3
    lwp.chdir(path)
    assert lwp.getcwd() == path
    lwp.chdir(b"/")


def test_a_removed_file_goes_with_its_last_user(small):
    lwp, volume = small.lwp, Watched.made[-1]
    fd = lwp.open(b"/d/f", abi.O_RDWR | abi.O_CREAT)
    number = lwp.fstat(fd).st_ino
    lwp.unlink(b"/d/f")
    assert number not in volume.inactives
    lwp.close(fd)
    assert (volume.inactives, volume.forgotten) == ([number], [number])
    lwp.mkdir(b"/d/g", 0o755)
    number = lwp.stat(b"/d/g").st_ino
    lwp.rmdir(b"/d/g")
    assert volume.inactives[-1] == number


def test_the_name_cache_answers_and_is_bounded(small):
    lwp, volume = small.lwp, Watched.made[-1]
    lwp.mkdir(b"/d/s", 0o755)
    for _ in range(5):
        lwp.stat(b"/d/s")
        with pytest.raises(FileNotFoundError):
            lwp.stat(b"/d/none")
    assert volume.lookups.count(b"s") <= 1
    assert volume.lookups.count(b"none") == 1
    for number in range(NEGATIVE_NAMES * 4):
        with pytest.raises(FileNotFoundError):
            lwp.stat(b"/d/none%d" % number)
    root = small.lwp.process.root
    directory = next(mount.root for mount in small.mounts if mount.root is not root and mount.root is not None)
    assert len(directory.names) <= NEGATIVE_NAMES + 1


def test_a_missing_name_is_found_when_it_is_there(small):
    lwp = small.lwp
    lwp.close(lwp.open(b"/d/f", abi.O_WRONLY | abi.O_CREAT))
    makers = {
        b"link": lambda path: lwp.link(b"/d/f", path),
        b"symlink": lambda path: lwp.symlink(b"f", path),
        b"mkdir": lwp.mkdir,
        b"mkfifo": lwp.mkfifo,
        b"rename": lambda path: lwp.rename(b"/d/f", path),
    }
    for name, make in makers.items():
        with pytest.raises(FileNotFoundError):
            lwp.stat(b"/d/" + name)
        make(b"/d/" + name)
        lwp.lstat(b"/d/" + name)


def test_names_of_other_case(small):
    """Whatever spelling was cached, found or missing, removal and rename reach all of them."""
    lwp = small.lwp
    lwp.mkdir(b"/c", 0o755)
    lwp.mount("plainfs", b"/c")
    for path in (b"/c/Name", b"/c/Other"):
        lwp.close(lwp.open(path, abi.O_WRONLY | abi.O_CREAT))
    spellings = (b"/c/Name", b"/c/NAME", b"/c/name", b"/c/nAmE")
    number = lwp.stat(b"/c/Name").st_ino
    assert {lwp.stat(path).st_ino for path in spellings} == {number}
    held = [lwp.open(b"/c/name", abi.O_RDONLY)]
    lwp.stat(b"/c/other")
    lwp.rename(b"/c/OTHER", b"/c/NAME")
    other = lwp.stat(b"/c/nAmE").st_ino
    assert {lwp.stat(path).st_ino for path in spellings} == {other} != {number}
    held.append(lwp.open(b"/c/name", abi.O_RDONLY))
    lwp.unlink(b"/c/nAmE")
    for path in (*spellings, b"/c/Other", b"/c/OTHER", b"/c/other"):
        with pytest.raises(FileNotFoundError):
            lwp.stat(path)
    lwp.mkdir(b"/c/NaMe", 0o755)
    assert len({lwp.stat(path).st_ino for path in spellings}) == 1
    for fd in held:
        lwp.close(fd)
    lwp.unmount(b"/c")


def test_a_fileid_used_again_is_another_file(small, refused):
    """Two generations of one number: who has the old one open does not see the new one."""

    class Reusing(PlainVolume):
        """Gives the next file the number of the last one that was removed."""

        def __init__(self, *arguments):
            self.again = None
            super().__init__(*arguments)

        def _new(self, mode, uid, gid):
            if self.again is None:
                return super()._new(mode, uid, gid)
            (number, generation), self.again = self.again, None
            node = super()._new(mode, uid, gid)
            del self._nodes[node.number]
            node.number, node.generation = number, generation + 1
            self.kept = self._nodes.get(number)
            self._nodes[number] = node
            return node

        def unlink(self, directory, name):
            result = super().unlink(directory, name)
            self.again = result[0][:2]
            return result

    volumes = []

    def mount(arguments):
        volumes.append(Reusing(arguments.services, 1 << 20, 100, 0, 0, 0o755))
        return volumes[-1]

    small.drivers._given += (FileSystem("reusing", mount=mount, capabilities=plainfs.capabilities, needs_device=False),)
    lwp = small.lwp
    lwp.mkdir(b"/r", 0o755)
    lwp.mount("reusing", b"/r")
    old = lwp.open(b"/r/a", abi.O_RDWR | abi.O_CREAT)
    lwp.unlink(b"/r/a")
    new = lwp.open(b"/r/b", abi.O_RDWR | abi.O_CREAT)
    assert lwp.fstat(old).st_ino == lwp.fstat(new).st_ino
    lwp.write(new, b"new")
    with refused(e.ESTALE):
        lwp.write(old, b"old")
    assert lwp.pread(new, 10, 0) == b"new"
    assert lwp.stat(b"/r/b").st_size == 3
    lwp.close(old)
    assert lwp.stat(b"/r/b").st_size == 3
    lwp.close(new)
    assert lwp.stat(b"/r/b").st_gen == 2
    lwp.unmount(b"/r")


def test_attributes_are_indexes_of_one_tuple():
    """The layout that the volume interface documents."""
    names = ("FILEID", "GENERATION", "MODE", "NLINK", "UID", "GID", "RDEV", "SIZE", "ALLOCATED", "ATIME", "MTIME",
             "CTIME", "BIRTHTIME", "FLAGS")  # fmt: skip
    assert [getattr(v, name) for name in names] == list(range(14))


def test_a_deep_tree_is_forgotten_step_by_step(kernel):
    """Deeper than Python recurses: with no room for unused vnodes, the last child's end is that of all its parents."""
    kernel.vnodes._limit = 0
    lwp = kernel.lwp
    fd = lwp.open(b"/tmp", abi.O_RDONLY)
    for _ in range(3000):
        lwp.mkdirat(fd, b"d", 0o755)
        below = lwp.openat(fd, b"d", abi.O_RDONLY)
        lwp.close(fd)
        fd = below
    known = sum(len(mount.vnodes) for mount in kernel.mounts)
    lwp.close(fd)
    assert known > 3000 > 100 > sum(len(mount.vnodes) for mount in kernel.mounts)
