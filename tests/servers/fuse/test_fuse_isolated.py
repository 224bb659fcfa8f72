# SPDX-License-Identifier: BSD-2-Clause
"""Mounts whose drivers run in processes of their own, and what the mount is when such a process is killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest
from fuse_mounts import FSU, Mounts, fsck, make_ext4, mounted, run, tool
from test_fuse_hostile import attributes
from test_fuse_mounts import server

from rump.fsutils import options
from rump.servers.fuse import protocol as p
from rump.servers.fuse.forgetting import messages
from rump.servers.fuse.nodes import Nodes


def drivers(directory: Path) -> list[int]:
    """The processes that the server of a mount has started."""
    pid = server(directory)
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def fails(number: int, call: object, *arguments: object) -> None:
    with pytest.raises(OSError) as caught:
        call(*arguments)  # type: ignore[operator]
    assert caught.value.errno == number


def test_isolated_by_default(mounts: Mounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FSU_ISOLATE", raising=False)
    image = make_ext4(tmp_path / "image", "8M")
    counts = []
    for words in ((), ("--no-isolate",), ("--isolate",), ("-o", "isolate"), ("-r",)):
        directory = mounts(image, *words)
        counts.append(len(drivers(directory)))
        if "-r" not in words:
            (directory / "f").write_text("text")
        assert (directory / "f").read_text() == "text"
        run(*FSU, "umount", directory)
    assert counts == [1, 0, 1, 1, 1]
    fsck(image)


@pytest.mark.parametrize(
    ("words", "environment", "wanted"),
    [
        ([], None, None), ([], "", None), ([], "0", False), ([], "1", True), (["--no-isolate"], "1", False),
        (["--isolate"], "0", True),
    ],
)  # fmt: skip
def test_who_decides(
    words: list[str], environment: str | None, wanted: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line, then the environment, then the verb: `mount` isolates where it can, `ls` does not."""
    if environment is None:
        monkeypatch.delenv("FSU_ISOLATE", raising=False)
    else:
        monkeypatch.setenv("FSU_ISOLATE", environment)
    for usual in (None, False):
        parser = options.make_parser("verb", "", "")
        if usual is None:
            options.isolate_if_possible(parser)
        found = options.session_options(parser.parse_args(words)).isolate
        assert found is (usual if wanted is None else wanted)


def test_a_driver_killed_while_it_writes(mounts: Mounts, tmp_path: Path) -> None:
    """What was open fails with EIO; what was synced is there, for reading; what was not is gone, from Linux' caches,
    too.  Another mount does not notice.  fsu umount says once that something was lost."""
    image, other = make_ext4(tmp_path / "image"), make_ext4(tmp_path / "other")
    directory, neighbour = mounts(image), mounts(other)
    (directory / "kept").write_text("synced")
    (directory / "removed").write_text("not for good")
    (directory / "d").mkdir()
    run("sync", directory / "kept")
    (directory / "d" / "lost").write_text("not synced")
    (directory / "d" / "gone").mkdir()
    assert (directory / "d" / "gone").is_dir()          # which Linux remembers
    (directory / "kept").write_text("changed, and not synced")
    (directory / "removed").unlink()
    (neighbour / "before").write_text("here")
    opened = os.open(directory / "kept", os.O_RDWR)
    writing = subprocess.Popen(["dd", "if=/dev/zero", f"of={directory}/big", "bs=1M", "count=4000"],
                               stderr=subprocess.DEVNULL)  # fmt: skip
    while not (directory / "big").exists():
        pass
    (child,) = drivers(directory)
    os.kill(child, signal.SIGKILL)
    assert writing.wait() != 0
    for call in (os.fsync, lambda fd: os.pwrite(fd, b"x", 0)):
        fails(errno.EIO, call, opened)
    assert (neighbour / "before").read_text() == "here"
    (neighbour / "after").write_text("goes on")
    found = ""
    for _ in range(1000):       # Linux is told in a moment of its own
        found = (directory / "kept").read_text()
        if found == "synced" and (directory / "removed").exists() and not (directory / "d" / "gone").exists():
            break
        os.sched_yield()
    assert found == "synced"
    assert os.listdir(directory / "d") == []
    fails(errno.ENOENT, os.stat, directory / "d" / "gone")
    assert sorted(os.listdir(directory)) == ["d", "kept", "lost+found", "removed"]
    fails(errno.ENOENT, os.stat, directory / "d" / "lost")
    fails(errno.EROFS, (directory / "new").touch)
    assert len(drivers(directory)) == 1
    os.close(opened)
    assert "Input/output error" in run(*FSU, "umount", directory, status=1)
    assert mounted(directory)
    for each in (directory, neighbour):
        run(*FSU, "umount", each)
    fsck(other)
    subprocess.run([tool("e2fsck"), "-fy", image], stdout=subprocess.DEVNULL, check=False)      # replays the journal
    fsck(image)


def test_a_driver_killed_while_it_reads(mounts: Mounts, tmp_path: Path) -> None:
    """One request fails; files that are open go on."""
    image = make_ext4(tmp_path / "image")
    directory = mounts(image)
    (directory / "f").write_bytes(os.urandom(1 << 22))
    (directory / "g").write_text("text")
    run(*FSU, "umount", directory)
    directory = mounts(image, "-r")
    with open(directory / "f", "rb") as file:
        begin = file.read(10)
        (child,) = drivers(directory)
        os.kill(child, signal.SIGKILL)
        fails(errno.EIO, os.stat, directory / "g")
        assert (directory / "g").read_text() == "text"
        file.seek(0)
        assert file.read(10) == begin
        assert len(file.read()) == (1 << 22) - 10
    assert drivers(directory) not in ([], [child])
    run(*FSU, "umount", directory)


def test_what_linux_is_told() -> None:
    """Of each file that it knows: to look up its names, and to forget its attributes and data."""
    table = Nodes(attributes(2), moving=False, shared=False, look=lambda path: None)
    one = table.found(table.root, b"one", attributes(3))
    table.found(one, b"two", attributes(4, 0o100644))
    told = messages(table)
    assert [int.from_bytes(each[:4], "little") for each in told] == list(map(len, told))
    assert [p.ANSWER.unpack_from(each)[1:] for each in told] == [(3, 0), (3, 0), (2, 0), (2, 0), (2, 0)]
    assert [each[16:] for each in told[:2]] == [
        p.INVAL_ENTRY_OUT.pack(1, 3, 1) + b"one\0", p.INVAL_ENTRY_OUT.pack(2, 3, 1) + b"two\0",
    ]  # fmt: skip
    assert [each[16:] for each in told[2:]] == [p.INVAL_INODE_OUT.pack(node, 0, 0) for node in (1, 2, 3)]
