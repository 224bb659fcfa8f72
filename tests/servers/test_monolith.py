# SPDX-License-Identifier: BSD-2-Clause
"""`rump monolith`: a configuration is checked to the last key; what it describes runs, is seen, and ends clean."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from rump.kernel import abi, boot
from rump.rumpuser.host import default
from rump.servers.client import connect
from rump.servers.monolith import config, status, top
from rump.servers.monolith.assembly import Monolith
from rump.servers.monolith.limits import MemoryWatch
from rump.servers.monolith.ways import open_way

FUSE = os.path.exists("/dev/fuse") and os.geteuid() == 0
NEEDED = pytest.mark.skipif(shutil.which("mkfs.ext4") is None or shutil.which("mkfs.fat") is None, reason="no mkfs")
MINIMAL = {"status": {"address": "127.0.0.1:0"}}


def test_a_whole_configuration(tmp_path):
    file = tmp_path / "rump.toml"
    file.write_text("""
[kernel]
cache = "64M"
vnodes = 1000
[limits]
memory = "1G"
cpus = [0]
[[mount]]
image = "disk.img@root"
[[mount]]
image = "/images/esp.img"
at = "/boot//efi/"
read-only = true
options = { codepage = "850" }
[[serve]]
kind = "sysproxy"
address = "unix:///run/rump"
secret-file = "secret"
""")
    said = config.read(str(file))
    assert said.kernel == config.KernelSettings(64 << 20, 1000)
    assert said.limits == config.Limits(memory=1 << 30, cpus=(0,))
    assert [entry.at for entry in said.mounts] == ["/", "/boot/efi"]
    assert said.mounts[0].image == str(tmp_path / "disk.img@root") and said.mounts[1].image == "/images/esp.img"
    assert said.mounts[1].read_only and said.mounts[1].options == {"codepage": "850"}
    assert said.servers[0].secret_file == str(tmp_path / "secret")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "no way in"),
        (MINIMAL | {"colour": 1}, "colour: there is no such key"),
        (MINIMAL | {"kernel": {"cache": "many"}}, "[kernel] cache: 'many' is not a size"),
        (MINIMAL | {"kernel": {"cache": True}}, "not a size"),
        (MINIMAL | {"kernel": {"vnodes": 1}}, "1 is not among"),
        (MINIMAL | {"kernel": 3}, "[kernel] is not a table"),
        (MINIMAL | {"mount": {"image": "x"}}, "[[mount]] is wanted"),
        (MINIMAL | {"mount": [{}]}, "[mount 1] image: is wanted"),
        (MINIMAL | {"mount": [{"image": "a", "at": "b"}]}, "[mount 1] at: 'b' is not an absolute path"),
        (MINIMAL | {"mount": [{"image": "a", "at": "/../b"}]}, "not an absolute path"),
        (MINIMAL | {"mount": [{"image": "a"}, {"image": "b"}]}, "two mounts at /"),
        (MINIMAL | {"mount": [{"image": "a", "read-only": "yes"}]}, "'yes' is not true or false"),
        (MINIMAL | {"mount": [{"image": "a", "options": {"b": 1}}]}, 'NAME = "VALUE"'),
        ({"serve": [{"kind": "smb", "address": "x"}]}, "[serve 1] kind: one of 9p, fuse, http, sysproxy"),
        ({"serve": [{"kind": "http", "address": "x", "port": 5}]}, "[serve 1] port: there is no such key"),
    ],
)
def test_what_is_wrong_is_named(said, problem):
    with pytest.raises(config.ConfigError) as error:
        config.parse(said, "rump.toml")
    assert str(error.value).startswith("rump.toml: ") and problem in str(error.value)


def test_not_toml(tmp_path):
    for data in (b"[kernel", b"\xff"):
        (tmp_path / "c.toml").write_bytes(data)
        with pytest.raises(config.ConfigError):
            config.read(str(tmp_path / "c.toml"))


def test_memory_is_watched():
    said, now = [], [50]
    watch = MemoryWatch(100 << 20, said.append, lambda: now[0] << 20)
    looks = []
    for now[0] in (50, 101, 95, 89, 99):
        looks.append(watch.look())
    assert looks == [False, True, True, False, False]
    assert len(said) == 2 and "no new clients" in said[0] and "welcome again" in said[1]


def test_top_shows_what_a_terminal_may_have():
    said = {
        "uptime": 3.2, "process": {"cpu": 1.25, "memory": 5 << 20, "threads": 2},
        "mounts": [{"at": "/a\x1b[2Jb", "type": "ext2fs", "device": "x.img", "size": 3 << 30, "free": 1 << 20,
                    "files": 7, "read_only": False}],
        "processes": [{"pid": 1, "parent": 0, "uid": 0, "descriptors": 3, "name": "rumplocal"}],
    }  # fmt: skip
    text = "\n".join(top.lines(said))
    assert "up 3 s, CPU 1.2 s, 5.0M resident, 1 mounts, 1 processes" in text and "\x1b" not in text
    assert re.search(r"3\.0G +3\.0G +1\.0M +7 ext2fs +/a\?\[2Jb \(x\.img\)", text)
    page = status.page({**said, "servers": [{"kind": "9p", "address": "<b>", "path": "/"}]})
    assert "&lt;b&gt;" in page and "<b>" not in page


@pytest.fixture
def monolith(tmp_path):
    """A monolith of two images in a process of its own; its lines up to "ready"."""
    root, esp = tmp_path / "root.img", tmp_path / "esp.img"
    for path, size in ((root, 16 << 20), (esp, 4 << 20)):
        with open(path, "wb") as file:
            file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", root], check=True)
    subprocess.run(["mkfs.fat", esp], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "rump.toml").write_text(f"""
[kernel]
cache = "8M"
[[mount]]
image = "root.img"
at = "/mnt"
[[mount]]
image = "esp.img"
at = "/mnt/boot/efi"
[[serve]]
kind = "sysproxy"
address = "unix://{tmp_path}/rump"
[[serve]]
kind = "9p"
address = "127.0.0.1:0"
path = "/mnt"
[[serve]]
kind = "http"
address = "127.0.0.1:0"
path = "/mnt"
[status]
address = "127.0.0.1:0"
""" + (f'[[serve]]\nkind = "fuse"\naddress = "{tmp_path}/fuse"\npath = "/mnt"\n' if FUSE else ""))
    (tmp_path / "fuse").mkdir()
    code = "import sys; from rump.servers.monolith.main import run; sys.exit(run(sys.argv[1]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "rump.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = [process.stdout.readline() for _ in range(6 if FUSE else 5)]
        assert lines[-1] == "ready\n", (lines, process.poll() and process.stderr.read())
        yield process, [line.strip() for line in lines[:-1]]
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    for check in (["e2fsck", "-fn", root], ["fsck.fat", "-n", esp]):
        result = subprocess.run(check, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def fetch(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        return answer.read()


@NEEDED
def test_one_kernel_and_every_way_in(monolith, tmp_path, capsys):
    process, said = monolith
    ways = dict(line.split(" ", 1) for line in said)
    assert sorted(ways) == sorted(["9p", "http", "status", "sysproxy"] + ["fuse"] * FUSE)
    with connect(ways["sysproxy"]) as lwp:
        fd = lwp.open(b"/mnt/boot/efi/hello.txt", abi.O_CREAT | abi.O_WRONLY)
        lwp.write(fd, b"hello from everywhere\n")
        lwp.close(fd)
        lwp.mkdir(b"/mnt/from a client", 0o755)
        seen = json.loads(fetch(ways["status"] + "status.json"))
        assert [row["at"] for row in seen["mounts"]] == ["/", "/mnt", "/mnt/boot/efi"]
        assert [row["type"] for row in seen["mounts"]] == ["rumpfs", "ext2fs", "msdosfs"]
        assert any(row["name"] == "python" for row in seen["processes"])
        assert {row["kind"] for row in seen["servers"]} == set(ways) - {"status"}
        assert top.run(ways["sysproxy"], rounds=2, sleep=lambda seconds: None) == 0
        assert capsys.readouterr().out.count("/mnt/boot/efi") == 2
    assert fetch(f"http://{ways['http']}/boot/efi/hello.txt") == b"hello from everywhere\n"
    if FUSE:
        (tmp_path / "fuse" / "boot" / "efi" / "fuse.txt").write_text("by fuse")
        assert sorted(os.listdir(ways["fuse"])) == ["boot", "from a client", "lost+found"]
        assert fetch(f"http://{ways['http']}/boot/efi/fuse.txt") == b"by fuse"
    assert b"from a client" in fetch(f"http://{ways['http']}/")
    page = fetch(ways["status"])
    assert b"/mnt/boot/efi" in page and b"<script" not in page
    for host in ("evil.example", "evil.example:80"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(ways["status"], Host=host)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(ways["status"] + "nothing")
    assert top.run(ways["status"], rounds=1, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["uptime"] > 0
    assert process.poll() is None


@NEEDED
def test_what_cannot_be_had_is_said(tmp_path):
    from rump.servers.monolith.main import run

    for text, problem in (
        ('[[mount]]\nimage = "none.img"\n[status]\naddress = "127.0.0.1:0"', "none.img"),
        ('[status]\naddress = "0.0.0.0:1"', "for this machine"),
        ('[[serve]]\nkind = "http"\naddress = "0.0.0.0:0"', "0.0.0.0"),
        ('[[serve]]\nkind = "http"\naddress = "0.0.0.0:0"\nallow-remote = true', "secret-file"),
        ('[[serve]]\nkind = "9p"\naddress = "127.0.0.1:0"\nread-only = true', "mount it read-only"),
        ('[[serve]]\nkind = "sysproxy"\naddress = "tcp://0.0.0.0:0/"', "secret"),
    ):
        (tmp_path / "c.toml").write_text(text)
        messages = []
        import rump.servers.monolith.main as main

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(main, "_log", messages.append)
            assert run(str(tmp_path / "c.toml")) == 1
        assert len(messages) == 1 and problem in messages[0], messages
    assert os.listdir(tmp_path) == ["c.toml"]


def _unwelcome_http(address):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(f"http://{address}/")
    assert caught.value.code == 503 and caught.value.headers["Retry-After"]
    caught.value.close()


def _unwelcome_ninep(address):
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(struct.pack("<IBHIH8s", 21, 100, 0xFFFF, 8192, 8, b"9P2000.L"))
        assert client.recv(100)[4] == 101
        client.sendall(struct.pack("<IBHIIHHI", 23, 104, 1, 0, 0xFFFFFFFF, 0, 0, 0))        # Tattach
        answer = client.recv(100)
    assert (answer[4], struct.unpack_from("<I", answer, 7)[0]) == (7, errno.EAGAIN)         # Rlerror


def _unwelcome_sysproxy(address):
    with pytest.raises(OSError):
        connect(address).disconnect()


def _unwelcome_fuse(address):
    for call in (lambda: os.listdir(address), lambda: Path(address, "new").touch()):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == errno.ENOMEM


KINDS = {"http": _unwelcome_http, "9p": _unwelcome_ninep, "sysproxy": _unwelcome_sysproxy}
if FUSE:
    KINDS["fuse"] = _unwelcome_fuse


@pytest.mark.parametrize("kind", KINDS)
def test_new_work_is_refused(kind, tmp_path):
    """Each way in does it as its protocol has it, and takes it on again."""
    address = {"sysproxy": f"unix://{tmp_path}/s", "fuse": str(tmp_path)}.get(kind, "127.0.0.1:0")
    answer = [False]
    with boot(default()) as kernel:
        entry = config.ServeEntry(kind, address, "/" if kind == "sysproxy" else "/tmp")
        way = open_way(kernel, entry, lambda line: None, lambda: None, lambda: answer[0])
        try:
            KINDS[kind](way.address)
            answer[0] = True
            with pytest.raises(BaseException) as caught:            # the refusal that was expected does not come
                KINDS[kind](way.address)
            assert isinstance(caught.value, AssertionError | pytest.fail.Exception)
        finally:
            way.stop()


def test_what_exceeds_its_memory_is_not_welcoming():
    whole = Monolith(config.parse(MINIMAL, "rump.toml"), lambda line: None)
    assert whole.welcome()
    whole._watch = MemoryWatch(1, lambda line: None, lambda: 2)
    whole._watch.look()
    assert not whole.welcome()
