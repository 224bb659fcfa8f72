# SPDX-License-Identifier: BSD-2-Clause
"""The command line as a whole: usage, statuses, signals, closed pipes, start-up, errors in one line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rump.fsutils.main as module
from rump.fsutils.command import Command
from rump.fsutils.main import VERBS, main
from rump.fsutils.session import Session

from .conftest import Fsu


def test_help(fsu: Fsu, capsys: pytest.CaptureFixture[str]) -> None:
    result = fsu("--help")
    assert result.status == 0 and all(verb.encode() in result.out for verb in VERBS)
    assert fsu("ls", "--help").status == 0
    assert "usage: fsu ls" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["ls"], ["ls", "--nonsense", "x"], ["-t"], ["cat"]])
def test_usage_errors(fsu: Fsu, arguments: list[str]) -> None:
    result = fsu(*arguments)
    assert result.status == 2 and result.out == b"" and result.err.startswith(b"fsu")


def test_options_before_the_verb(fsu: Fsu, ext4_image: Path) -> None:
    assert fsu("-t", "ext2fs", "-o", "ro", "ls", f"{ext4_image}:/etc").out == b"group\nlink\npasswd\n"
    assert fsu("-text2fs", "ls", f"{ext4_image}:/etc").status == 0
    result = fsu("-t", "nonsensefs", "ls", ext4_image)
    assert result.status == 1 and b"nonsensefs" in result.err


def test_options_behind_operands(fsu: Fsu, ext4_image: Path) -> None:
    assert fsu("ls", f"{ext4_image}:/etc", "-r", f"{ext4_image}:/shared").status == 0
    assert fsu("ls", f"{ext4_image}:/etc", "-r").out == b"passwd\nlink\ngroup\n"


def test_marshal_mode_says_the_same(fsu: Fsu, ext4_image: Path) -> None:
    assert fsu("ls", "-lR", "--marshal", ext4_image) == fsu("ls", "-lR", ext4_image)


def test_process(fsu_process: Fsu, fsu: Fsu, ext4_image: Path) -> None:
    assert fsu_process("ls", "-lR", ext4_image) == fsu("ls", "-lR", ext4_image)
    result = fsu_process("cat", f"{ext4_image}:/nowhere")
    assert (result.status, result.out) == (1, b"")
    assert result.err.decode() == f"fsu cat: {ext4_image}:/nowhere: No such file or directory\n"


def test_a_closed_pipe_is_quiet(ext4_image: Path) -> None:
    command = [sys.executable, "-m", "rump.fsutils", "cat", f"{ext4_image}:/sparse"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


def test_a_full_disk_is_said(fsu_process: Fsu, ext4_image: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "rump.fsutils", "ls", str(ext4_image)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and done.stderr == b"fsu ls: write error: No space left on device\n"


def test_an_internal_error_is_one_line(fsu: Fsu, ext4_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.delenv("RUMP_DEBUG", raising=False)
    monkeypatch.setattr(Session, "resolve", broken)
    result = fsu("ls", ext4_image)
    assert result.status == 1
    assert result.err.count(b"\n") == 1 and b"KeyError" in result.err and b"RUMP_DEBUG" in result.err


def test_an_interrupt_ends_between_operations(ext4_image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is set while the first directory is shown; no second one is."""
    out, err = io.BytesIO(), io.BytesIO()
    before = signal.getsignal(signal.SIGINT)
    resolve = Session.resolve

    def interrupted(self: Session, operand: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return resolve(self, operand)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "resolve", interrupted)
    assert main(["ls", "-R", str(ext4_image)], out, err) == 130
    assert b"passwd" not in out.getvalue()
    assert signal.getsignal(signal.SIGINT) == before


def test_messages_cannot_harm_a_terminal(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("cat", f"{ext4_image}:/no\x1b[2J\nsuch")
    assert result.err.count(b"\n") == 1 and b"\x1b" not in result.err and b"\\033[2J\\nsuch" in result.err


def test_trace_and_record(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    trace, record = tmp_path / "trace", tmp_path / "record"
    result = fsu("ls", f"--trace={trace}", "--record", record, f"{ext4_image}:/etc")
    assert (result.status, result.out) == (0, b"group\nlink\npasswd\n")
    assert "open(" in trace.read_text() and "ext4.img" in trace.read_text()
    assert record.stat().st_size > 1000


def test_start_up_imports_little(ext4_image: Path) -> None:
    """Modules that cost milliseconds stay out of a plain listing."""
    program = (
        "import sys; from rump.fsutils.main import main; main(['ls', sys.argv[1]]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, ext4_image], capture_output=True, check=True)
    loaded = set(done.stderr.decode().split())
    slow = {"dataclasses", "inspect", "pathlib", "json", "subprocess", "shutil", "tempfile", "importlib.metadata",
            "datetime", "logging", "ctypes", "asyncio", "urllib"}  # fmt: skip
    assert not loaded & slow
    assert not {name for name in loaded if name.startswith(("rump.fsutils.copy", "rump.fsutils.image"))}


def test_fail_names_what_and_why() -> None:
    from rump.kernel.errors import Corrupt
    from rump.kernel.errors import fault as make

    err = io.BytesIO()
    command = Command("fsu ls", Session(), module.Output(io.BytesIO()), err)
    command.fail(b"a.img:/x", make(2))
    command.fail("a.img", Corrupt("inode 7: size"))
    command.fail("a.img", "just so")
    command.fail("a.img", FileNotFoundError(2, "No such file or directory"))
    assert command.status == 1
    assert err.getvalue().decode().splitlines() == [
        "fsu ls: a.img:/x: No such file or directory",
        "fsu ls: a.img: inode 7: size: Input/output error",
        "fsu ls: a.img: just so",
        "fsu ls: a.img: No such file or directory",
    ]
