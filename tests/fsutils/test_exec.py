# SPDX-License-Identifier: BSD-2-Clause
"""`fsu exec`: a command of the host on a file inside an image."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Fsu, check


@pytest.fixture
def x(fsu: Fsu, image: Path, tmp_path: Path) -> str:
    """An image with /etc/motd, and a link to it."""
    (tmp_path / "motd").write_text("hello\n")
    fsu("mkdir", f"{image}:/etc")
    assert fsu("cp", tmp_path / "motd", f"{image}:/etc/motd").status == 0
    fsu("ln", "-s", "etc/motd", f"{image}:/link")
    fsu("chmod", "4750", f"{image}:/etc/motd")
    fsu("chown", "5:6", f"{image}:/etc/motd")
    return f"{image}:"


def _read(fsu: Fsu, operand: str) -> bytes:
    return fsu("cat", operand).out


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """As a process of its own, whose output the command inherits."""
    return subprocess.run(
        [sys.executable, "-m", "rump.fsutils", "exec", *words], capture_output=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_the_copy(x: str, tmp_path: Path) -> None:
    """Its name is that of the file, in a directory nobody else may look into; it goes where the words say."""
    show = 'echo "$(basename $1) $(stat -c %a $(dirname $1)) $(cat $1)"'
    (tmp_path / "temporary").mkdir()
    result = _run(f"{x}/etc/motd", "sh", "-c", show, "sh", TMPDIR=f"{tmp_path}/temporary")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"motd 700 hello\n", b"")
    result = _run(f"{x}/etc/motd", "--", "sh", "-c", 'test "$1" = "$3" && echo $2', "sh", "{}", "between", "{}")
    assert (result.returncode, result.stdout) == (0, b"between\n")
    assert os.listdir(tmp_path / "temporary") == []


def test_changes_go_back(fsu: Fsu, x: str, image: Path) -> None:
    before = fsu("stat", "-c", "%a %u:%g", f"{x}/etc/motd").out
    assert fsu("exec", f"{x}/etc/motd", "sed", "-i", "s/hello/good bye/").status == 0
    assert _read(fsu, f"{x}/etc/motd") == b"good bye\n"
    assert fsu("stat", "-c", "%a %u:%g", f"{x}/etc/motd").out == before
    assert fsu("exec", f"{x}/link", "sh", "-c", "echo more >> $0").status == 0      # the link stays one
    assert _read(fsu, f"{x}/etc/motd") == b"good bye\nmore\n"
    assert fsu("readlink", f"{x}/link").out == b"etc/motd\n"
    check(image)


def test_nothing_changes_where_nothing_was_changed(fsu: Fsu, x: str, image: Path) -> None:
    before = image.read_bytes()
    assert fsu("exec", f"{x}/etc/motd", "true").status == 0
    assert fsu("exec", "-r", f"{x}/etc/motd", "sh", "-c", "echo other > $0").status == 0
    result = fsu("exec", f"{x}/etc/motd", "rm")
    assert result.status == 1 and b"the copy was removed" in result.err
    assert image.read_bytes() == before


def test_the_status_is_the_commands(fsu: Fsu, x: str) -> None:
    assert fsu("exec", f"{x}/etc/motd", "sh", "-c", "echo 3 > $0; exit 3").status == 3
    assert _read(fsu, f"{x}/etc/motd") == b"3\n"
    assert fsu("exec", f"{x}/etc/motd", "sh", "-c", "kill -TERM $$").status == 128 + signal.SIGTERM
    result = fsu("exec", f"{x}/etc/motd", "/nowhere/command")
    assert (result.status, result.err) == (127, b"fsu exec: /nowhere/command: No such file or directory\n")
    result = fsu("exec", f"{x}/etc/motd", "/")
    assert result.status == 126 and result.err.startswith(b"fsu exec: /: ")


@pytest.mark.parametrize(
    ("path", "message"),
    [("/nothing", "No such file or directory"), ("/etc", "Is a directory"),
     ("/nowhere/file", "No such file or directory")],
)  # fmt: skip
def test_files_that_cannot_be_copied(fsu: Fsu, x: str, path: str, message: str) -> None:
    result = fsu("exec", x + path, "touch")
    assert (result.status, result.err.decode()) == (1, f"fsu exec: {x}{path}: {message}\n")


def test_usage(fsu: Fsu, x: str) -> None:
    assert fsu("exec").status == 2
    assert fsu("exec", f"{x}/etc/motd").status == 2
    assert fsu("exec", x.rstrip(":"), "true").status == 2


def test_options_of_the_command_are_not_ours(fsu: Fsu, x: str) -> None:
    result = _run(f"{x}/etc/motd", "sh", "-c", "echo $1", "sh", "--help")
    assert (result.returncode, result.stdout) == (0, b"--help\n")


def test_an_interrupt_is_for_the_command(fsu: Fsu, x: str, tmp_path: Path) -> None:
    """^C goes to both; the command may go on, and what it wrote counts."""
    script = f"trap 'echo caught > $0; exit 0' INT; touch {tmp_path}/ready; while :; do sleep 0.02; done"
    process = subprocess.Popen(
        [sys.executable, "-m", "rump.fsutils", "exec", f"{x}/etc/motd", "sh", "-c", script], start_new_session=True
    )
    for _ in range(500):
        if (tmp_path / "ready").exists():
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
    assert _read(fsu, f"{x}/etc/motd") == b"caught\n"
