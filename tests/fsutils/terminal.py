# SPDX-License-Identifier: BSD-2-Clause
"""Programs on a terminal of their own: type, and wait for what they show."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

PATIENCE = 90.0
LAUNCH = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A program that has a terminal."""

    def __init__(self, *command: str | os.PathLike[str], **environment: str | os.PathLike[str]) -> None:
        self._master, slave = pty.openpty()
        self._shown = b""           # and nobody has waited for yet
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "COV", "LINES"))}
        variables |= {"TERM": "dumb", "LANG": "C.UTF-8", "INPUTRC": "/dev/null", "COLUMNS": "200"}
        variables |= {name: os.fspath(value) for name, value in environment.items()}
        self.process = subprocess.Popen([sys.executable, "-c", LAUNCH, *map(os.fspath, command)], stdin=slave,
                                        stdout=slave, stderr=slave, env=variables)  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, text: str) -> None:
        """As if at the keyboard."""
        os.write(self._master, text.encode())

    def interrupt(self, expected: str) -> None:
        """Press ^C until something appears: while it works on a key, readline does not see that a signal came."""
        for _ in range(int(PATIENCE)):
            self.type("\x03")
            try:
                self.until(expected, patience=1.0)
                return
            except AssertionError:
                pass
        raise AssertionError(f"{expected!r} does not appear")

    def until(self, *expected: str, patience: float = PATIENCE) -> str:
        """What appears up to the end of one of these, which must appear; so many seconds at most."""
        wanted = [each.replace("\n", "\r\n").encode() for each in expected]
        end = time.monotonic() + patience
        while not (found := [each for each in wanted if each in self._shown]):
            ready = select.select([self._master], [], [], max(0.0, end - time.monotonic()))[0]
            piece = self._read() if ready else b""
            assert piece, f"{expected} does not appear in {self._shown.decode(errors='replace')!r}"
            self._shown += piece
        upto = min(self._shown.index(each) + len(each) for each in found)
        shown, self._shown = self._shown[:upto], self._shown[upto:]
        return shown.decode(errors="surrogateescape").replace("\r\n", "\n")

    def _read(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except OSError:             # nobody has the other end any more
            return b""

    def ends(self) -> int:
        """Wait for the program's end; its status."""
        end = time.monotonic() + PATIENCE
        while select.select([self._master], [], [], max(0.0, end - time.monotonic()))[0] and self._read():
            pass
        return self.process.wait(PATIENCE)


@pytest.fixture
def fsu_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in front of PATH with programs called fsu and fsu_ls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("fsu", "fsu_ls"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rump.fsutils "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder
