# SPDX-License-Identifier: BSD-2-Clause
"""The program that carries out ``fsu`` on a machine with no operating system: takes a command over a line, runs it
with standard input, output and errors going over that line, and stops the machine."""

from __future__ import annotations

import _thread
import io
import os
import signal
import sys
import time
from stat import S_ISDIR

from rump.fsutils.elsewhere import messages as m
from rump.rumpuser.bare.window import Window
from rump.rumpuser.host import default
from rump.servers.machine.line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

NO_LINE = 125
"""The machine's exit status if there is nobody to take a command from."""
_LOOK = 0.05        # seconds between looks whether we are interrupted


class Writer(io.RawIOBase):
    """An output that is a kind of message."""

    def __init__(self, line: Line, kind: bytes, terminal: bool) -> None:
        self._line, self._kind, self._terminal = line, kind, terminal

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._terminal

    def write(self, data: Buffer) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), 1 << 20):
            self._line.send(self._kind, view[start : start + (1 << 20)])
        return len(view)


class Reader(io.RawIOBase):
    """Standard input: asks for it when somebody reads."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._job.ask(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Job:
    """The command, as it came."""

    def __init__(self, platform: Any, console: Any) -> None:
        self._platform, self._console = platform, console
        self.line = Line(console.read, console.write)
        self._listening = _thread.allocate_lock()
        self.words: list[str] = []
        self._directories: list[tuple[bytes, int]] = []

    def take(self) -> bytes:
        """Receive all of it, and make what it needs; which outputs are terminals."""
        while True:
            kind, data = self.line.receive()
            if kind == m.GO:
                terminals, _, folder = data.partition(b"\0")
                os.makedirs(folder, exist_ok=True)
                os.chdir(folder)
                time.tzset()
                for path, modified in reversed(self._directories):
                    os.utime(path, ns=(modified, modified))
                return terminals
            if kind == m.SETTING:
                name, _, value = os.fsdecode(data).partition("=")
                os.environ[name] = value
            elif kind == m.UMASK:
                os.umask(int(data, 8))
            elif kind == m.IMAGE:
                self._image(*data.split(b"\0", 2))
            elif kind == m.ENTRY:
                self._entry(*data.split(b"\0"))
            elif kind == m.WORD:
                self.words.append(os.fsdecode(data))

    def _image(self, serial: bytes, size: bytes, path: bytes) -> None:
        """An image under its own name, for the kernel; for those who look for a file there is one."""
        disk = self._platform.files[serial]
        self._platform.files[path] = Window(disk, 0, min(int(size) or disk.size, disk.size))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"\0")

    def _entry(self, mode: bytes, uid: bytes, gid: bytes, modified: bytes, path: bytes, target: bytes) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if target:
            if not os.path.lexists(path):
                os.symlink(target, path)
            return
        if S_ISDIR(int(mode, 8)):
            os.makedirs(path, exist_ok=True)
            self._directories.append((path, int(modified)))
        # A file that is empty need not be in the boot module.
        fd = os.open(path, os.O_RDONLY if S_ISDIR(int(mode, 8)) else os.O_RDWR | os.O_CREAT)
        try:
            os.fchown(fd, int(uid), int(gid))
            os.fchmod(fd, int(mode, 8) & 0o7777)
            os.utime(fd, ns=(int(modified), int(modified)))
        finally:
            os.close(fd)

    def ask(self, length: int) -> bytes:
        """Standard input, at most so many bytes; b"" at its end."""
        with self._listening:
            self.line.send(m.WANTED, b"%d" % length)
            while True:
                kind, data = self.line.receive()
                if kind == m.INPUT:
                    return data
                self._heed(kind)

    def _heed(self, kind: bytes) -> None:
        if kind == m.INTERRUPT:
            _thread.interrupt_main()

    def watch(self) -> None:
        """Look for what comes unasked; a thread's."""
        while True:
            time.sleep(_LOOK)
            with self._listening:
                if self._console.ready():
                    self._heed(self.line.receive()[0])


def main() -> int:
    """The machine's exit status."""
    host: Any = default()
    consoles = host.platform.consoles()
    if not consoles:
        return NO_LINE
    job = Job(host.platform, consoles[0])
    terminals = job.take()
    out, errors = Writer(job.line, m.OUTPUT, b"o" in terminals), Writer(job.line, m.COMPLAINT, b"e" in terminals)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(Reader(job)))
    sys.stderr = io.TextIOWrapper(errors, line_buffering=True, write_through=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)    # there are none; but `interrupt_main` wants a handler
    _thread.start_new_thread(job.watch, ())
    from rump.fsutils.main import main as fsu

    status = fsu(job.words, out, errors)        # type: ignore[arg-type]
    job.line.send(m.ENDED, b"%d" % status)
    return 0


if __name__ == "__main__":
    sys.exit(main())
