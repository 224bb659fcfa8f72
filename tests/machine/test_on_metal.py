# SPDX-License-Identifier: BSD-2-Clause
"""An unmodified driver with no operating system under it gives what it gives on Linux: to the byte, image included."""

import random
import shutil
import socket
import subprocess

import pytest

from rump.conformance.result import closing
from rump.servers.machine.metal import Metal
from rump.servers.machine.qemu import Disk, Machine, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SCRIPT = b"""\
ls -lR :/
cp -a :/tree :/copy
mkdir :/new
mv :/copy/many :/new/many
rm -r :/tree/deep
ln -s ../tree/big :/new/link
chmod 640 :/tree/big
truncate -s 5000 :/copy/big
ls -laR :/
df :/
"""


@pytest.fixture
def image(tmp_path):
    """An ext4 image made by mkfs.ext4, with files in it."""
    if shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin") is None:
        pytest.skip("no mkfs.ext4")
    tree = tmp_path / "tree"
    (tree / "tree" / "deep" / "er").mkdir(parents=True)
    (tree / "tree" / "many").mkdir()
    chance = random.Random(1)
    (tree / "tree" / "big").write_bytes(chance.randbytes(700_001))
    (tree / "tree" / "deep" / "er" / "file").write_text("text\n")
    for number in range(60):
        (tree / "tree" / "many" / f"file {number}").write_bytes(chance.randbytes(number * 100))
    path = tmp_path / "disk.img"
    with open(path, "wb") as file:
        file.truncate(24 << 20)
    mkfs = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin")
    subprocess.run([mkfs, "-q", "-F", "-d", tree, path], check=True)
    return path


def check(image):
    """Errors: what e2fsck finds."""
    e2fsck = shutil.which("e2fsck", path="/usr/sbin:/sbin:/usr/bin")
    done = subprocess.run([e2fsck, "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_a_session_on_an_ext4_image(metal, fsu, image):
    before = image.read_bytes()
    there = fsu("shell", "--host", "metal", "disk.img", stdin=SCRIPT)
    check(image)
    after = image.read_bytes()
    image.write_bytes(before)
    here = fsu("shell", "disk.img", stdin=SCRIPT)
    assert here[0] == 0 and here[2] == b""
    assert here[1].count(b"\n") > 200
    assert there == here
    assert after == image.read_bytes() != before


def test_fsu(metal, fsu, image, tmp_path):
    before = image.read_bytes()
    data = (tmp_path / "tree" / "tree" / "big").read_bytes()
    assert fsu("--host", "metal", "cat", "disk.img:/tree/big") == (0, data, b"")
    missing = fsu("ls", "disk.img:/none", "disk.img:/tree/many", "--host=metal")
    assert missing == fsu("ls", "disk.img:/none", "disk.img:/tree/many")
    assert missing[0] == 1 and missing[2] == b"fsu ls: disk.img:/none: No such file or directory\n"
    assert image.read_bytes() == before
    noise = random.Random(3).randbytes(200_000)
    assert fsu("--host", "metal", "write", "disk.img:/noise", stdin=noise) == (0, b"", b"")
    assert fsu("cat", "disk.img:/noise") == (0, noise, b"")
    check(image)


def test_files_of_the_host_are_copied_in(metal, fsu, image, tmp_path):
    other = tmp_path / "other.img"
    shutil.copyfile(image, other)
    (tmp_path / "tree" / "link").symlink_to("tree/big")
    (tmp_path / "tree" / "empty").touch()
    assert fsu("--host", "metal", "cp", "-aR", "tree", "disk.img:/") == (0, b"", b"")
    assert fsu("cp", "-aR", "tree", "other.img:/") == (0, b"", b"")
    assert fsu("ls", "-lR", "disk.img:/")[1] == fsu("ls", "-lR", "other.img:/")[1].replace(b"other.img", b"disk.img")
    assert fsu("diff", "-r", "disk.img:/", "other.img:/")[0] == 0
    check(image)


BODIES = ("--fs", "ext4-written", "--fs", "fat16-written", "--only", "rename_over", "--only", "data_write")


def test_conformance_bodies(metal, tmp_path):
    """A few; the whole slice is a run of its own."""
    scratch = tmp_path / "scratch"
    with open(scratch, "wb") as file:
        file.truncate(256 << 20)
    wanted = subprocess_result("bare-memory")
    words = ["-m", "rump.conformance", "--host", "metal", *BODIES]
    status, log = run(metal, words, disks=[Disk(str(scratch), "scratch")], timeout=200)
    found = closing(log.decode())
    assert status == 0 and found.green and found.passed == wanted.passed > 5
    assert found.digest == wanted.digest


def subprocess_result(host):
    from rump.conformance import __main__ as suite

    return suite.suite(host, options := suite.Options(["--host", host, *BODIES]), options.report())


FRAMES = """
from rump.rumpuser.host import default
host = default()
nic = host.nic_open(b"")
address = host.nic_address(nic)
print("address", address.hex(":"))
host.nic_send(nic, bytes(6) + address + b"\\x88\\xb5" + b"hello".ljust(46, b"."))
while True:
    frame = host.nic_receive(nic, 20 * 10**9)
    if not frame or frame[14:18] == b"stop":
        break
    host.nic_send(nic, frame[6:12] + address + frame[12:14] + frame[14:][::-1])
host.nic_close(nic)
print("closed" if frame else "nothing came")
"""


@pytest.mark.parametrize("pc", [False, True], ids=["microvm", "pc"])
def test_nothing_is_lost_when_nobody_reads(metal, pc):
    """The machine waits: what goes over the line is not thrown away."""
    program = "import rump.rumpuser.host as h\nh.default().platform.consoles()[0].write(memoryview(bytes(2 << 20)))"
    with Machine(Metal(pc), ["-c", program], line=True) as machine:
        machine.start()
        come = len(machine.line.recv(1))
        with pytest.raises(subprocess.TimeoutExpired):
            machine.process.wait(1)
        while piece := machine.line.recv(1 << 16):
            come += len(piece)
        assert (machine.wait(60), come) == (0, 1 << 21)


@pytest.mark.parametrize("pc", [False, True], ids=["microvm", "pc"])
def test_frames_both_ways(metal, pc):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs, Machine(Metal(pc), ["-c", FRAMES], wires=[theirs.fileno()]) as machine:
        ours.settimeout(60)
        machine.start()
        first = ours.recv(4096)
        address = first[6:12]
        assert first[12:] == b"\x88\xb5" + b"hello".ljust(46, b".")
        for length in (60, 1000, 1514):
            body = random.Random(length).randbytes(length - 14)
            ours.send(address + b"\2\0\0\0\0\1" + b"\x88\xb5" + body)
            assert ours.recv(4096) == b"\2\0\0\0\0\1" + address + b"\x88\xb5" + body[::-1]
        ours.send(address + b"\2\0\0\0\0\1" + b"\x88\xb5stop".ljust(48, b"\0"))
        assert machine.wait(60) == 0
        assert machine.log().splitlines()[0].decode() == f"address {address.hex(':')}"
        assert b"closed" in machine.log()


DISKS = """
from rump.rumpuser.host import default
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import *
host = default()
print([(name.decode(), file.size, file.read_only) for name, file in host.platform.files.items()])
one = host.open(b"one", OPEN_RDWR)
print(host.submit(one, [(BIO_WRITE, bytes([n]) * 512, 1024 * n) for n in range(1, 100)]).count(512))
host.discard(one, 1024, 512)
host.sync(one, SYNC_ALL)
try:
    host.open(b"two", OPEN_RDWR)
except HostError as error:
    print("refused", error.errno)
print(len(host.getrandom(32, RANDOM_HARD)))
raise SystemExit(7)
"""


@pytest.mark.parametrize("pc", [False, True], ids=["microvm", "pc"])
def test_disks(metal, tmp_path, pc):
    for name, size in (("a", 1 << 20), ("b", 2 << 20)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    disks = [Disk(str(tmp_path / "a"), "one"), Disk(str(tmp_path / "b"), "two", read_only=True)]
    status, log = run(Metal(pc), ["-c", DISKS], disks=disks, timeout=60)
    assert status == 7
    lines = log.decode().splitlines()
    names = {name: (size, read_only) for name, size, read_only in eval(lines[0])}
    assert names["one"] == (1 << 20, False) and names["two"] == (2 << 20, True)
    assert {"disk0", "disk1"} < names.keys()
    assert lines[1:4] == ["99", "refused 30", "32"]
    wanted = b"".join(bytes(512) + (bytes([n]) * 512) for n in range(2, 100))
    data = (tmp_path / "a").read_bytes()
    assert data[1536 : 1536 + len(wanted)] == wanted
    assert data[1024:1536] == bytes(512)
