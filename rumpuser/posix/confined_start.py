# SPDX-License-Identifier: BSD-2-Clause
"""How a confined process is started, spoken to and ended."""

from __future__ import annotations

import os
import sys
import time

from rump.rumpuser.interface.errno import EINVAL, ETIMEDOUT, HostError
from rump.rumpuser.posix.confined_child import FIRST, STREAM
from rump.rumpuser.posix.waiting import deadline, left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

BOOTSTRAP = """
import sys
rump = sys.modules["rump"] = type(sys)("rump")
rump.__path__ = sys.argv[1].split(":")
sys.path[:] = sys.argv[2].split(":")
from rump.rumpuser.posix.confined_child import main
main(sys.argv[3:])
"""
"""What the new interpreter runs: neither `site` nor the environment tells it where modules are, but we do."""
_PATIENCE = 20 * 10**9
"""How many nanoseconds a process may take to make room for what is sent to it."""
_DYING = 2 * 10**9
"""And how many to die when it is killed.  One that waits for a broken disk dies later, and is waited for later."""
_SPARED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGUSR2")
"""Signals that are blocked in a confined process."""


class ConfinedStream:
    """Our end of the stream to a confined process, which one caller at a time uses.

    A process that does not take what it is sent, in `_PATIENCE`, counts as hanging: ETIMEDOUT.
    """

    def __init__(self, socket: Any) -> None:
        import select

        self._socket = socket
        socket.setblocking(False)
        self._reading, self._writing = select.poll(), select.poll()
        self._reading.register(socket.fileno(), select.POLLIN)
        self._writing.register(socket.fileno(), select.POLLOUT)

    def send(self, data: Buffer) -> None:
        rest = memoryview(data).cast("B")
        until = deadline(_PATIENCE)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                _wait(self._writing, until)

    def receive(self, length: int, timeout: int | None) -> bytes:
        if length <= 0:
            raise HostError(EINVAL, f"length {length}")
        until = deadline(timeout)
        while True:
            _wait(self._reading, until)
            try:
                received: bytes = self._socket.recv(length)
            except BlockingIOError:
                continue
            except ConnectionResetError:        # it died before it had read all
                return b""
            return received

    def close(self) -> None:
        self._socket.close()


def _wait(poll: Any, until: int | None) -> None:
    """Until something is ready.  Errors: ETIMEDOUT."""
    while True:
        wait = left(until)
        if poll.poll(max(0, -(-wait // 10**6))):
            return
        if wait <= 0:
            raise HostError(ETIMEDOUT)


class Process:
    """A process of ours that nobody has waited for yet, and our end of the pipe by which it knows that we are there."""

    KILL = 9

    def __init__(self, pid: int, held: int) -> None:
        self.pid = pid
        self._held = held

    def end(self) -> int | None:
        """Kill it and wait for it; its exit status, or -signal; None: it has not died yet, and `wait` will tell."""
        try:
            os.kill(self.pid, self.KILL)
        except ProcessLookupError:      # whoever else waits for our children was faster
            return -self.KILL
        finally:
            os.close(self._held)
        return self.wait(_DYING)

    def wait(self, nanoseconds: int) -> int | None:
        """As `end`, of one that was killed."""
        until, pause = time.monotonic_ns() + nanoseconds, 0.0001
        while True:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return -self.KILL
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic_ns() >= until:
                return None
            time.sleep(pause)
            pause = min(0.02, 2 * pause)


def readable(descriptor: int) -> int:
    """A descriptor that can do no harm.  Errors: EINVAL - it is open for writing."""
    import fcntl

    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
        raise HostError(EINVAL, "open for writing")
    return descriptor


def socketpair() -> tuple[Any, Any]:
    """Two ends of a stream.  The module `socket` makes no better ones, but takes 5 ms to load."""
    import _socket

    return _socket.socketpair()


def start(descriptors: list[int], arguments: tuple[str, ...]) -> int:
    """A fresh interpreter with these descriptors from `STREAM` on, and none of our others; its number."""
    import fcntl
    import signal

    # Copies out of the way of the numbers that they are to have there.
    copies = []
    try:
        for descriptor in descriptors:
            copies.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST + len(descriptors)))
        given: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(STREAM)
        ]
        given += [(os.POSIX_SPAWN_DUP2, copy, STREAM + place) for place, copy in enumerate(copies)]
        spared = [getattr(signal, name) for name in _SPARED]
        command = _command(arguments)
        return os.posix_spawn(
            command[0], command, _environment(), file_actions=given, setsigmask=spared,
            setsigdef=[signal.SIGIO, signal.SIGXCPU],
        )  # fmt: skip
    finally:
        for copy in copies:
            os.close(copy)


def _command(arguments: tuple[str, ...]) -> list[str]:
    import rump

    folders = [os.path.abspath(folder) for folder in rump.__path__]
    path = [os.path.abspath(folder) for folder in sys.path]
    return [*_interpreter(), "-I", "-S", "-c", BOOTSTRAP, ":".join(folders), ":".join(path), *arguments]


def _interpreter() -> list[str]:
    """What starts an interpreter like this one: where it runs in an emulator, only the environment knows."""
    return os.environ.get("RUMP_INTERPRETER", "").split() or [sys.executable]


def _environment() -> dict[str, str]:
    """What decides how the interpreter works, and nothing else of ours."""
    return {name: os.environ[name] for name in ("RUMP_NATIVE", "LD_LIBRARY_PATH") if name in os.environ}
