# SPDX-License-Identifier: BSD-2-Clause
"""Images that were made to do harm, mounted: what is wrong in them is an error where it is, and nowhere else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from fuse_mounts import FSU, Mounts, no_fuse, run, tool
from mounted_scenario import Mount

from rump.kernel import boot
from rump.kernel.stat import Stat
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.servers.fuse.nodes import Nodes
from rump.servers.fuse.operations import Operations


def attributes(ino: int, mode: int = stat.S_IFDIR, nlink: int = 1, device: int = 1) -> Stat:
    return Stat(device, mode, ino, nlink, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def nodes(*, shared: bool = False, moving: bool = False, there: dict[bytes, Stat] | None = None) -> Nodes:
    found = {} if there is None else there
    return Nodes(attributes(2), moving=moving, shared=shared, look=found.get)


def test_a_directory_is_in_one_place() -> None:
    table = nodes()
    one = table.found(table.root, b"one", attributes(3))
    two = table.found(one, b"two", attributes(4))
    for directory, name, number in ((two, b"loop", 3), (two, b"root", 2), (table.root, b"again", 4)):
        with pytest.raises(OSError) as caught:
            table.found(directory, name, attributes(number))
        assert caught.value.errno == e.EIO
    assert table.path(two) == b"/one/two"
    assert (one.lookups, two.lookups, len(table)) == (1, 1, 3)


def test_a_directory_never_goes_below_itself() -> None:
    table = nodes(shared=True, there={b"/one": attributes(3), b"/one/two": attributes(4)})
    one = table.found(table.root, b"one", attributes(3))
    two = table.found(one, b"two", attributes(4))
    with pytest.raises(OSError) as caught:
        table.found(two, b"loop", attributes(3))
    assert caught.value.errno == e.ELOOP
    assert table.found(table.root, b"moved by others", attributes(4)) is two
    assert table.path(two) == b"/moved by others"
    table.forget(two.number, 2)
    table.forget(one.number, 1)
    assert len(table) == 1


def test_volumes_have_numbers_of_their_own() -> None:
    table = nodes(shared=True)
    one = table.found(table.root, b"a", attributes(11, device=1))
    assert table.found(table.root, b"b", attributes(11, device=2)) is not one


def test_a_number_that_now_is_another_s() -> None:
    """A file was moved, its number is another's now: both are what they are."""
    there: dict[bytes, Stat] = {}
    table = nodes(moving=True, there=there)
    one = table.found(table.root, b"one", attributes(50, stat.S_IFREG))
    there[b"/one"] = attributes(60, stat.S_IFREG)
    there[b"/two"] = attributes(50, stat.S_IFREG)
    two = table.found(table.root, b"two", there[b"/two"])
    assert two is not one
    assert table.found(table.root, b"one", there[b"/one"]) is one
    assert table.found(table.root, b"ONE~1", there[b"/one"]) is one
    assert table.found(table.root, b"two", there[b"/two"]) is two


def test_damaged_ext4(mounts: Mounts, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "c").mkdir()
    (tree / "a" / "f").write_text("here")
    (tree / "odd").write_text("a file of no type")
    image = tmp_path / "image"
    run("truncate", "-s", "8M", image)
    run(tool("mke2fs"), "-q", "-t", "ext4", "-O", "^metadata_csum,^dir_index", "-d", tree, image)
    for request in ("link a a/b/loop", "link / a/b/root", "link a c/again", "link a/f c/slXsh", "link a/f c/nuXul",
                    "link a/f c/other", "sif odd mode 0"):  # fmt: skip
        run(tool("debugfs"), "-w", "-R", request, image)
    data = image.read_bytes()
    image.write_bytes(data.replace(b"slXsh", b"sl/sh").replace(b"nuXul", b"nu\0ul"))
    directory = mounts(image)
    assert sorted(os.listdir(directory / "c")) == ["again", "other"]
    assert (directory / "a" / "f").read_text() == "here"
    for path in ("a/b/loop", "a/b/root", "c/again", "odd"):
        with pytest.raises(OSError) as caught:
            (directory / path).stat()
        assert caught.value.errno == errno.EIO
    run("mv", directory / "a", directory / "moved")
    run("find", directory, "-ls", status=1)
    assert (directory / "c" / "other").read_text() == "here"
    assert (directory / "moved" / "f").read_text() == "here"
    run(*FSU, "umount", directory)


def test_damaged_fat(mounts: Mounts, tmp_path: Path) -> None:
    """A directory whose clusters are those of the one it is in."""
    image = tmp_path / "image"
    run("truncate", "-s", "4M", image)
    run(tool("mkfs.fat"), image)
    run(*FSU, "mkdir", "-p", f"{image}:/OUTER/INNER")
    data = bytearray(image.read_bytes())
    outer, inner = data.index(b"OUTER      \x10"), data.index(b"INNER      \x10")
    data[inner + 26 : inner + 28] = data[outer + 26 : outer + 28]
    image.write_bytes(data)
    directory = mounts(image)
    found = run("find", directory, status=1)
    assert found.count("\n") < 50
    assert os.listdir(directory) == ["OUTER"]
    run(*FSU, "umount", directory)


def test_an_answer_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Linux does not take it: who asked gets an error, the mount goes on."""
    if reason := no_fuse():
        pytest.skip(reason)
    monkeypatch.setattr(Operations, "readlink", lambda _self, _request: b"x" * 5000)
    with boot(Bare(Memory(now=0, seed=1))) as kernel:
        kernel.lwp.mkdir(b"/t", 0o755)
        kernel.lwp.mount("tmpfs", b"/t")
        kernel.lwp.symlink(b"somewhere", b"/t/s")
        mount = Mount(kernel, b"/t", str(tmp_path))
        try:
            with pytest.raises(OSError) as caught:
                os.readlink(tmp_path / "s")
            assert caught.value.errno == errno.EIO
            assert os.listdir(tmp_path) == ["s"]
        finally:
            mount.end()
    assert "an answer of 5000 bytes is not taken" in capsys.readouterr().err
