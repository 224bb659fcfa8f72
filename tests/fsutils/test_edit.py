# SPDX-License-Identifier: BSD-2-Clause
"""`fsu edit`, and what `exec` and `find -exec` share with it: programs of the host at work on copies."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Fsu, call, check, debugfs, tool

Editor = Callable[[str], str]

SCRIPT = "#!/bin/sh\n"


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    """Makes an editor of a shell script; $1 is the file."""

    def make(script: str) -> str:
        path = tmp_path / "editor"
        path.write_text(SCRIPT + script)
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def text(fsu: Fsu, image: Path, tmp_path: Path) -> str:
    """A file in an image, with attributes that an edit shall keep."""
    (tmp_path / "conf").write_text("one\n")
    fsu("mkdir", f"{image}:/etc")
    fsu("cp", tmp_path / "conf", f"{image}:/etc/app.conf")
    fsu("chmod", "2750", f"{image}:/etc/app.conf")
    fsu("chown", "12:34", f"{image}:/etc/app.conf")
    fsu("setfattr", "-n", "user.k", "-v", "v", f"{image}:/etc/app.conf")
    fsu("setfattr", "-n", "security.capability", "-v", "0x0100000200040000000000000000000000000000",
        f"{image}:/etc/app.conf")  # fmt: skip
    fsu("ln", "-s", "app.conf", f"{image}:/etc/link")
    return f"{image}:/etc/app.conf"


def test_what_is_changed_is_written_back(
    fsu: Fsu, text: str, image: Path, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor('echo two >> "$2"; basename "$2"; test "$1" = -x') + " -x")
    before = fsu("stat", "-c", "%i", text).out
    result = fsu("edit", f"{image}:/etc/link")
    assert (result.status, result.out, result.err) == (0, b"app.conf\n", b"")
    assert fsu("cat", text).out == b"one\ntwo\n"
    assert fsu("stat", "-c", "%a %u:%g", text).out == b"2750 12:34\n"
    assert fsu("getfattr", "-d", "-m", "-", text).out == b'# file: etc/app.conf\nuser.k="v"\n\n'
    assert fsu("readlink", f"{image}:/etc/link").out == b"app.conf\n"
    assert fsu("stat", "-c", "%i", text).out != before
    assert fsu("ls", "-A", f"{image}:/etc").out == b"app.conf\nlink\n"
    check(image)


def test_what_is_not_changed_is_not_written(fsu: Fsu, text: str, image: Path, editor: Editor) -> None:
    before = image.read_bytes()
    assert fsu("edit", "-e", editor("touch $1"), text).status == 0
    result = fsu("edit", "-e", editor("echo no >> $1; exit 3"), text)
    assert result.status == 3 and b"ended with status 3; nothing was written" in result.err
    result = fsu("edit", "-e", editor("kill -9 $$"), text)
    assert result.status == 128 + 9
    result = fsu("edit", "-e", editor("rm $1"), text)
    assert result.status == 1 and b"the copy was removed" in result.err
    assert fsu("edit", "-e", "/nonexistent/editor -x", text).status == 1
    assert fsu("edit", "-e", "'", text).status == 2 and fsu("edit", "-e", " ", text).status == 2
    assert image.read_bytes() == before


def test_new_files(fsu: Fsu, image: Path, editor: Editor) -> None:
    old = os.umask(0o027)
    try:
        assert fsu("edit", "-e", editor("echo new > $1"), f"{image}:/new.txt").status == 0
    finally:
        os.umask(old)
    assert fsu("cat", f"{image}:/new.txt").out == b"new\n"
    assert fsu("stat", "-c", "%a %u:%g", f"{image}:/new.txt").out == b"640 0:0\n"
    assert fsu("edit", "-e", editor("true"), f"{image}:/other").status == 0
    assert fsu("ls", image).out == b"lost+found\nnew.txt\n"
    result = fsu("edit", "-e", "true", f"{image}:/no/where", f"{image}:/lost+found")
    assert result.status == 1 and b"No such file" in result.err and b"Is a directory" in result.err
    assert fsu("edit", image).status == 2
    check(image)


def test_conflicts(fsu: Fsu, text: str, image: Path, editor: Editor) -> None:
    """Nobody's changes are lost: the image is free while the editor runs, and what was changed there stays."""
    other = f'echo mine >> "$1"; echo theirs | {sys.executable} -m rump.fsutils cp - {text}'
    result = fsu("edit", "-e", editor(other), text)
    assert result.status == 1 and b"changed meanwhile; your version is kept in " in result.err
    kept = Path(result.err.decode().rstrip("\n").rpartition(" ")[2])
    assert kept.read_text() == "one\nmine\n"
    kept.unlink()
    assert fsu("cat", text).out == b"theirs\n"
    check(image)


def test_files_of_several_names(fsu: Fsu, text: str, image: Path, editor: Editor) -> None:
    fsu("ln", text, f"{image}:/second")
    assert fsu("edit", "-e", editor("echo x > $1"), f"{image}:/second").status == 0
    assert fsu("cat", text).out == b"x\n" and fsu("stat", "-c", "%h", text).out == b"2\n"
    check(image)


def test_no_room(fsu: Fsu, text: str, image: Path, editor: Editor) -> None:
    for names in (1, 2):
        result = fsu("edit", "-e", editor("head -c 40000000 /dev/zero | tr '\\0' x > $1"), text)
        assert result.status == 1 and b"No space left" in result.err
        Path(result.err.decode().rstrip("\n").rpartition(" ")[2]).unlink()
        assert fsu("cat", text).out == b"one\n" and fsu("ls", "-A", f"{image}:/etc").out == b"app.conf\nlink\n"
        if names == 1:
            fsu("ln", text, f"{image}:/second")
    check(image)


# ---- find ------------------------------------------------------------------------------------------------------------


def test_find_executes(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    found = fsu("find", f"{ext4_image}:/etc", "-type", "f", "-exec", "cat", "{}", "+").out
    assert found == fsu("cat", f"{ext4_image}:/etc/group", f"{ext4_image}:/etc/passwd").out
    found = fsu("find", f"{ext4_image}:/etc", "-type", "f", "-exec", "grep", "-q", "ann:x", "{}", ";", "-print").out
    assert found == f"{ext4_image}:/etc/passwd\n".encode()
    out = tmp_path / "out"
    script = f"echo $1 > {out}; cp $1 {out}2; echo x > $1"
    result = fsu("find", ext4_image, "-name", "treasure", "-exec", "sh", "-c", script, "sh", "{}", ";")
    assert result.status == 0 and out.read_text().endswith("/deep/er/and/deeper/treasure\n")
    assert (tmp_path / "out2").read_text() == "gold\n" and not Path(out.read_text().strip()).exists()
    assert fsu("cat", f"{ext4_image}:/deep/er/and/deeper/treasure").out == b"gold\n"
    assert fsu("find", ext4_image, "-name", "etc", "-exec", "echo", "hi", ";").out == b"hi\n"


def test_copies_keep_holes(fsu: Fsu, image: Path) -> None:
    fsu("truncate", "-s", "1T", f"{image}:/huge")
    assert fsu("find", f"{image}:/huge", "-exec", "stat", "-c", "%s", "{}", ";").out == b"%d\n" % (1 << 40)
    assert fsu("exec", f"{image}:/huge", "truncate", "-s", "3").status == 0
    assert fsu("stat", "-c", "%s", f"{image}:/huge").out == b"3\n"
    check(image)


def test_find_executes_in_vain(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("find", f"{ext4_image}:/etc", "-exec", "cat", "{}", "+")
    assert result.status == 1 and b"etc: no regular file" in result.err and b"root:x" in result.out
    assert fsu("find", f"{ext4_image}:/etc/passwd", "-exec", "false", "{}", "+").status == 1
    assert fsu("find", f"{ext4_image}:/etc/passwd", "-exec", "false", "{}", ";", "-print") == (0, b"", b"")
    result = fsu("find", f"{ext4_image}:/etc/passwd", "-exec", "/nonexistent/x", "{}", ";")
    assert result.status == 1 and b"-exec /nonexistent/x: No such file" in result.err


def test_find_deletes(fsu: Fsu, image: Path) -> None:
    fsu("mkdir", "-p", f"{image}:/a/b/c", f"{image}:/d")
    fsu("touch", f"{image}:/a/x.o", f"{image}:/a/b/y.o", f"{image}:/a/b/z.c")
    fsu("ln", "-s", "z.c", f"{image}:/a/b/l.o")
    assert fsu("find", f"{image}:/a", "-name", "*.o", "-delete", "-print").out.decode().replace(f"{image}:", "") == (
        "/a/b/l.o\n/a/b/y.o\n/a/x.o\n")  # fmt: skip
    assert fsu("find", image, "-type", "d", "-empty", "-delete").status == 0
    assert fsu("find", image).out.decode().replace(f"{image}:", "").split() == ["/", "/a", "/a/b", "/a/b/z.c"]
    result = fsu("find", f"{image}:/a", "-name", "b", "-delete")
    assert result.status == 1 and b"Directory not empty" in result.err
    assert fsu("find", f"{image}:/a", image, "-delete").status == 0
    assert fsu("find", image).out.decode() == f"{image}:/\n"
    check(image)


# ---- sync ------------------------------------------------------------------------------------------------------------


def test_sync_recovers(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old" * 1000)
    fsu("cp", tmp_path / "file", f"{image}:/file")
    block = debugfs(image, "blocks /file").split()[0]
    (tmp_path / "new").write_bytes(b"new!" * 1024)
    commands = tmp_path / "commands"
    commands.write_text(f"jo\njw -b {block} {tmp_path}/new\njc\n")
    call(tool("debugfs"), "-w", "-f", commands, image)
    call(tool("debugfs"), "-w", "-R", "feature needs_recovery", image)
    assert fsu("head", "-c4", f"{image}:/file").out == b"new!"
    assert "needs_recovery" in debugfs(image, "features")
    assert fsu("sync", image) == (0, b"", b"")
    assert "needs_recovery" not in debugfs(image, "features")
    assert debugfs(image, "cat /file").startswith("new!")
    check(image)


def test_sync_of_disks(fsu: Fsu, disk_image: Path, tmp_path: Path) -> None:
    copy = tmp_path / "disk.img"
    copy.write_bytes(disk_image.read_bytes())
    result = fsu("sync", f"{copy}@2", tmp_path / "none", f"{copy}@7")
    assert result.status == 1 and result.err.count(b"\n") == 2
    assert copy.read_bytes() == disk_image.read_bytes()
