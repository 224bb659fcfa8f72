# SPDX-License-Identifier: BSD-2-Clause
"""``fsu mount`` and ``fsu umount`` themselves: how they begin, end, fail, and what they leave."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fuse_mounts import FSU, Mounts, fsck, make_ext4, mounted, no_fuse, run, tool

from rump.servers.fuse import connection


def server(directory: Path) -> int:
    """The process that serves a mount."""
    import fcntl

    from rump.servers.fuse.control import SERVER

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, SERVER, bytes(4)), sys.byteorder)
    finally:
        os.close(descriptor)


def ended(pid: int) -> None:
    """Wait for the end of a process that is no child."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if re.search(r"^State:\tZ", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE):
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} goes on")


def test_background(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    assert mounted(directory)
    (directory / "d").mkdir()
    (directory / "d" / "f").write_text("written\n")
    pid = server(directory)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert run(*FSU, "umount", directory) == ""
    assert not mounted(directory)
    ended(pid)
    fsck(image)
    assert run(tool("debugfs"), "-R", "cat /d/f", image).endswith("written\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(mounts: Mounts, tmp_path: Path, number: signal.Signals) -> None:
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    (directory / "f").write_text("written")
    pid = server(directory)
    os.kill(pid, number)
    ended(pid)
    assert not mounted(directory)
    fsck(image)


def test_signals_while_the_image_is_written(mounts: Mounts, tmp_path: Path) -> None:
    """Who is impatient, or hangs up after asking to end, does not leave an image half written."""
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    for number in range(300):
        (directory / f"{number}").write_text(f"{number}" * 3000)
    pid = server(directory)
    with contextlib.suppress(ProcessLookupError):
        while True:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                os.kill(pid, number)
            time.sleep(0.0005)
    fsck(image)
    assert run(tool("debugfs"), "-R", "cat /299", image).endswith("299" * 10)


def test_signal_while_it_is_in_use(mounts: Mounts, tmp_path: Path) -> None:
    """Somebody goes on asking without end: what is in the image then is clean all the same."""
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    (directory / "f").write_bytes(b"x" * 100_000)
    pid = server(directory)
    busy = "import os, sys\nos.chdir(sys.argv[1])\nfd = os.open('f', os.O_RDWR)\nprint(flush=True)\n"
    busy += "while True: os.pwrite(fd, b'y', 0)"
    with subprocess.Popen([sys.executable, "-c", busy, directory], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as user:  # fmt: skip
        assert user.stdout is not None
        user.stdout.readline()
        os.kill(pid, signal.SIGTERM)
        ended(pid)
        _, said = user.communicate(timeout=20)
    assert b"Transport endpoint is not connected" in said or b"Software caused connection abort" in said
    fsck(image)


def test_foreground(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    (tmp_path / "d").mkdir()
    with subprocess.Popen([*FSU, "mount", "-f", image, tmp_path / "d"]) as running:
        while not mounted(tmp_path / "d"):
            time.sleep(0.01)
        (tmp_path / "d" / "f").touch()
        with open(tmp_path / "d" / "f"):
            run("umount", tmp_path / "d", status=32)        # in use
        run("umount", tmp_path / "d")
        assert running.wait() == 0
    fsck(image)


def test_in_use(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    with open(directory / "f", "w") as file:
        assert "busy" in run(*FSU, "umount", directory, status=1)
        assert mounted(directory)
        pid = server(directory)
        assert run(*FSU, "umount", "-l", directory) == ""
        assert not mounted(directory)
        file.write("still")
    ended(pid)
    fsck(image)
    assert run(tool("debugfs"), "-R", "cat /f", image).endswith("still")


def test_image_in_use(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    mounts(image)
    (tmp_path / "other").mkdir()
    said = run(*FSU, "mount", image, tmp_path / "other", status=1)
    assert said.startswith(f"fsu mount: {image}: ")
    assert not mounted(tmp_path / "other")


def test_read_only(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    before = image.read_bytes()
    for word in ("-r", "-oro"):
        directory = mounts(image, word)
        with pytest.raises(OSError) as caught:
            (directory / "f").touch()
        assert caught.value.errno == errno.EROFS
        assert os.listdir(directory) == ["lost+found"]
        run(*FSU, "umount", directory)
    assert image.read_bytes() == before


def test_killed(mounts: Mounts, tmp_path: Path) -> None:
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    for number in range(50):
        (directory / f"{number}").write_text(f"{number}" * 1000)
    with open(directory / "synced", "w") as file:
        file.write("for sure")
        file.flush()
        os.fsync(file.fileno())
    for number in range(50, 100):
        (directory / f"{number}").write_text(f"{number}" * 1000)
    pid = server(directory)
    os.kill(pid, signal.SIGKILL)
    ended(pid)
    with pytest.raises(OSError):
        os.listdir(directory)
    assert "server had died" in run(*FSU, "umount", directory)
    assert not mounted(directory)
    directory = mounts(image)
    assert (directory / "synced").read_text() == "for sure"
    assert all((directory / f"{number}").read_text() == f"{number}" * 1000 for number in range(50))
    run(*FSU, "umount", directory)
    fsck(image)


def test_fat(mounts: Mounts, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(tool("mkfs.fat"), "-C", image, "8192")
    directory = mounts(image)
    (directory / "A long name indeed.txt").write_text("one")
    (directory / "Folder").mkdir()
    os.rename(directory / "A long name indeed.txt", directory / "Folder" / "Other.txt")
    assert (directory / "FOLDER" / "OTHER.TXT").read_text() == "one"
    (directory / "folder" / "other.txt").write_text("two")
    assert os.listdir(directory / "Folder") == ["Other.txt"]
    (directory / "x").touch()
    (directory / "X").unlink()
    assert not (directory / "x").exists()
    with open(directory / "big", "wb") as file:
        for number in range(100):
            file.write(bytes([number]) * 5000)
    os.rename(directory / "big", directory / "Folder" / "big")
    assert (directory / "Folder" / "big").read_bytes()[-5001:-4999] == b"bc"
    with pytest.raises(OSError):
        os.symlink("x", directory / "s")
    with pytest.raises(OSError):
        os.link(directory / "Folder" / "big", directory / "l")
    assert (directory / "Folder").stat().st_uid == os.getuid()
    run(*FSU, "umount", directory)
    run(tool("fsck.fat"), "-n", image)
    assert run(tool("mtype"), "-i", image, "::/Folder/Other.txt") == "two"


def test_fat_names(mounts: Mounts, tmp_path: Path) -> None:
    """A file is one file by whichever spelling of its name; files whose names a reader may take for one are two."""
    image = tmp_path / "image"
    run(tool("mkfs.fat"), "-C", image, "8192")
    directory = mounts(image)
    long, short = directory / "A long name indeed.txt", directory / "ALONGN~1.TXT"
    long.write_text("one")
    assert short.stat().st_ino == long.stat().st_ino
    for writer, reader in ((short, long), (long, short), (directory / "a LONG name INDEED.txt", long)):
        with open(reader) as held:
            assert held.read() != str(writer)
            writer.write_text(str(writer))
            assert reader.read_text() == str(writer)
    for number, name in enumerate(("\u00df", "ss", "\u00c5", "\u01fb")):
        (directory / name).write_text(f"{number}")
    names = ("\u00df", "SS", "\u00e5", "\u01fa")
    assert [(directory / name).read_text() for name in names] == list("0123")
    with open(directory / "ss") as held:
        os.rename(directory / "ss", directory / "moved")
        (directory / "new").write_text("in its place?")
        assert (directory / "moved").read_text() == "1" == held.read()
    assert (directory / "new").read_text() == "in its place?"
    run(*FSU, "umount", directory)
    run(tool("fsck.fat"), "-n", image)


def test_iso(mounts: Mounts, tmp_path: Path) -> None:
    (tmp_path / "t" / "sub").mkdir(parents=True)
    (tmp_path / "t" / "sub" / "File").write_text("hello")
    os.symlink("sub/File", tmp_path / "t" / "s")
    run(*FSU, "mkfs", "-t", "iso", "-d", tmp_path / "t", tmp_path / "image")
    directory = mounts(tmp_path / "image", "-r")
    assert (directory / "s").read_text() == "hello"
    assert sorted(os.listdir(directory)) == ["s", "sub"]
    run(*FSU, "umount", directory)


def test_partition(mounts: Mounts, tmp_path: Path) -> None:
    run(*FSU, "example", tmp_path / "image")
    directory = mounts(f"{tmp_path / 'image'}@root")
    (directory / "new").write_text("in the second partition")
    run(*FSU, "umount", directory)
    assert run(*FSU, "cat", f"{tmp_path / 'image'}@2:/new") == "in the second partition"
    assert "several partitions" in run(*FSU, "mount", tmp_path / "image", directory, status=1)


def test_what_cannot_be_mounted(mounts: Mounts, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "junk").write_bytes(b"junk" * 10_000)
    image = make_ext4(tmp_path / "image")
    assert run(*FSU, "mount", tmp_path / "junk", tmp_path / "d", status=1).startswith("fsu mount: ")
    assert run(*FSU, "mount", tmp_path / "none", tmp_path / "d", status=1).startswith("fsu mount: ")
    assert "No such file" in run(*FSU, "mount", image, tmp_path / "none", status=1)
    assert "Not a directory" in run(*FSU, "mount", image, tmp_path / "junk", status=1)
    assert "IMAGE or IMAGE@PARTITION" in run(*FSU, "mount", f"{image}:/lost+found", tmp_path / "d", status=2)
    assert "nonsense" in run(*FSU, "mount", "-o", "nonsense", image, tmp_path / "d", status=1)
    assert not mounted(tmp_path / "d")
    assert "not the root" in run(*FSU, "umount", tmp_path / "d", status=1)
    fsck(image)


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "DEVICE", "/nowhere/fuse")
    with pytest.raises(connection.MountFailed, match="there is no /nowhere/fuse"):
        connection.check()
    monkeypatch.setattr(connection, "DEVICE", "/dev/null")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(connection, "HELPERS", ("no-such-program",))
    with pytest.raises(connection.MountFailed, match="fuse3"):
        connection.check()


USER = """
set -e
mkdir {work}/dev
mount -t tmpfs none {work}/dev
mknod {work}/dev/fuse c 10 229
chmod 666 {work}/dev/fuse
mount --bind {work}/dev/fuse /dev/fuse
exec setpriv --reuid=1000 --regid=1000 --clear-groups sh {work}/user
"""
WORK = """
set -ex
cd {work}/home
fsu="{python} -m rump.fsutils"
$fsu mount image d
grep "{work}/home/d fuse.fsu rw,nosuid,nodev.*user_id=1000" /proc/mounts
! touch d/not-mine
cat d/mine/f
echo more > d/mine/f
test "$(stat -c %u:%g d/mine/f)" = 1000:1000
$fsu umount d
$fsu mount -o fakeroot image d
echo a > d/etc
mkdir d/bin
chown 5:6 d/bin
test "$(stat -c %u:%g d/etc d/bin | tr '\\n' ' ')" = "0:0 5:6 "
{fusermount} -u d
"""


def test_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a mount name space where /dev/fuse is everybody's, as it is on most hosts."""
    import tempfile

    if reason := no_fuse():
        pytest.skip(reason)
    helper = connection.program(*connection.HELPERS)
    if helper is None:
        pytest.skip("needs fusermount3")
    for name in ("unshare", "setpriv"):
        tool(name)
    with tempfile.TemporaryDirectory(prefix="rump-fuse-") as name:
        work = Path(name)
        work.chmod(0o755)
        home = work / "home"
        (home / "d").mkdir(parents=True)
        tree = work / "tree" / "mine"
        tree.mkdir(parents=True)
        (tree / "f").write_text("f")
        for path in (home, home / "d", tree, tree / "f"):
            os.chown(path, 1000, 1000)
        image = make_ext4(home / "image", "64M", "-d", str(work / "tree"))
        os.chown(image, 1000, 1000)
        (work / "root").write_text(USER.format(work=work))
        (work / "user").write_text(WORK.format(work=work, python=sys.executable, fusermount=helper))
        as_user = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", sys.executable)
        if subprocess.run([*as_user, "-c", "import rump.fsutils.main"], capture_output=True).returncode != 0:
            pytest.skip("other users may not read the program")
        run("unshare", "-m", "--propagation", "private", "sh", work / "root")
        for _ in range(500):            # fusermount does not wait for the server
            if "not cleanly" not in run(*FSU, "stat", f"{image}:/etc"):
                break
        assert "0" in run(*FSU, "stat", "-c", "%u", f"{image}:/etc")
        (work / "dev").rmdir()
