# SPDX-License-Identifier: BSD-2-Clause
"""`fsu shell`: from a pipe, and on a terminal with line editing, completion, history and ^C."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rump.fsutils import shell as module
from rump.fsutils.command import Command, Output
from rump.fsutils.main import main
from rump.fsutils.session import Session
from rump.fsutils.shelling.place import Place

from .conftest import Fsu, Result, call, check, debugfs, tool
from .terminal import Terminal

END = ":/> "


def lines(fsu: Fsu, commands: str, *arguments: str | Path) -> Result:
    return fsu("shell", "-c", commands, *arguments)


# ---- without a terminal ----------------------------------------------------------------------------------------------


def test_commands_on_one_line(fsu: Fsu, image: Path) -> None:
    result = lines(fsu, "mkdir a 'b;c'; ls; echo x\\;y ;pwd # ; no", image)
    assert result.status == 0, result.err
    assert result.out == f"a\nb;c\nlost+found\nx;y\n{image}:/\n".encode()
    result = lines(fsu, "ls nope; pwd", image)
    assert result.status == 1 and result.out == b""
    assert lines(fsu, "touch f; find . -name f -exec true {} \\; ; ls f", image).out == b"f\n"


def test_paths_are_inside(fsu: Fsu, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").write_text("1\n")
    (tmp_path / "two").write_text("2\n")
    result = lines(fsu, """
        mkdir a
        put one two a
        cd a
        ls
        cp one three
        mv two four
        cat three host:/nowhere
        """, image)  # fmt: skip
    assert result.out == b"one\ntwo\n1\n" and result.status != 0
    result = lines(fsu, "cd a\nget four\nget one five .\nls\nfind . -name 'f*'\ndu -b .\ndf\ninfo\nls -R /", image)
    assert result.status == 1 and b"five: No such file" in result.err
    assert (tmp_path / "four").read_text() == "2\n"
    result = lines(fsu, "cd a\nls\nfind . -name 'f*'\nls -d ../a/t*\ntar -cf t.tar .\ndf\ninfo", image)
    out = result.out.decode()
    assert out.startswith("four\none\nthree\n./four\n../a/three\n") and str(image) in out and "ext4" in out
    result = lines(fsu, "tar -cf u.tar a\nmkdir b\ncd b\ntar -xf u.tar\ntar -xf t.tar -C a\ntar -cf v.tar -C a one\n"
                   "cd\nls -R b", image)  # fmt: skip
    assert result.out == b"b:\na\n\nb/a:\nfour\none\nthree\n", result.err
    assert call(tool("tar"), "-tf", tmp_path / "u.tar").split() == ["a/", "a/four", "a/one", "a/three"]
    assert call(tool("tar"), "-tf", tmp_path / "t.tar").split()[0] == "./"
    assert call(tool("tar"), "-tf", tmp_path / "v.tar").split() == ["one"]
    check(image)


def test_everything_where_one_is(fsu: Fsu, image: Path) -> None:
    """Verbs get the current directory or image if they are told nothing."""
    result = lines(fsu, "mkdir a\ncd a\nls\nls -la\ndu\nfind\ntree\nstat .\nchmod 700 .\ntouch x\nrm x\npwd", image)
    assert result.status == 0, result.err
    assert f"{image}:/a" in result.out.decode().splitlines()[-1]
    assert "0700" in debugfs(image, "stat /a")
    check(image)


def test_verbs_take_relative_paths(fsu: Fsu, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And call files as they were called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("hello world\n")
    result = lines(fsu, """
        mkdir -pv w/sub
        cd w
        put file .
        cp -v file a
        ln -v a b
        ln -s a link
        readlink -f link
        stat -c '%n %a' ./a
        chmod -v 600 a
        touch -r a b
        truncate -s 5 b
        grep -rn hello .
        cat a
        echo
        tree --noreport
        du -a sub
        mv -v sub sub2
        rm -v b
        rmdir -pv sub2
        diff -q a file
        """, image)  # fmt: skip
    assert result.out.decode().splitlines() == [
        "made 'w'", "made 'w/sub'", "'file' -> 'a'", "'b' => 'a'", "/w/a", "./a 644",
        "mode of 'a' changed from 0644 to 0600", "./a:1:hello", "./b:1:hello", "./file:1:hello world", "hello", ".",
        "|-- a", "|-- b", "|-- file", "|-- link -> a", "`-- sub", "1\tsub",
        "'sub' -> 'sub2'", "removed 'b'", "removed 'sub2'", "Files a and file differ",
    ]  # fmt: skip
    check(image)


def test_names_that_mean_something_else(fsu: Fsu, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pattern brings is a path, whatever it looks like; quotes make patterns names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-rf").write_text("")
    names = ("-rf", "host:x", "x:y", "a*b", "axb", ":z")
    for name in names:
        (tmp_path / name).write_text(name)
        assert main(["cp", f"host:{name}", f"{image}:/"]) == 0
    result = lines(fsu, "cat ./-rf\necho\nrmdir lost+found\ncat -- *\nmkdir lost+found", image)
    assert result.status == 0 and result.out.startswith(b"-rf\n") and all(n.encode() in result.out for n in names)
    assert lines(fsu, "cat 'a*b'", image).out == b"a*b"
    assert lines(fsu, "rm 'a*b' a\\*b", image).status == 1
    assert lines(fsu, "ls a*", image).out == b"axb\n"
    assert lines(fsu, "rm *", image).status == 1            # lost+found is a directory
    assert lines(fsu, "ls", image).out == b"lost+found\n"
    check(image)


def test_directories_with_odd_names(fsu: Fsu, image: Path) -> None:
    assert lines(fsu, "mkdir '[ab]' a\ntouch '[ab]/1' a/2\ncd '[ab]'\nls *\nls -d ../a*", image).out == b"1\n../a\n"


def test_side_by_side(fsu: Fsu, image: Path, ext4_image: Path, fat_image: Path) -> None:
    result = lines(fsu, "images\ncp -R ext4:/etc .\nls etc\ncat fat:HELLO.TXT\ncd fat:/Folder\nls\npwd\ncd x:etc\npwd",
                   image, ext4_image, fat_image)  # fmt: skip
    assert result.status == 0, result.err
    assert result.out.decode().splitlines() == [
        f"ext4:  {ext4_image}", f"fat:  {fat_image}", f"x:  {image}", "group", "link", "passwd", "hello",
        "A longer name.txt", f"{fat_image}:/Folder", f"{image}:/etc",
    ]  # fmt: skip
    check(image)


def test_cd(fsu: Fsu, ext4_image: Path) -> None:
    assert lines(fsu, "cd etc\ncd ..\npwd\ncd deep/er/./and\ncd\npwd", ext4_image).out.decode().splitlines() == [
        f"{ext4_image}:/", f"{ext4_image}:/"]  # fmt: skip
    for words, message in (("cd nope", "nope: No such file"), ("cd data", "data: Not a directory"), ("cd a b", "usage"),
                           ("umount nope", "no image has that name")):  # fmt: skip
        result = lines(fsu, words, ext4_image)
        assert result.status in (1, 2) and message in result.err.decode()
    assert b"no image is open" in lines(fsu, "ls :x").err
    assert lines(fsu, "umount\ncd", ext4_image).status == 2


def test_read_only(fsu: Fsu, image: Path) -> None:
    before = image.read_bytes()
    result = fsu("shell", "-r", "-c", "mkdir a", image)
    assert result.status == 1 and b"Read-only file system" in result.err and image.read_bytes() == before


def test_from_a_pipe(image: Path) -> None:
    command = [sys.executable, "-m", "rump.fsutils", "shell", image]
    done = subprocess.run(command, input=b"mkdir a\nls\nnope\nls\n", capture_output=True, check=False)
    assert done.returncode == 2 and done.stdout == b"" and b"standard input:3: nope" in done.stderr
    done = subprocess.run(command, input=b"mkdir a\nls\ncat nope\nls\n", capture_output=True, check=False)
    assert done.returncode == 1 and done.stdout == b"a\nlost+found\n"
    assert b"standard input:3: failed; what follows was not done" in done.stderr


def test_what_is_no_image(fsu: Fsu, tmp_path: Path) -> None:
    assert fsu("shell", "-c", "ls", tmp_path / "nope.img").status == 1
    assert fsu("shell", "-c", "ls", "host:x").status == 2
    assert lines(fsu, "help").status == 0
    assert b"cd [IMAGE" in lines(fsu, "help cd").out


def test_history_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rump.fsutils.shelling.interactive import _history_file

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert _history_file() == str(tmp_path / "fsu/history")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert _history_file() is None
    assert module.OPERANDS


def test_interrupted_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    """^C while candidates are looked for ends that, once the kernel has done, and nothing else."""
    pytest.importorskip("readline")
    from rump.fsutils.shelling.interactive import Shell

    command = Command("fsu shell", Session(), Output(io.BytesIO()), io.BytesIO())
    editing = Shell(command, Place(), keep_history=False)._editing
    asked: list[int] = []

    def interrupted() -> list[str]:
        signal.raise_signal(signal.SIGINT)
        asked.append(1)
        return ["found"]

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(editing, "_candidates", interrupted)
    assert editing._complete("f", 0) is None and asked == [1]
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(editing, "_candidates", lambda: ["found"])
    assert [editing._complete("f", state) for state in (0, 1)] == ["found", None]


# ---- on a terminal ---------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts a shell on a terminal."""
    started: list[Terminal] = []

    def start(*arguments: str | Path, **environment: str | Path) -> Terminal:
        environment = {"XDG_STATE_HOME": tmp_path / "state", "PAGER": "sed 's/^/| /'", "TZ": "UTC"} | environment
        terminal = Terminal(sys.executable, "-m", "rump.fsutils", "shell", *arguments, **environment)
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.__exit__()


def test_a_conversation(shell: Callable[..., Terminal], image: Path, tmp_path: Path) -> None:
    (tmp_path / "name").write_text("a line\n")
    terminal = shell(image)
    terminal.until("x.img:/> ")
    for typed, then in (
        ("mkdir -p 'one two'/three\n", "\n"),
        ("cd one*\n", ":/one two"),
        ("cat nope\n", "No such file or directory\n"),
        ("frobnicate\n", "unknown command 'frobnicate'"),
        ("echo 'in two\n", "\n"),
        ("lines'\n", "in two\nlines\n"),
        ("echo 'not", "'not"),
        ("\x03", "\n"),
        ("pwd\n", f"{image}:/one two\n"),
        ("!echo said $((6 * 7))\n", "said 42\n"),
        ("cp host:/dev/null nothing\n", "\n"),
        ("ls\n", "\nnothing  "),
        (f"put {tmp_path}/name\n", "\n"),
        ("less ../one\\ two/name\n", "\n| a line\n"),
        ("history\n", "  1  mkdir -p 'one two'/three\n"),
    ):
        if typed == "\x03":
            terminal.interrupt(then)
        else:
            terminal.type(typed)
            terminal.until(then)
        if typed != "echo 'not":
            terminal.until("> ")
    terminal.type("exit 5\n")
    assert terminal.ends() == 5
    assert "cd one*" in (tmp_path / "state/fsu/history").read_text()
    check(image)


def test_tab(shell: Callable[..., Terminal], ext4_image: Path, tmp_path: Path) -> None:
    pytest.importorskip("readline")
    (tmp_path / "host dir").mkdir()
    terminal = shell(ext4_image)
    terminal.until(END)
    for typed, then in (
        ("mkd\t", "mkdir "),
        ("ls --full\t", "ls --full-time "),
        ("cat etc/pa\t", "cat etc/passwd "),
        ("cat a\\ l\t", "cat a\\ long\\ target "),
        ("cat 'a l\t", "cat 'a long target' "),
        ("cat deep/e\t", "cat deep/er/"),
        ("cat ext4:/et\t", "cat ext4:/etc/"),
        (f"lcd {tmp_path}/ho\t", f"lcd {tmp_path}/host\\ dir/"),
        ("info --js\t", "info --json "),
    ):
        terminal.type(typed)
        terminal.until(then)
        terminal.type("\x15")           # the line is gone
    terminal.type("\x04")
    assert terminal.ends() == 0


def test_nothing_is_lost_if_it_is_killed(shell: Callable[..., Terminal], image: Path) -> None:
    terminal = shell(image)
    terminal.until(END)
    terminal.type("mkdir kept\n")
    terminal.until(END)
    terminal.process.kill()
    terminal.ends()
    assert main(["ls", "-d", f"{image}:/kept"]) == 0
    assert main(["rmdir", f"{image}:/kept"]) == 0
    check(image)


def test_an_interrupt_ends_the_command(shell: Callable[..., Terminal], image: Path, tmp_path: Path) -> None:
    """The first opening of a fifo waits; the host's command that is told apart from the shell ends at once."""
    terminal = shell(image)
    terminal.until(END)
    terminal.type("!echo ready; exec sleep 60\n")
    terminal.until("\nready")
    terminal.type("\x03")
    terminal.until(END)
    terminal.type("echo still here\n")
    terminal.until("\nstill here")
    terminal.until(END)
    terminal.type("\x04")
    assert terminal.ends() == 0


def test_without_a_place_for_the_history(shell: Callable[..., Terminal], ext4_image: Path, tmp_path: Path) -> None:
    terminal = shell(ext4_image, XDG_STATE_HOME="/dev/null")
    terminal.until(END)
    terminal.type("\x04")
    assert terminal.ends() == 0
    terminal = shell("--no-history", ext4_image)
    terminal.until(END)
    terminal.type("pwd\n")
    terminal.until(END)
    terminal.type("\x04")
    assert terminal.ends() == 0
    assert not os.path.exists(tmp_path / "state")
