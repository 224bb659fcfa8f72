# SPDX-License-Identifier: BSD-2-Clause
"""rump.servers.connect: the same methods as a local lwp's, in both forms of the protocol."""

from __future__ import annotations

import random
import threading

import pytest
from served import Served

import rump.servers
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.stat import Stat, Statvfs
from rump.kernel.sysproxy import frames, native
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e

CREATE = abi.O_RDWR | abi.O_CREAT


@pytest.fixture
def served(tmp_path):
    with Served(b"unix://%s" % bytes(tmp_path / "s")) as served:
        yield served
        assert served.log == []


@pytest.fixture(params=[False, True], ids=["native", "genuine"])
def lwp(served, request):
    with rump.servers.connect(served.address.decode(), genuine=request.param) as lwp:
        yield lwp


def refused(number, call, *arguments):
    with pytest.raises(Fault) as caught:
        call(*arguments)
    assert caught.value.errno == number
    return caught.value


def test_who_one_is(lwp):
    assert (lwp.getpid(), lwp.getppid(), lwp.getuid(), lwp.getegid(), lwp.getgroups()) == (2, 1, 0, 0, ())
    lwp.setgroups((3, 4))
    assert lwp.getgroups() == (3, 4)
    assert lwp.umask(0o77) == 0o22
    lwp.setuid(5)
    assert lwp.getuid() == 5
    refused(e.EPERM, lwp.setuid, 0)


def test_files(lwp, served):
    local = served.kernel.lwp
    lwp.mkdir(b"/tmp/d")
    lwp.chdir(b"/tmp/d")
    assert lwp.getcwd() == b"/tmp/d"
    fd = lwp.open(b"a", CREATE, 0o640)
    assert fd == 3
    assert lwp.write(fd, bytearray(b"hello there")) == 11
    assert lwp.pwrite(fd, b"J", 0) == 1
    assert lwp.lseek(fd, -5, abi.SEEK_END) == 6
    assert lwp.read(fd, 100) == b"there"
    room = bytearray(4)
    assert lwp.preadinto(fd, room, 9) == 2 and room == b"re\0\0"
    lwp.ftruncate(fd, 5)
    lwp.fsync(fd)
    assert lwp.fstat(fd) == local.stat(b"/tmp/d/a") == lwp.stat(b"a")
    assert type(lwp.stat(b"a")) is Stat
    lwp.close(fd)
    error = refused(e.ENOENT, lwp.open, b"/none", abi.O_RDONLY)
    assert isinstance(error, FileNotFoundError) and error.filename == b"/none"
    refused(e.EBADF, lwp.read, fd, 1)
    lwp.symlink(b"a", b"l")
    assert lwp.readlink(b"l") == b"a"
    assert lwp.lstat(b"l") == local.lstat(b"/tmp/d/l")
    lwp.rename(b"a", b"b")
    lwp.mkfifo(b"f", 0o600)
    lwp.mknod(b"n", abi.S_IFCHR | 0o600, abi.makedev(2, 2))
    lwp.utimens(b"b", 5, None)
    lwp.utimensat(abi.AT_FDCWD, b"b", None, 1_500_000_000_123_456_789)
    lwp.chmod(b"b", 0o4755)
    lwp.chown(b"b", 7, -1)
    found = local.stat(b"/tmp/d/b")
    assert (found.st_atime_ns, found.st_mtime_ns, found.st_uid) == (5, 1_500_000_000_123_456_789, 7)
    assert lwp.stat(b"b") == found
    fd = lwp.open(b".", abi.O_RDONLY)
    names = []
    while entries := lwp.getdents(fd):
        names += entries
    assert sorted(name for name, _, _ in names) == [b".", b"..", b"b", b"f", b"l", b"n"]
    lwp.access(b"b", abi.R_OK)
    lwp.unlink(b"l")
    assert lwp.statvfs(b"/") == local.statvfs(b"/")
    assert type(lwp.getvfsstat()[0]) is Statvfs and lwp.getvfsstat() == local.getvfsstat()
    lwp.sync()


def test_much_data(lwp):
    data = bytes(range(256)) * 14_000
    fd = lwp.open(b"/tmp/m", CREATE)
    assert lwp.write(fd, data) == len(data)
    assert lwp.pread(fd, len(data) + 10, 0) == data
    lwp.lseek(fd, 0, abi.SEEK_SET)
    assert lwp.read(fd, len(data)) == data
    assert lwp.read(fd, 10) == b""


def test_pipes(lwp):
    reading, writing = lwp.pipe2(abi.O_NONBLOCK)
    refused(e.EAGAIN, lwp.read, reading, 1)
    assert lwp.poll(((reading, abi.POLLIN), (writing, abi.POLLOUT)), 0) == ((writing, abi.POLLOUT),)
    lwp.write(writing, b"abc")
    assert lwp.poll(((reading, abi.POLLIN),), None) == ((reading, abi.POLLIN),)
    assert lwp.read(reading, 10) == b"abc"
    lwp.fcntl(reading, abi.F_SETFL, 0)
    lwp.close(writing)
    assert lwp.read(reading, 10) == b""


def test_mounts(lwp):
    lwp.mkdir(b"/mnt")
    lwp.mount("tmpfs", b"/mnt")
    lwp.mkdir(b"/mnt/inside")
    lwp.setxattr(b"/mnt/inside", b"user.a", b"value")
    assert lwp.getxattr(b"/mnt/inside", b"user.a") == b"value"
    assert lwp.listxattr(b"/mnt/inside") == (b"user.a",)
    lwp.removexattr(b"/mnt/inside", b"user.a")
    refused(e.ENOATTR, lwp.getxattr, b"/mnt/inside", b"user.a")
    lwp.unmount(b"/mnt")
    refused(e.ENOENT, lwp.stat, b"/mnt/inside")


def test_forks(lwp, served):
    fd = lwp.open(b"/tmp/f", CREATE)
    with lwp.fork("child") as child:
        assert (child.getpid(), child.getppid()) == (3, 2)
        child.write(fd, b"by the child")
    assert lwp.lseek(fd, 0, abi.SEEK_CUR) == 12
    cookie = lwp.prefork()
    with lwp.take_up(cookie):
        refused(e.ESRCH, lwp.take_up, cookie)
    lwp.exec("other")
    assert served.kernel.processes[2].name == "other"
    lwp.reboot()
    served.until(lambda: served.rebooted)


def test_what_only_the_native_form_has(served):
    with rump.servers.connect(served.address.decode()) as lwp:
        local = served.kernel.lwp
        ours, theirs = local.rump_capabilities(b"/tmp"), lwp.rump_capabilities(b"/tmp")
        assert {n: getattr(ours, n) for n in ours.__slots__} == {n: getattr(theirs, n) for n in ours.__slots__}
        lwp.mkdir(b"/tmp/x", mode=0o700)
        assert lwp.fstatat(abi.AT_FDCWD, path=b"/tmp/x", flag=0).st_mode == abi.S_IFDIR | 0o700
        fd = lwp.open(b"/tmp", abi.O_RDONLY)
        assert lwp.rump_listdir(fd) == local.rump_listdir(local.open(b"/tmp", abi.O_RDONLY))
        refused(e.ENOSYS, lwp.rump_adopt, 0)
        refused(e.EINVAL, lwp.open, "/tmp", abi.O_RDONLY)
        refused(e.EINVAL, lwp.open)
        refused(e.EINVAL, lwp.close, 1, 2)
        with pytest.raises(AttributeError):
            lwp.no_such_call(1)
        with pytest.raises(TypeError):
            lwp.mkdir(b"/y", wrong=1)


@pytest.mark.parametrize("genuine", [False, True])
def test_batches_stop_at_the_first_failure(served, genuine):
    with rump.servers.connect(served.address.decode(), genuine=genuine) as lwp:
        results, error = lwp.batch(
            [("mkdir", (b"/tmp/b",)), ("stat", (b"/tmp/b",)), ("unlink", (b"/none",)), ("rmdir", (b"/tmp/b",))]
        )
        assert results == [None, lwp.stat(b"/tmp/b")]
        assert error.errno == e.ENOENT and error.filename == b"/none"
        assert lwp.batch([]) == ([], None)


def test_hostile_batches(served):
    with rump.servers.connect(served.address.decode()) as lwp:
        for asked in (
            b"\xff", encode(None), encode(1), encode((1,)), encode((("stat",),)), encode((("stat", (1,)),)),
            encode(((b"stat", ()),)), encode((("stat", ()),)), encode((("__init__", ()),)), encode((("kernel", ()),)),
            encode((("read", (0, 1 << 40)),)), encode((("pread", (0, 1 << 20, -1)),)), encode((("stat", ()),) * 2000),
            encode((("poll", (((1,),), 0)),)), encode((("mount", ("tmpfs", b"/", 0, b"", ((1, 2),))),)),
            encode((("lseek", (0, 1 << 70, 0)),)), encode((("getdents", (0, -1, 2)),)),
            encode((("rump_populate", (1, ())),)),
        ):  # fmt: skip
            results, number, _, _ = decode(lwp._wire.ask(frames.BATCH, 0, asked))
            assert results == () and number in (e.EINVAL, e.ENOSYS, e.EPROTO, e.ESPIPE), asked
        assert lwp.getpid() == 2
    assert not {"rump_adopt", "rump_copy_in", "rump_copy_out", "readinto"} & set(native.offered())


INTEGERS = (
    0, 1, 2, 3, 4, 5, 7, -1, -100, 64, 4096, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63),
)  # fmt: skip
BYTES = (
    b"", b"/", b"/tmp", b"/tmp/a", b"a/b", b"..", b"\0", b"user.a", b"x" * 300, b"y" * 5000, b"/dev/null", b"/tmp/a/b",
)  # fmt: skip
POOLS = {
    "int": INTEGERS,
    "bool": (True, False),
    "bytes": BYTES,
    "Buffer": BYTES,
    "str": ("", "tmpfs", "x" * 200, "ext2fs"),
    "int | None": (0, 1, 10**6, -1),
    "Time": (None, "now", *INTEGERS),
    "dict[str, str] | None": (None, (), (("a", "b"),)),
    "tuple[int, ...]": ((), INTEGERS, (1, 2)),
    "tuple[int, int, int, int]": ((1, 0, 0, 0), (3, 2, 1 << 63, -1), (9,) * 4),
    "tuple[bytes, ...]": ((), BYTES),
    "tuple[tuple[int, int], ...]": ((), ((0, 1),), ((3, 4), (99, -1))),
}
NOT_MADE = ("poll", "flock", "mount")       # they wait, or hide what is needed


def test_batches_by_chance(served):
    """Every call there is, with arguments of the right types by chance: no more than errors come of it."""
    rng = random.Random(2)
    names = sorted(set(native.offered()) - set(NOT_MADE))
    failed = 0
    for _ in range(40):
        with rump.servers.connect(served.address.decode()) as lwp:
            lwp.batch([("open", (b"/tmp/a", CREATE | abi.O_NONBLOCK)), ("open", (b"/tmp", abi.O_RDONLY))])
            for _ in range(60):
                name = rng.choice(names)
                arguments = tuple(rng.choice(POOLS[kind]) for kind in native.offered()[name])
                if name == "fcntl_lock":
                    arguments = (arguments[0], abi.F_SETLK, arguments[2])
                if name in ("open", "openat"):
                    arguments = (*arguments[:-2], arguments[-2] | abi.O_NONBLOCK, arguments[-1])
                _, error = lwp.batch([(name, arguments)])
                failed += error is not None
                assert error is None or error.errno != e.EIO, (name, arguments, error)
    assert 1000 < failed < 2400
    served.log[:] = [line for line in served.log if "/dev/console" not in line]     # flags may have made it immutable


def test_much_is_answered_in_part(served):
    with rump.servers.connect(served.address.decode()) as lwp:
        fd = lwp.open(b"/tmp/big", CREATE)
        lwp.write(fd, bytes(1 << 20))
        results, error = lwp.batch([("pread", (fd, 1 << 20, 0))] * 10)
        assert 3 <= len(results) < 10 and error.errno == e.EMSGSIZE


def test_waiting_in_a_batch(served):
    with rump.servers.connect(served.address.decode()) as lwp, lwp.fork() as other:
        pass
    with rump.servers.connect(served.address.decode()) as lwp:
        reading, writing = lwp.pipe2()
        other = lwp.fork()
        found = []
        thread = threading.Thread(target=lambda: found.append(lwp.batch([("read", (reading, 3)), ("getpid", ())])))
        thread.start()
        served.until(lambda: any(process.sleeping for process in served.kernel.processes.values()))
        other.write(writing, b"yes")
        thread.join()
        assert found == [([b"yes", lwp.getpid()], None)]
        other.disconnect()


def test_reconnecting(tmp_path, monkeypatch):
    from rump.servers.client import link

    slept = []
    monkeypatch.setattr(link.time, "sleep", slept.append)
    address = b"unix://%s" % bytes(tmp_path / "s")
    refused(e.ENOENT, rump.servers.connect, address.decode())
    first = Served(address)
    policies = ("none", "once", "inftime", "die", 1.0)
    lwps = {retry: rump.servers.connect(address.decode(), retry=retry) for retry in policies}
    first.__exit__()
    for retry in ("none", "once", 1.0):
        refused(e.ENOTCONN, lwps[retry].getpid)
        lwps[retry].disconnect()
    assert [round(pause, 1) for pause in slept] == [0.1, 0.2, 0.3, 0.4]
    with pytest.raises(SystemExit):
        lwps["die"].getpid()
    second = None

    def sleep(pause):
        nonlocal second
        second = Served(address)

    monkeypatch.setattr(link.time, "sleep", sleep)
    assert lwps["inftime"].getpid() == 2
    lwps["inftime"].disconnect()
    second.__exit__()


@pytest.mark.parametrize("retry", ["once", "inftime", 5.0])
def test_a_server_that_is_restarted(tmp_path, retry):
    address = b"unix://%s" % bytes(tmp_path / "s")
    with Served(address):
        lwp = rump.servers.connect(address.decode(), retry=retry)
        fd = lwp.open(b"/tmp/a", abi.O_CREAT | abi.O_RDWR, 0o600)
    with Served(address), lwp:
        refused(e.EBADF, lwp.write, fd, b"to nobody")           # a new process, of a new kernel
        refused(e.ENOENT, lwp.stat, b"/tmp/a")
        lwp.close(lwp.open(b"/tmp/b", abi.O_CREAT | abi.O_RDWR, 0o600))
        assert lwp.getpid() == 2


def test_secrets():
    with Served(b"tcp://127.0.0.1:0/", secret=b"sesame") as served:
        url = served.address.decode()
        with rump.servers.connect(url, secret=b"sesame") as lwp, lwp.fork() as child:
            assert (lwp.getpid(), child.getppid()) == (2, 2)
        for secret in (None, b"wrong"):
            refused(e.EPERM, lambda secret=secret: rump.servers.connect(url, secret=secret))
    with Served(b"tcp://127.0.0.1:0/") as served:
        refused(e.EPERM, lambda: rump.servers.connect(served.address.decode(), secret=b"sesame"))
