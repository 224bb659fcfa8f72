# SPDX-License-Identifier: BSD-2-Clause
"""Many files at once: through a driver that places them, and one by one."""

import pytest
from blocky import BLOCK, DEVICE_SIZE, DIRTY, row

from rump.kernel import abi
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e


def test_populate_writes_neighbours_in_one_piece(world, monkeypatch):
    rows = tuple(row(b"f%d" % number, bytes([number]) * (number * 700)) for number in range(1, 9))
    rows += (row(b"dir", mode=abi.S_IFDIR | 0o755), row(b"empty"), row(b"l", mode=abi.S_IFLNK | 0o777, target=b"x"))
    device, written = world.kernel.device(b"/dev/d"), []
    original = device.write
    monkeypatch.setattr(device, "write", lambda at, data: (written.append((at, len(data))), original(at, data)))
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    assert world.lwp.rump_populate(fd, rows) == (0,) * 11
    blocks = sum(-(-number * 700 // BLOCK) for number in range(1, 9))
    assert written == [(16 * BLOCK, blocks * BLOCK)]
    assert b"\xaa" not in world.bytes[16 * BLOCK : (16 + blocks) * BLOCK]
    for each in rows[:8]:
        inside = world.lwp.open(b"/d/" + each[v.ROW_NAME], abi.O_RDONLY)
        assert world.lwp.read(inside, 10_000) == each[v.ROW_CONTENTS]
        world.lwp.close(inside)
    assert world.lwp.rump_populate(fd, rows[:2]) == (e.EEXIST,) * 2
    world.lwp.close(fd)


def test_populate_finds_names_that_were_not_there(world, refused):
    """What the name cache knows to be missing is looked for again."""
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    with refused(e.ENOENT):
        world.lwp.stat(b"/d/new")
    assert world.lwp.rump_populate(fd, (row(b"new", b"x"),)) == (0,)
    assert world.lwp.stat(b"/d/new").st_size == 1
    world.lwp.close(fd)


def test_populate_without_room_makes_what_it_can(world):
    world.volume.limit = 18
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    rows = (row(b"a", b"x" * 1500), row(b"b", b"y" * 10), row(b"dir", mode=abi.S_IFDIR | 0o755))
    assert world.lwp.rump_populate(fd, rows) == (0, e.ENOSPC, 0)
    assert [row[0] for row in world.lwp.getdents(fd)][2:] == [b"a", b"dir"]
    assert "inactive" in world.volume.log
    world.lwp.close(fd)


def test_populate_gives_placed_space_back(world, monkeypatch, refused):
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    world.volume.error["populate"] = e.EIO
    with refused(e.EIO):
        world.lwp.rump_populate(fd, (row(b"a", b"x"),))
    assert world.volume.placed is None
    world.volume.error.clear()
    assert world.lwp.rump_populate(fd, (row(b"a", b"x"),)) == (0,)
    world.lwp.close(fd)


PLACES = {
    "too-few": ((),),
    "outside": (((v.DATA, 0, 10, DEVICE_SIZE - 9),), ()),
    "short": (((v.DATA, 0, 9, 0),), ()),
    "late": (((v.DATA, 1, 9, 0),), ()),
    "hole": (((v.HOLE, 0, 10, 0),), ()),
}


@pytest.mark.parametrize("lie", PLACES)
def test_places_are_checked(world, lie, refused, monkeypatch):
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    mount = world.lwp.process.file(fd).vnode.mount
    monkeypatch.setattr(mount.volume, "place", lambda *a: PLACES[lie])
    with refused(e.EIO):
        world.lwp.rump_populate(fd, (row(b"a", b"0123456789"), row(b"b")))
    assert world.bytes == DIRTY
    assert world.volume.log[-1] == "abandon"
    world.lwp.close(fd)


def test_rows_are_checked(world):
    S = abi
    bad = {
        row(b""): e.EINVAL,
        row(b"a/b"): e.EINVAL,
        row(b"a\0"): e.EINVAL,
        row(b"."): e.EEXIST,
        row(b".."): e.EEXIST,
        row(b"n" * 256): e.ENAMETOOLONG,
        row(b"a", mode=0o644): e.EINVAL,
        row(b"a", mode=S.S_IFREG | 1 << 20): e.EINVAL,
        row(b"a", mode=S.S_IFREG, uid=-1): e.EINVAL,
        row(b"a", mode=S.S_IFREG, gid=1 << 32): e.EINVAL,
        row(b"a", 5): e.EINVAL,
        row(b"a", b"x", mode=S.S_IFDIR | 0o755): e.EINVAL,
        row(b"a", rdev=5): e.EINVAL,
        row(b"a", target=b"x"): e.EINVAL,
        row(b"a", mode=S.S_IFLNK | 0o777): e.EINVAL,
        row(b"a", mode=S.S_IFLNK | 0o777, target=b"a\0"): e.EINVAL,
        row(b"a", mode=S.S_IFLNK | 0o777, target=b"x" * 4096): e.EINVAL,
        row(b"a", flags=1 << 40): e.EOPNOTSUPP,
        row(b"a", xattrs=((b"", b""),)): e.EINVAL,
        row(b"a", xattrs=((b"user.x", bytes(65_537)),)): e.E2BIG,
        row(b"a", mode=S.S_IFIFO, xattrs=((b"user.x", b""),)): e.EPERM,
    }
    fd = world.lwp.open(b"/d", abi.O_RDONLY)
    world.volume.log.clear()
    assert world.lwp.rump_populate(fd, tuple(bad)) == tuple(bad.values())
    assert len(world.lwp.getdents(fd)) == 2
    world.lwp.close(fd)


def test_others_than_root_populate_what_is_theirs(world, refused):
    world.lwp.mkdir(b"/d/home", 0o755)
    world.lwp.chown(b"/d/home", 1000, 50)
    user = world.kernel.newproc(uid=1000, gid=1000)
    fd = user.open(b"/d/home", abi.O_RDONLY)

    def mine(number, **more):
        return row(b"%d" % number, **{"uid": 1000, "gid": 1000, **more})

    rows = {
        mine(1): 0,
        mine(2, gid=50): 0,
        mine(3, uid=0): e.EPERM,
        mine(4, gid=7): e.EPERM,
        mine(5, mode=abi.S_IFCHR | 0o600): e.EPERM,
        mine(6, gid=50, mode=abi.S_IFREG | 0o2755): e.EPERM,
        mine(7, mode=abi.S_IFREG | 0o1644): e.EFTYPE,
        mine(8, flags=abi.SF_IMMUTABLE): e.EPERM,
        mine(9, xattrs=((b"trusted.x", b""),)): e.EPERM,
        mine(10, mode=abi.S_IFREG | 0o4755): 0,
    }
    assert user.rump_populate(fd, tuple(rows)) == tuple(rows.values())
    other = user.open(b"/d", abi.O_RDONLY)
    with refused(e.EACCES):
        user.rump_populate(other, ())
    world.kernel.exit(user)
