# SPDX-License-Identifier: BSD-2-Clause
"""Requests as Linux makes them, answered without it: nodes, forgetting, listings, what is agreed on."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest

from rump.kernel import abi, boot
from rump.kernel.lwps import Lwp
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Request, Settings
from rump.servers.fuse.control import SERVER
from rump.servers.fuse.operations import Operations

SIZES = {
    p.REQUEST: 40, p.ANSWER: 16, p.INIT_OUT: 64, p.ATTR: 88, p.ENTRY: 128, p.ATTR_OUT: 104, p.GETATTR_IN: 16,
    p.SETATTR_IN: 88, p.MKNOD_IN: 16, p.MKDIR_IN: 8, p.RENAME2_IN: 16, p.CREATE_IN: 16, p.OPEN_OUT: 16, p.READ_IN: 40,
    p.WRITE_IN: 40, p.STATFS_OUT: 80, p.DIRENT: 24, p.FALLOCATE_IN: 32, p.LSEEK_IN: 24, p.COPY_FILE_RANGE_IN: 56,
    p.IOCTL_IN: 32, p.IOCTL_OUT: 16, p.STATX_IN: 24, p.STATX_OUT: 288,
}  # fmt: skip


@pytest.fixture
def lwp() -> Iterator[Lwp]:
    with boot(Bare(Memory(now=0, seed=1))) as kernel:
        kernel.lwp.mkdir(b"/t", 0o755)
        kernel.lwp.mount("tmpfs", b"/t")
        lwp = kernel.newproc(kernel.lwp)
        lwp.chroot(b"/t")
        lwp.chdir(b"/")
        yield lwp
        kernel.exit(lwp)


@pytest.fixture
def operations(lwp: Lwp) -> Iterator[Operations]:
    found = Operations(lwp, Settings(pid=77))
    yield found
    found.end()


def ask(body: bytes = b"", node: int = p.ROOT, uid: int = 0) -> Request:
    return Request(node, uid, 0, body)


def made(operations: Operations, name: bytes, node: int = p.ROOT, mode: int = 0o644) -> tuple[int, int]:
    """Make a file; its node, and the handle of the file opened for reading and writing."""
    answer = operations.create(ask(p.CREATE_IN.pack(os.O_RDWR, mode, 0) + name + b"\0", node))
    return p.ENTRY.unpack_from(answer)[0], p.OPEN_OUT.unpack_from(answer, p.ENTRY.size)[0]


def looked_up(operations: Operations, name: bytes, node: int = p.ROOT) -> int:
    return int(p.ENTRY.unpack(operations.lookup(ask(name + b"\0", node)))[0])


def test_sizes_of_structures() -> None:
    assert {structure.format: structure.size for structure in SIZES} == {s.format: size for s, size in SIZES.items()}


def test_init(operations: Operations) -> None:
    answer = p.INIT_OUT.unpack(operations.init(ask(p.INIT_IN.pack(7, 45, 131072, 0xFFFFFFFF))))
    assert answer[:3] == (7, 39, 131072)
    assert answer[3] & p.HANDLE_KILLPRIV_V2
    assert p.INIT_OUT.unpack(operations.init(ask(p.INIT_IN.pack(7, 31, 4096, p.BIG_WRITES))))[3] == p.BIG_WRITES
    assert p.INIT_OUT.unpack(operations.init(ask(p.INIT_IN.pack(8, 0, 0, 0))))[:2] == (7, 39)
    with pytest.raises(OSError) as caught:
        operations.init(ask(p.INIT_IN.pack(7, 22, 0, 0)))
    assert caught.value.errno == e.EPROTO


def test_a_node_is_a_file(operations: Operations) -> None:
    node, handle = made(operations, b"a")
    operations.link(ask(p.LINK_IN.pack(node) + b"b\0"))
    assert looked_up(operations, b"b") == node
    operations.unlink(ask(b"a\0"))
    assert p.ATTR_OUT.unpack(operations.getattr(ask(node=node)))[12] == 1            # nlink
    operations.unlink(ask(b"b\0"))
    assert p.ATTR_OUT.unpack(operations.getattr(ask(node=node)))[12] == 0
    other, second = made(operations, b"a")
    assert other != node
    for number in (handle, second):
        operations.release(ask(p.RELEASE_IN.pack(number, 0)))


def test_nodes_are_forgotten(operations: Operations) -> None:
    operations.mkdir(ask(p.MKDIR_IN.pack(0o755) + b"d\0"))
    above = looked_up(operations, b"d")                         # twice, with what mkdir told
    node, handle = made(operations, b"f", above)
    operations.forget(ask(p.FORGET_IN.pack(2), above))
    assert looked_up(operations, b"f", above) == node           # as long as what is in it is known
    operations.batch_forget(ask(p.BATCH_FORGET_IN.pack(1) + p.FORGET_ONE.pack(node, 2)))
    assert len(operations.nodes) == 3                           # the file is open
    operations.release(ask(p.RELEASE_IN.pack(handle, 0)))
    assert len(operations.nodes) == 1
    with pytest.raises(OSError) as caught:
        operations.getattr(ask(node=node))
    assert caught.value.errno == e.ESTALE


def test_deep_trees_are_forgotten(operations: Operations) -> None:
    node, nodes = p.ROOT, []
    for _ in range(1500):
        node = p.ENTRY.unpack(operations.mkdir(ask(p.MKDIR_IN.pack(0o755) + b"d\0", node)))[0]
        nodes.append(node)
    operations.batch_forget(ask(p.BATCH_FORGET_IN.pack(1500) + b"".join(p.FORGET_ONE.pack(n, 1) for n in nodes)))
    assert len(operations.nodes) == 1


def test_names_move(operations: Operations) -> None:
    operations.mkdir(ask(p.MKDIR_IN.pack(0o755) + b"d\0"))
    above = looked_up(operations, b"d")
    node, handle = made(operations, b"f", above)
    operations.rename(ask(p.RENAME_IN.pack(p.ROOT) + b"d\0moved\0"))
    assert looked_up(operations, b"moved") == above
    assert operations.nodes.path(operations.nodes[node]) == b"/moved/f"
    with pytest.raises(OSError) as caught:
        operations.rename2(ask(p.RENAME2_IN.pack(p.ROOT, 1) + b"moved\0moved\0"))
    assert caught.value.errno == e.EEXIST
    operations.release(ask(p.RELEASE_IN.pack(handle, 0)))


def entries(answer: bytes, plus: int) -> list[tuple[bytes, int]]:
    """The names of a listing with the offsets behind them."""
    found, at = [], 0
    while at < len(answer):
        _, offset, length, _ = p.DIRENT.unpack_from(answer, at + plus)
        start = at + plus + p.DIRENT.size
        found.append((answer[start : start + length], offset))
        at = start + length + 7 & ~7
    return found


@pytest.mark.parametrize("plus", [0, p.ENTRY.size])
@pytest.mark.parametrize("room", [160, 500, 4096, 1 << 20])
def test_listings(operations: Operations, lwp: Lwp, plus: int, room: int) -> None:
    for number in range(700):
        lwp.mkdir(b"/%d" % number, 0o755)
    (handle, _) = p.OPEN_OUT.unpack(operations.opendir(ask(p.OPEN_IN.pack(0, 0))))
    call = operations.readdirplus if plus else operations.readdir
    names: list[bytes] = []
    offset = 0
    while rows := entries(call(ask(p.READ_IN.pack(handle, offset, room, 0))), plus):
        names += [name for name, _ in rows]
        offset = rows[-1][1]
        if len(names) > 300 and operations.changes == 0:
            operations.rmdir(ask(names[5] + b"\0"))             # listed already: nothing is missed, nothing told twice
    assert names[:2] == [b".", b".."]
    assert sorted(names[2:]) == sorted(b"%d" % number for number in range(700))
    again = entries(call(ask(p.READ_IN.pack(handle, 0, 1 << 20, 0))), plus)
    assert len(again) == 701
    operations.release(ask(p.RELEASE_IN.pack(handle, 0)))


def test_listings_are_not_older_than_the_last_change(operations: Operations, lwp: Lwp) -> None:
    for name in (b"a", b"b", b"c"):
        lwp.close(lwp.open(b"/" + name, abi.O_CREAT, 0o755))
    (handle, _) = p.OPEN_OUT.unpack(operations.opendir(ask(p.OPEN_IN.pack(0, 0))))
    room = 2 * (p.ENTRY.size + 32) + p.ENTRY.size + 32
    first = entries(operations.readdirplus(ask(p.READ_IN.pack(handle, 0, room, 0))), p.ENTRY.size)
    assert len(first) == 3
    node = looked_up(operations, b"c")
    change = p.SETATTR_IN.pack(p.FATTR_MODE, 0, 0, 0, 0, 0, 0, 0, 0o700, 0, 0, 0)
    operations.setattr(ask(change, node))
    rest = operations.readdirplus(ask(p.READ_IN.pack(handle, first[-1][1], 4096, 0)))
    modes = [p.ENTRY.unpack_from(rest, at)[15] & 0o777 for at in range(0, len(rest), p.ENTRY.size + 32)]
    assert modes == [0o755, 0o700]
    operations.release(ask(p.RELEASE_IN.pack(handle, 0)))


def test_absent_names_are_an_answer(operations: Operations) -> None:
    answer = p.ENTRY.unpack(operations.lookup(ask(b"none\0")))
    assert answer[0] == 0
    assert answer[2] > 0


def test_trusted_attributes_are_root_s(operations: Operations) -> None:
    node, handle = made(operations, b"f")
    for name in (b"trusted.t", b"user.u"):
        operations.setxattr(ask(p.SETXATTR_IN.pack(1, 0) + name + b"\0v", node))
    everything = p.GETXATTR_IN.pack(100)
    assert operations.listxattr(ask(everything, node)) == b"trusted.t\0user.u\0"
    assert operations.listxattr(ask(everything, node, uid=5)) == b"user.u\0"
    assert operations.listxattr(ask(p.GETXATTR_IN.pack(0), node)) == p.GETXATTR_IN.pack(17)
    with pytest.raises(OSError) as caught:
        operations.listxattr(ask(p.GETXATTR_IN.pack(16), node))
    assert caught.value.errno == e.ERANGE
    operations.release(ask(p.RELEASE_IN.pack(handle, 0)))


def test_ioctl(operations: Operations) -> None:
    answer = operations.ioctl(ask(p.IOCTL_IN.pack(0, 0, SERVER, 0, 0, 4)))
    assert answer[p.IOCTL_OUT.size :] == struct.pack("=I", 77)
    with pytest.raises(OSError) as caught:
        operations.ioctl(ask(p.IOCTL_IN.pack(0, 0, 0x5401, 0, 0, 4)))
    assert caught.value.errno == e.ENOTTY


def test_unknown_handles(operations: Operations) -> None:
    for call in (operations.read, operations.readdir):
        with pytest.raises(OSError) as caught:
            call(ask(p.READ_IN.pack(99, 0, 10, 0)))
        assert caught.value.errno == e.EBADF


def test_devices_keep_their_numbers(operations: Operations) -> None:
    encoded = (70_000 & 0xFF) | 259 << 8 | (70_000 & 0xFFF00) << 12
    answer = operations.mknod(ask(p.MKNOD_IN.pack(abi.S_IFBLK | 0o600, encoded) + b"n\0"))
    assert p.ENTRY.unpack(answer)[19] == encoded


def test_a_file_that_came_before_it_was_made(operations: Operations, lwp: Lwp) -> None:
    """Somebody else makes it between Linux' lookup and its CREATE: it stays his."""
    lwp.close(lwp.open(b"/f", abi.O_CREAT, 0o604))
    lwp.chown(b"/f", 5, 6)
    answer = operations.create(ask(p.CREATE_IN.pack(os.O_RDWR | os.O_CREAT, 0o666, 0) + b"f\0", uid=1000))
    assert (lwp.stat(b"/f").st_uid, lwp.stat(b"/f").st_mode & 0o777) == (5, 0o604)
    operations.release(ask(p.RELEASE_IN.pack(p.OPEN_OUT.unpack_from(answer, p.ENTRY.size)[0], 0)))
    with pytest.raises(OSError) as caught:
        operations.create(ask(p.CREATE_IN.pack(os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666, 0) + b"f\0"))
    assert caught.value.errno == e.EEXIST


def test_nothing_holds_for_long_where_others_change_files(lwp: Lwp) -> None:
    operations = Operations(lwp, Settings(shared=True))
    lwp.close(lwp.open(b"/f", abi.O_CREAT, 0o644))
    entry = p.ENTRY.unpack(operations.lookup(ask(b"f\0")))
    assert entry[2:4] == (1, 1)
    with pytest.raises(OSError) as caught:
        operations.lookup(ask(b"none\0"))
    assert caught.value.errno == e.ENOENT
    lwp.rename(b"/f", b"/g")
    lwp.close(lwp.open(b"/f", abi.O_CREAT, 0o644))
    assert looked_up(operations, b"f") != entry[0]
    able = p.INIT_OUT.unpack(operations.init(ask(p.INIT_IN.pack(7, 45, 131072, 0xFFFFFFFF))))[3]
    assert able & p.AUTO_INVAL_DATA and not able & (p.EXPLICIT_INVAL_DATA | p.DO_READDIRPLUS)
    assert p.OPEN_OUT.unpack(operations.open(ask(p.OPEN_IN.pack(0, 0), looked_up(operations, b"f"))))[1] == 0
    operations.end()


def test_volumes_below_the_root(lwp: Lwp) -> None:
    """What is mounted in what is served has numbers of its own."""
    lwp.mkdir(b"/d", 0o755)
    lwp.mount("tmpfs", b"/d")
    operations = Operations(lwp, Settings(shared=True))
    above = looked_up(operations, b"d")
    root = p.ATTR_OUT.unpack(operations.getattr(ask()))[2]
    assert p.ATTR_OUT.unpack(operations.getattr(ask(node=above)))[2] != root
    lwp.mkdir(b"/d/e", 0o755)
    ino = p.ATTR_OUT.unpack(operations.getattr(ask(node=looked_up(operations, b"e", above))))[2]
    (handle, _) = p.OPEN_OUT.unpack(operations.opendir(ask(p.OPEN_IN.pack(0, 0), above)))
    listed = operations.readdir(ask(p.READ_IN.pack(handle, 2, 4096, 0)))
    assert p.DIRENT.unpack_from(listed)[0] == ino
    operations.end()
    lwp.unmount(b"/d")
