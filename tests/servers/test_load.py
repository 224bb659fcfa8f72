# SPDX-License-Identifier: BSD-2-Clause
"""A server under many clients, and killed among them.  RUMP_LOAD_SECONDS (5): how long the clients work."""

import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

import rump.servers
from rump.kernel import abi
from rump.kernel.init import boot
from rump.rumpuser.host import default

SECONDS = float(os.environ.get("RUMP_LOAD_SECONDS", "5"))
PROGRAMS, EACH = 8, 25              # 200 clients
LONG = SECONDS + 100
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(int(3 * LONG)),
    pytest.mark.skipif(shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin") is None, reason="no mke2fs"),
]


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    mke2fs = shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin")
    subprocess.run([mke2fs, "-q", "-F", "-t", "ext4", path, "64M"], check=True)
    return path


@contextmanager
def served(image, url, *more):
    """A server's process and its URL, the image mounted for writing at /mnt."""
    words = ["-s", "-v", "-d", f"key=/dev/disk,hostpath={image},size=host", *more, url]
    with open(image.with_name("complaints"), "wb") as complaints:
        server = subprocess.Popen([sys.executable, "-m", "rump.servers.rump_server", *words], stderr=complaints)
    try:
        address = said(server, Path(complaints.name))
        with rump.servers.connect(address, timeout=60) as lwp:
            lwp.mkdir(b"/mnt")
            lwp.mount("ext2fs", b"/mnt", 0, b"/dev/disk")
            lwp.chmod(b"/mnt", 0o777)
        yield psutil.Process(server.pid), address
    finally:
        if server.poll() is None:
            server.terminate()
        server.wait()


def said(server, complaints):
    """The address that a server says it has."""
    while server.poll() is None:
        for word in complaints.read_text().split():
            if word.startswith(("unix://", "tcp://")):
                return word
    raise AssertionError(complaints.read_text())


def clients(url, number, count, seconds, command):
    program = Path(__file__).with_name("load_clients.py")
    words = [sys.executable, program, url, count, seconds, f"/mnt/{number}-", command]
    return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_two_hundred_clients(image, tmp_path, kind):
    """Each gets its turns; memory and descriptors are bounded by what the clients are, not by how long they work."""
    url = f"unix://{tmp_path}/socket" if kind == "unix" else "tcp://127.0.0.1:0/"
    with served(image, url) as (server, address):
        before = server.num_fds()
        memory = []
        for seconds in (1, SECONDS):
            programs = [clients(address, number, EACH, seconds, "mixed") for number in range(PROGRAMS)]
            counts = [int(word) for each in programs for word in each.communicate(timeout=LONG)[0].split()]
            assert [each.returncode for each in programs] == [0] * PROGRAMS
            memory.append(server.memory_info().rss)
        print(f"{kind}: {sum(counts)} rounds in {SECONDS:g} s, of a client {min(counts)} to {max(counts)};",
              f"resident {memory[0] >> 20} and {memory[1] >> 20} MiB")  # fmt: skip
        assert len(counts) == PROGRAMS * EACH
        assert min(counts) >= max(1, statistics.median(counts) / 4)
        assert memory[1] < memory[0] + (32 << 20)
        with rump.servers.connect(address, timeout=60) as lwp:
            assert lwp.statvfs(b"/mnt").f_bavail > 0
            assert server.num_fds() <= before + 2


@pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])
@pytest.mark.parametrize("seed", range(3))
def test_what_was_synced_survives_a_kill(image, tmp_path, seed, isolate):
    """SIGKILL among writers, to the server or to its driver's process: each record whose fsync returned is there."""
    chance = random.Random(seed)
    acknowledged = {}
    with served(image, f"unix://{tmp_path}/socket", *([] if isolate else ["--no-isolate"])) as (server, address):
        writers = clients(address, "w", 20, 60, "synced")
        for _ in range(chance.randrange(50, 400)):
            name, number = next(writers.stdout).split()
            acknowledged[name] = int(number)
        victims = server.children() if isolate else [server]
        assert victims
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        for line in writers.communicate(timeout=LONG)[0].splitlines(keepends=True):
            if line.endswith("\n"):
                name, number = line.split()
                acknowledged[name] = int(number)
    assert len(acknowledged) > 5
    found = contents(image)
    for name, last in acknowledged.items():
        records = found[name.encode()].split(b"\n")
        assert records[: last + 1] == [b"%07d" % number for number in range(last + 1)], name
    e2fsck = shutil.which("e2fsck", path="/usr/sbin:/sbin:/usr/bin")
    done = subprocess.run([e2fsck, "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


def contents(image):
    """The files of the image, its journal replayed."""
    with boot(default()) as kernel:
        kernel.etfs_register(b"/dev/disk", bytes(image), read_only=False)
        lwp = kernel.lwp
        lwp.mkdir(b"/mnt")
        lwp.mount("ext2fs", b"/mnt", 0, b"/dev/disk")
        found = {}
        for name, *_ in lwp.getdents(folder := lwp.open(b"/mnt", abi.O_RDONLY), 1 << 16):
            if b"-" in name:
                fd = lwp.open(b"/mnt/" + name, abi.O_RDONLY)
                found[name] = lwp.read(fd, 1 << 20)
                lwp.close(fd)
        lwp.close(folder)
        return found
