# SPDX-License-Identifier: BSD-2-Clause
"""The 9P2000.L server, request by request, by frames of our own."""

from __future__ import annotations

import pytest
from ninep_peer import Peer, Refused, refused

from rump.kernel import abi
from rump.kernel.lwps import Lwp
from rump.servers import linux
from rump.servers.ninep import constants
from rump.servers.ninep import messages as m

ENOENT, EACCES, EEXIST, ENOTDIR, EISDIR, EINVAL, EBADF, ENODATA, ENOTEMPTY, ESTALE = (
    2, 13, 17, 20, 21, 22, 9, 61, 39, 116)  # fmt: skip
EMFILE, EOPNOTSUPP, EMSGSIZE, ENXIO = 24, 95, 90, 6
OTHERS = 0xFFFFFFFF


def write(lwp: Lwp, path: bytes, data: bytes = b"", mode: int = 0o644) -> None:
    fd = lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC, mode)
    lwp.write(fd, data)
    lwp.close(fd)


def read(lwp: Lwp, path: bytes) -> bytes:
    fd = lwp.open(path, abi.O_RDONLY)
    try:
        return lwp.read(fd, 1 << 20)
    finally:
        lwp.close(fd)


# ---- versions ------------------------------------------------------------------------------------------------------


def test_versions(served):
    peer = served.connect()
    for other in (b"9P2000", b"9P2000.u", b"9P2000.Lx", b"", b"\xff" * 100):
        assert peer.version(8192, other) == (8192, b"unknown")
    with refused(EMSGSIZE):
        peer.version(4095)
    assert peer.version(4096) == (4096, b"9P2000.L")
    assert peer.version(1 << 31) == (1 << 20, b"9P2000.L")


def test_a_version_begins_anew(served):
    peer = served.attached()
    peer.version()
    with refused(EBADF):
        peer.getattr(0)


# ---- users ---------------------------------------------------------------------------------------------------------


def test_users_are_who_they_say(served):
    lwp = served.lwp
    write(lwp, b"/secret", b"x", 0o600)
    lwp.chmod(b"/", 0o777)
    peer = served.attached(uid=1000)
    peer.walk(0, 1, b"secret")
    with refused(EACCES):
        peer.call("lopen", 1, 0)
    peer.walk(0, 2)
    peer.call("lcreate", 2, b"mine", 0o2, 0o640, 100)
    stat = lwp.stat(b"/mine")
    assert (stat.st_uid, stat.st_gid, stat.st_mode) == (1000, 100, abi.S_IFREG | 0o640)
    peer.call("lock", 2, constants.LOCK_WRITE, 0, 0, 0, 1, b"host")     # what needs no name goes on
    with refused(1):
        peer.call("setattr", 2, constants.SETATTR_UID, 0, 0, 0, 0, 0, 0, 0, 0)


def test_names_of_users_are_the_images(served):
    lwp = served.lwp
    lwp.mkdir(b"/etc")
    write(lwp, b"/etc/passwd", b"root:x:0:0::/:\nann:x:1234:55::/:\njunk\nbob:x:x:y::/:\n")
    write(lwp, b"/etc/group", b"staff:x:77:bob,ann\nothers:x:78:bob\n")
    lwp.chmod(b"/", 0o777)
    write(lwp, b"/shared", b"for staff", 0o040)
    lwp.chown(b"/shared", 0, 77)
    peer = served.attached(uid=OTHERS, uname=b"ann")
    peer.walk(0, 1, b"shared")
    peer.call("lopen", 1, 0)
    peer.call("mkdir", 0, b"new", 0o755, OTHERS)
    assert lwp.stat(b"/new").st_uid == 1234
    for name, uid in ((b"root", 0), (b"4321", 4321)):
        peer.attach(fid=uid + 10, uid=OTHERS, uname=name)
    for number, name in enumerate((b"nobody", b"bob", b"99999999999", b"")):
        peer.attach(fid=90 + number, uid=OTHERS, uname=name)
        peer.call("mkdir", 90 + number, b"by %d" % number, 0o755, OTHERS)
        assert lwp.stat(b"/by %d" % number).st_uid == 65534


def test_one_user_for_all(serve_ninep):
    served = serve_ninep(user=(7, 8))
    served.lwp.chmod(b"/", 0o777)
    peer = served.attached(uid=0)
    peer.call("mkdir", 0, b"d", 0o755, 5)
    assert served.lwp.stat(b"/d").st_uid == 7
    assert served.lwp.stat(b"/d").st_gid != 5


def test_an_attach_below_goes_no_higher(served):
    served.lwp.mkdir(b"/a")
    served.lwp.mkdir(b"/a/b")
    peer = served.attached(aname=b"/a")
    inside = served.lwp.stat(b"/a").st_ino
    assert [qid[2] for qid in peer.walk(0, 1, b"..", b"b", b"..", b"..")] == [
        inside, served.lwp.stat(b"/a/b").st_ino, inside, inside]  # fmt: skip
    with refused(ENOENT):
        peer.attach(fid=5, aname=b"/nothing")
    assert peer.attach(fid=5, aname=b"a/../../..")[0][2] + 2 == served.lwp.stat(b"/").st_ino


# ---- walking -------------------------------------------------------------------------------------------------------


def test_walks(served):
    lwp = served.lwp
    lwp.mkdir(b"/d")
    write(lwp, b"/d/f", b"data")
    lwp.symlink(b"d", b"/link")
    peer = served.attached()
    qids = peer.walk(0, 1, b"d", b"f")
    assert [(qid[0], qid[2]) for qid in qids] == [
        (m.QID_DIRECTORY, lwp.stat(b"/d").st_ino), (m.QID_FILE, lwp.stat(b"/d/f").st_ino)]  # fmt: skip
    assert len(peer.walk(0, 2, b"d", b"missing", b"x")) == 1
    with refused(EBADF):
        peer.getattr(2)         # a walk in part makes none
    for names, number in (((b"missing",), ENOENT), ((b"",), ENOENT), ((b".",), EINVAL), ((b"d/f",), EINVAL),
                          ((b"d\0",), EINVAL), ((b"d",) * 17, EINVAL)):  # fmt: skip
        with refused(number):
            peer.walk(0, 2, *names)
    with refused(ENOTDIR):
        peer.walk(1, 2, b"x")
    (link,) = peer.walk(0, 3, b"link")
    assert link[0] == m.QID_SYMLINK
    with refused(ENOTDIR):      # links are the client's to follow
        peer.walk(3, 4, b"f")
    assert peer.call("readlink", 3) == (b"d",)
    with refused(EBADF):
        peer.walk(0, 3)
    with refused(EBADF):
        peer.walk(0, m.NO_FID)
    assert peer.walk(1, 1) == ()
    peer.call("clunk", 1)
    with refused(EBADF):
        peer.call("clunk", 1)


def test_fids_are_bounded(served, monkeypatch):
    monkeypatch.setattr("rump.servers.ninep.fids.FIDS_MAX", 3)
    peer = served.attached()
    peer.walk(0, 1)
    peer.walk(0, 2)
    with refused(EMFILE):
        peer.walk(0, 3)
    peer.call("clunk", 2)
    peer.walk(0, 3)


# ---- data ----------------------------------------------------------------------------------------------------------


def test_reads_and_writes(served):
    peer = served.attached()
    peer.walk(0, 1)
    qid, iounit = peer.call("lcreate", 1, b"f", 0o102, 0o600, 0)
    assert (qid[0], iounit) == (m.QID_FILE, 0)
    assert peer.call("write", 1, 3, b"hello") == (5,)
    assert bytes(peer.call("read", 1, 0, 100)[0]) == b"\0\0\0hello"
    assert bytes(peer.call("read", 1, 8, 100)[0]) == b""
    for offset in (1 << 63, (1 << 64) - 1):
        with refused(27):
            peer.call("read", 1, offset, 1)
        with refused(27):
            peer.call("write", 1, offset, b"x")
    peer.call("fsync", 1, 0)
    peer.raw(m.HEADER.pack(11, 50, 1) + b"\1\0\0\0")      # as diod had it first: no flag
    assert peer.receive()[0] == 51
    peer.walk(0, 2, b"f")
    with refused(EBADF):
        peer.call("read", 2, 0, 1)
    peer.call("lopen", 2, linux.O_TRUNC | 1)
    assert served.lwp.stat(b"/f").st_size == 0
    with refused(EBADF):
        peer.call("read", 2, 0, 1)


def test_messages_are_no_larger_than_agreed(served):
    write(served.lwp, b"/big", b"x" * 100000)
    peer = served.connect()
    peer.version(4096)
    peer.attach()
    peer.walk(0, 1, b"big")
    peer.call("lopen", 1, 0)
    assert len(peer.call("read", 1, 0, 100000)[0]) == 4096 - m.IO_HEADER_SIZE
    served.lwp.symlink(b"t" * 4090, b"/long")
    peer.walk(0, 2, b"long")
    with refused(EMSGSIZE):
        peer.call("readlink", 2)


def test_special_files_are_not_opened(served):
    served.lwp.mkfifo(b"/fifo")
    served.lwp.symlink(b"x", b"/link")
    peer = served.attached()
    peer.walk(0, 1, b"fifo")
    peer.walk(0, 2, b"link")
    with refused(ENXIO):
        peer.call("lopen", 1, 0)
    with refused(40):
        peer.call("lopen", 2, 0)


def test_directories(served):
    lwp = served.lwp
    names = [b"name %d" % number for number in range(300)]
    for name in names:
        write(lwp, b"/" + name)
    peer = served.attached()
    peer.walk(0, 1)
    peer.call("lopen", 1, linux.O_DIRECTORY)
    for count in (60, 500, 8192, 1 << 30):
        found = peer.list(1, count)
        assert [row[0] for row in found[:2]] == [b".", b".."]
        assert sorted(row[0] for row in found[2:]) == sorted(names)
        assert {row[1:] for row in found[2:4]} <= {(lwp.stat(b"/" + row[0]).st_ino, abi.DT_REG) for row in found[2:4]}
    with refused(EINVAL):
        peer.call("readdir", 1, 0, 10)
    with refused(EISDIR):
        peer.call("read", 1, 0, 10)
    with refused(EINVAL):
        peer.call("readdir", 1, 1 << 63, 100)


# ---- attributes ----------------------------------------------------------------------------------------------------


def test_attributes(served):
    lwp = served.lwp
    write(lwp, b"/f", b"12345", 0o640)
    lwp.chown(b"/f", 3, 4)
    lwp.utimens(b"/f", -1_500_000_000, 2_000_000_001)
    lwp.mknod(b"/null", abi.S_IFCHR | 0o666, abi.makedev(1, 259))
    peer = served.attached()
    peer.walk(0, 1, b"f")
    found = peer.getattr(1)
    assert found["mode"] == abi.S_IFREG | 0o640
    assert (found["uid"], found["gid"], found["size"], found["nlink"]) == (3, 4, 5, 1)
    assert (found["atime_sec"], found["atime_nsec"]) == ((1 << 64) - 2, 500_000_000)
    assert (found["mtime_sec"], found["mtime_nsec"]) == (2, 1)
    assert found["qid"][2] + 2 == lwp.stat(b"/f").st_ino
    peer.walk(0, 2, b"null")
    assert peer.getattr(2)["rdev"] == 0x100103


def test_setting_attributes(served):
    lwp = served.lwp
    write(lwp, b"/f", b"12345", 0o4755)
    peer = served.attached()
    peer.walk(0, 1, b"f")
    before = peer.getattr(1)["qid"]
    peer.call("setattr", 1, 0xF, 0o4711, 5, 6, 2, 0, 0, 0, 0)
    stat = lwp.stat(b"/f")
    assert (stat.st_mode & 0o7777, stat.st_uid, stat.st_gid, stat.st_size) == (0o4711, 5, 6, 2)
    assert peer.getattr(1)["qid"] != before, "the version tells that it changed"
    peer.call("setattr", 1, 0x10 | 0x80, 0, 0, 0, 0, (1 << 64) - 1, 5, 0, 0)
    assert (lwp.stat(b"/f").st_atime_ns, lwp.stat(b"/f").st_mtime_ns) == (-999_999_995, lwp.stat(b"/f").st_mtime_ns)
    peer.call("setattr", 1, 0x30, 0, 0, 0, 0, 9, 0, 9, 0)
    assert lwp.stat(b"/f").st_atime_ns > 10_000_000_000
    with refused(EINVAL):
        peer.call("setattr", 1, 0x90, 0, 0, 0, 0, 0, 1_000_000_000, 0, 0)
    lwp.symlink(b"f", b"/link")
    peer.walk(0, 2, b"link")
    peer.call("setattr", 2, constants.SETATTR_UID, 0, 9, 0, 0, 0, 0, 0, 0)
    assert (lwp.lstat(b"/link").st_uid, lwp.stat(b"/f").st_uid) == (9, 5)
    with refused(EINVAL):
        peer.call("setattr", 2, constants.SETATTR_SIZE, 0, 0, 0, 0, 0, 0, 0, 0)


def test_how_full_it_is(served):
    peer = served.attached()
    found = peer.call("statfs", 0)
    stat = served.lwp.statvfs(b"/")
    assert found[:3] == (constants.V9FS_MAGIC, stat.f_frsize, stat.f_blocks)
    assert found[8] == stat.f_namemax


def test_extended_attributes(served):
    write(served.lwp, b"/f")
    peer = served.attached()

    def put(name: bytes, value: bytes, flags: int = 0) -> None:
        peer.walk(0, 5, b"f")
        peer.call("xattrcreate", 5, name, len(value), flags)
        for start in range(0, len(value), 3):
            peer.call("write", 5, start, value[start : start + 3])
        peer.call("clunk", 5)

    def get(name: bytes) -> bytes:
        (size,) = peer.call("xattrwalk", 1, 6, name)
        value = bytes(peer.call("read", 6, 0, 100)[0])
        peer.call("clunk", 6)
        assert size == len(value)
        return value

    peer.walk(0, 1, b"f")
    put(b"user.one", b"a value")
    put(b"user.two", b"")
    assert (get(b"user.one"), get(b"user.two")) == (b"a value", b"")
    assert sorted(get(b"").split(b"\0")) == [b"", b"user.one", b"user.two"]
    put(b"user.two", b"", linux.XATTR_REPLACE)
    with refused(ENODATA):
        get(b"user.two")
    with refused(EEXIST):
        put(b"user.one", b"again", 1)
    peer.walk(0, 7, b"f")
    peer.call("xattrcreate", 7, b"user.part", 5, 0)
    peer.call("write", 7, 0, b"12")
    for offset, data in ((1, b"3"), (2, b"3456")):
        with pytest.raises(Refused):
            peer.call("write", 7, offset, data)
    with refused(EBADF):
        peer.call("read", 7, 0, 1)
    with refused(EINVAL):       # not all there
        peer.call("clunk", 7)
    peer.walk(0, 7, b"f")
    with refused(7):
        peer.call("xattrcreate", 7, b"user.big", 1 << 40, 0)


# ---- names ---------------------------------------------------------------------------------------------------------


def test_making_things(served):
    lwp = served.lwp
    peer = served.attached()
    assert peer.call("mkdir", 0, b"d", 0o1750, 9)[0][0] == m.QID_DIRECTORY
    assert peer.call("symlink", 0, b"link", b"any where", 9)[0][0] == m.QID_SYMLINK
    peer.call("mknod", 0, b"device", abi.S_IFBLK | 0o600, 8, 300, 9)
    peer.call("mknod", 0, b"plain", abi.S_IFREG | 0o600, 0, 0, 9)
    peer.walk(0, 1, b"plain")
    peer.call("link", 0, 1, b"other")
    assert lwp.stat(b"/d").st_mode == abi.S_IFDIR | 0o1750
    assert lwp.readlink(b"/link") == b"any where"
    assert lwp.stat(b"/device").st_rdev == abi.makedev(8, 300)
    assert {lwp.lstat(name).st_gid for name in (b"/d", b"/link", b"/device", b"/plain")} == {9}
    assert lwp.stat(b"/plain").st_nlink == 2
    with refused(EEXIST):
        peer.call("mkdir", 0, b"d", 0o755, 0)
    for name in (b"", b"..", b"a/b", b"a\0b"):
        with pytest.raises(Refused):
            peer.call("mkdir", 0, name, 0o755, 0)
    with refused(ENOTDIR):
        peer.call("mkdir", 1, b"x", 0o755, 0)
    with refused(EISDIR):
        peer.call("unlinkat", 0, b"d", 0)
    with refused(ENOTDIR):
        peer.call("unlinkat", 0, b"plain", linux.AT_REMOVEDIR)
    write(lwp, b"/d/f")
    with refused(ENOTEMPTY):
        peer.call("unlinkat", 0, b"d", linux.AT_REMOVEDIR)


def test_fids_follow_names(served):
    """What one client renames goes on for another."""
    lwp = served.lwp
    for path in (b"/a", b"/a/b", b"/z"):
        lwp.mkdir(path)
    write(lwp, b"/a/b/f", b"data")
    one, other = served.attached(), served.attached()
    other.walk(0, 1, b"a", b"b", b"f")
    other.walk(0, 2, b"a", b"b")
    one.walk(0, 1, b"z")
    one.call("renameat", 0, b"a", 1, b"moved")
    assert lwp.stat(b"/z/moved/b/f")
    other.call("lopen", 1, 0)
    assert bytes(other.call("read", 1, 0, 10)[0]) == b"data"
    other.call("rename", 2, 0, b"top")
    assert read(lwp, b"/top/f") == b"data"
    assert [qid[2] for qid in other.walk(2, 3, b"..")] == [lwp.stat(b"/").st_ino]
    one.call("mkdir", 0, b"victim", 0o755, 0)
    other.walk(0, 4, b"victim")
    one.call("renameat", 1, b"moved", 0, b"victim")
    with refused(ESTALE):
        other.getattr(4)


def test_removed_files_stay_open(served):
    write(served.lwp, b"/f", b"data")
    peer = served.attached()
    peer.walk(0, 1, b"f")
    peer.walk(0, 2, b"f")
    peer.call("lopen", 1, 2)
    peer.call("unlinkat", 0, b"f", 0)
    write(served.lwp, b"/f", b"another")
    assert bytes(peer.call("read", 1, 0, 10)[0]) == b"data"
    assert peer.getattr(1)["nlink"] == 0
    with refused(ESTALE):
        peer.getattr(2)
    peer.walk(0, 3, b"f")
    assert peer.getattr(3)["size"] == 7


def test_a_name_that_leads_elsewhere_is_stale(served):
    """Changed behind the server's back, by another program of the kernel."""
    write(served.lwp, b"/f", b"data")
    peer = served.attached()
    peer.walk(0, 1, b"f")
    write(served.lwp, b"/g", b"data")
    served.lwp.rename(b"/g", b"/f")
    for request in (("lopen", 1, 0), ("getattr", 1, 0x7FF), ("setattr", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
                    ("link", 0, 1, b"n"), ("remove", 1)):  # fmt: skip
        with refused(ESTALE):
            peer.call(*request)
    with refused(EBADF):        # remove takes the fid in any case
        peer.getattr(1)
    assert read(served.lwp, b"/f") == b"data"


def test_remove(served):
    served.lwp.mkdir(b"/d")
    peer = served.attached()
    peer.walk(0, 1, b"d")
    peer.call("remove", 1)
    with pytest.raises(FileNotFoundError):
        served.lwp.stat(b"/d")
    peer.walk(0, 2)
    with refused(EINVAL):
        peer.call("remove", 2)


# ---- locks ---------------------------------------------------------------------------------------------------------


def test_locks(served):
    write(served.lwp, b"/f")
    one, other = served.attached(), served.attached()
    for peer in (one, other):
        peer.walk(0, 1, b"f")
        peer.call("lopen", 1, 2)

    def lock(peer: Peer, kind: int, start: int, length: int, process: int = 1) -> int:
        return peer.call("lock", 1, kind, 0, start, length, process, b"client")[0]

    assert lock(one, constants.LOCK_WRITE, 10, 10) == constants.LOCK_SUCCESS
    assert lock(other, constants.LOCK_READ, 19, 5) == constants.LOCK_BLOCKED
    assert lock(other, constants.LOCK_READ, 20, 0) == constants.LOCK_SUCCESS
    assert lock(one, constants.LOCK_WRITE, 15, 100) == constants.LOCK_BLOCKED
    assert lock(one, constants.LOCK_UNLOCK, 12, 2) == constants.LOCK_SUCCESS
    assert lock(other, constants.LOCK_WRITE, 12, 2) == constants.LOCK_SUCCESS
    assert other.call("getlock", 1, constants.LOCK_READ, 0, 0, 1, b"client") == (1, 10, 2, 1, b"client")
    assert one.call("getlock", 1, constants.LOCK_READ, 20, 0, 1, b"client") == (2, 20, 0, 1, b"client")
    assert lock(one, constants.LOCK_WRITE, 10, 2, process=2) == constants.LOCK_BLOCKED
    other.call("clunk", 1)
    assert lock(one, constants.LOCK_WRITE, 0, 0) == constants.LOCK_SUCCESS
    with refused(EINVAL):
        lock(one, 9, 0, 1)
    one.stream.close()
    other.walk(0, 1, b"f")
    other.call("lopen", 1, 2)
    while lock(other, constants.LOCK_WRITE, 0, 0) != constants.LOCK_SUCCESS:
        pass                    # until the server has noticed that the other one left
