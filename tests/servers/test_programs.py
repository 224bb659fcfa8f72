# SPDX-License-Identifier: BSD-2-Clause
"""rump_server and rump as the processes that people start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import rump.servers
from rump.fsutils.main import main as fsu
from rump.kernel import abi
from rump.servers.drives import Drive, DriveError, amount

SERVER = (sys.executable, "-m", "rump.servers.rump_server")
RUMP = (sys.executable, "-m", "rump.servers.rump.main")


@pytest.fixture
def url(tmp_path):
    """Where the test's server listens; one that is left is killed."""
    path = tmp_path / "s"
    yield f"unix://{path}"
    if path.exists():
        subprocess.run([*RUMP, "halt", "-u", f"unix://{path}"], check=False, timeout=30)


@pytest.fixture
def image(tmp_path):
    """An ext4 image with a file in it."""
    path = tmp_path / "disk.img"
    assert fsu(["mkfs", "-t", "ext4", str(path), "4M"]) == 0
    assert fsu(["mkdir", f"{path}:/etc"]) == 0
    return path


def start(*arguments, status=0):
    done = subprocess.run([*SERVER, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def ask(url, verb, *arguments, status=0):
    environment = {**os.environ, "RUMP_SERVER": url}
    done = subprocess.run(
        [*RUMP, verb, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == status, done.stderr
    return done.stdout if not status else done.stderr


def ended(url):
    path = url.removeprefix("unix://")
    end = time.monotonic() + 20
    while os.path.exists(path):
        assert time.monotonic() < end
        time.sleep(0.01)
    return True


def test_a_server_with_an_image(tmp_path, url, image):
    start("-d", f"key=/dev/disk,hostpath={image},size=host", "-l", "librumpfs_ext2fs.so", "-r", "8m", url)
    with rump.servers.connect(url) as lwp:          # it is ready when its parent has ended
        assert lwp.stat(b"/dev/disk").st_mode & abi.S_IFMT == abi.S_IFBLK
        lwp.mkdir(b"/mnt")
    ask(url, "mount", "-t", "ext2fs", "/dev/disk", "/mnt")
    assert "/dev/disk on /mnt type ext4" in (shown := ask(url, "mount")) or "/dev/disk on /mnt type ext2fs" in shown
    assert ask(url, "ls", "/mnt") == "etc\nlost+found\n"
    with rump.servers.connect(url) as lwp:
        fd = lwp.open(b"/mnt/etc/motd", abi.O_RDWR | abi.O_CREAT, 0o644)
        lwp.write(fd, b"hello\n")
        lwp.close(fd)
    assert ask(url, "cat", "/mnt/etc/motd") == "hello\n"
    long = ask(url, "ls", "-l", "/mnt/etc")
    assert long.startswith("-rw-r--r--   1     0     0          6 ") and long.endswith(" motd\n")
    assert "/mnt" in ask(url, "df", "/mnt")
    assert "rump ps" in ask(url, "ps") and "rumplocal" in ask(url, "ps")
    ask(url, "sync")
    assert "No such file or directory" in ask(url, "cat", "/mnt/none", status=1)
    ask(url, "halt")
    assert ended(url)
    assert fsu(["fsck", str(image)]) == 0
    assert fsu(["stat", f"{image}:/etc/motd"]) == 0


def test_a_monolith_and_its_top(tmp_path, url, image):
    pytest.importorskip("psutil")
    config = tmp_path / "rump.toml"
    config.write_text(
        f'[[mount]]\nimage = "{image}"\nat = "/mnt"\n[[serve]]\nkind = "sysproxy"\naddress = "{url}"\n'
        '[status]\naddress = "127.0.0.1:0"\n'
    )
    assert ask(url, "monolith", "-n", str(config)) == ""
    assert "none.toml" in ask(url, "monolith", str(tmp_path / "none.toml"), status=1)
    process = subprocess.Popen(
        [*RUMP, "monolith", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said = dict(process.stdout.readline().rstrip().partition(" ")[::2] for _ in range(3))
        assert set(said) == {"sysproxy", "status", "ready"}, process.poll() and process.stderr.read()
        assert ask(url, "ls", "/mnt") == "etc\nlost+found\n"
        for where in ((), ("-u", url), (url,), (said["status"],)):
            assert "/mnt" in ask(url, "top", "-n", "1", *where)
        lines = ask(url, "top", "-n", "2", "-d", "0.01", "--json").splitlines()
        assert [len(json.loads(line)["mounts"]) for line in lines] == [2, 2]
        ask(url, "halt")
        assert process.wait(30) == 0
    finally:
        process.kill()
        out, err = process.communicate()
    assert (out, err) == ("", "")
    assert "rump top: " in ask(url, "top", "-n", "1", status=1)
    assert "rump top: " in ask(said["status"], "top", "-n", "1", status=1)
    assert fsu(["fsck", str(image)]) == 0


def test_signals_halt_cleanly(tmp_path, url, image, capfd):
    drive = f"key=/dev/disk,hostpath={image},size=host"
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen([*SERVER, "-s", "-v", "-d", drive, url], stderr=subprocess.PIPE, text=True)
        try:
            while "listening" not in process.stderr.readline():
                assert process.poll() is None
            with rump.servers.connect(url) as lwp:
                lwp.mkdir(b"/mnt")
                lwp.mount("ext2fs", b"/mnt", 0, b"/dev/disk")
                lwp.mkdir(b"/mnt/%d" % number)
                process.send_signal(number)
                assert process.wait(30) == 0, process.stderr.read()
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
        assert ended(url)
        assert fsu(["fsck", str(image)]) == 0
        capfd.readouterr()
        assert fsu(["ls", f"{image}:/"]) == 0
        assert str(int(number)) in capfd.readouterr().out.split()


def test_what_cannot_start_says_so(tmp_path, url):
    assert "one virtual CPU" in start("-c", "2", url, status=2)
    assert "unknown" in start("-d", "what=1", url, status=2)
    assert "No such file or directory" in start("-d", "key=/dev/a,hostpath=/none,size=host", url, status=1)
    assert "nofs" in start("-l", "nofs", url, status=1)
    assert "secret" in start("tcp://0.0.0.0:0/", status=1)
    assert start("other://x", status=1)
    start(url)
    assert "in use" in start(url, status=1)
    assert "Connection refused" in ask("tcp://127.0.0.1:1/", "ps", status=1)
    assert "which server" in ask("", "ps", status=2)


def test_secret_files(tmp_path, capsys):
    from rump.servers.rump_server import read_secret

    path = tmp_path / "secret"
    path.write_bytes(b"sesame\nmore\n")
    path.chmod(0o644)
    with pytest.raises(DriveError):
        read_secret(str(path))
    path.chmod(0o600)
    assert read_secret(str(path)) == b"sesame"
    path.write_bytes(b"\n")
    with pytest.raises(DriveError):
        read_secret(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "", "key=/dev/a", "key=/dev/a,hostpath=b", "key=a,hostpath=b,size=1", "key=/a,hostpath=b,size=1,size=2",
        "key=/a,hostpath=b,disklabel=a,size=1", "key=/a,hostpath=b,disklabel=a,offset=1",
        "key=/a,hostpath=b,disklabel=aa", "key=/a,hostpath=b,size=1,type=reg", "key=/a,hostpath=b,size=x",
        "key=/a,hostpath=b,size=-1", "key=/a,hostpath=b,size=1,x=2",
    ],
)  # fmt: skip
def test_drives_that_make_no_sense(text):
    with pytest.raises(DriveError):
        Drive(text)


def test_amounts():
    assert [amount(text) for text in ("0", "12", "2b", "1k", "3M", "1g", "2t")] == [
        0, 12, 1024, 1024, 3 << 20, 1 << 30, 2 << 40,
    ]  # fmt: skip


def test_drives(tmp_path):
    from rump.kernel.init import boot
    from rump.rumpuser.host import default

    path = tmp_path / "new.img"
    with boot(default()) as kernel:
        Drive(f"key=/dev/a,hostpath={path},offset=1k,size=64k,type=blk").attach(kernel)
        assert path.stat().st_size == 65 << 10
        assert kernel.device(b"/dev/a").size == 64 << 10
        Drive(f"key=/dev/b,hostpath={path},offset=4k,size=host,ro").attach(kernel)
        assert kernel.device(b"/dev/b").size == 61 << 10
        with pytest.raises(DriveError):
            Drive(f"key=/dev/c,hostpath={path},disklabel=a").attach(kernel)


