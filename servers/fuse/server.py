# SPDX-License-Identifier: BSD-2-Clause
"""The loop: takes requests from Linux, has them answered one after the other, and ends when the mount does."""

from __future__ import annotations

import errno
import os
import select
import sys
import time

from rump.servers.fuse import connection
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Request
from rump.servers.fuse.connection import MountFailed
from rump.servers.fuse.control import MAX_WRITE
from rump.servers.fuse.forgetting import Forgetting
from rump.servers.linux import errno_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from rump.servers.fuse.operations import Operations

_HEAD = p.REQUEST.size + p.WRITE_IN.size
_TICK = 1000            # ms: how long the kernel's callouts may be late
_SOON = 2               # ms: how long to wait for a mount that is being made
_GRACE = 100            # ms: how long to wait for another request when told to stop
_PATIENCE = 2.0         # s: how long at most, if they go on coming
_AT_EASE = 10           # ticks without a request behind which nothing is due any more


class Server:
    """Serves a mount.

    ready     called once the mount is usable
    tick      called at times, for what the kernel does when time has passed
    """

    def __init__(
        self, operations: Operations, directory: str, *, ready: Callable[[], None], tick: Callable[[], object]
    ) -> None:
        self._operations = operations
        self._directory = directory
        self._ready = ready
        self._tick = tick
        self._head = bytearray(_HEAD)
        self._data = memoryview(bytearray(MAX_WRITE + 4096))
        self._buffers = (self._head, self._data)
        self._device = -1
        self._begun = False
        self._early = False
        self._told = False
        self._stopping = False
        self._leaving: float | None = None      # until when
        self._said = b""
        self._forgetting: Forgetting | None = None
        self._poll = select.poll()
        self._running: subprocess.Popen[bytes] | None = None
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def serve(self, source: str, options: list[str]) -> None:
        """Mount, and answer until it is unmounted.  Errors: MountFailed."""
        self._device, running = connection.mount(self._directory, source, options)
        try:
            self._poll.register(self._device, select.POLLIN)
            self._poll.register(self._wake, select.POLLIN)
            self._start(running)
            self._loop()
        finally:
            if self._forgetting is not None:
                self._forgetting.end()
            os.close(self._device)
            if self._running is not None:
                self._running.communicate()
            self._operations.end()

    def stop(self) -> None:
        """Unmount; `serve` returns when that is done.  For other threads, and for handlers of signals."""
        if not self._stopping:
            self._stopping = True
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Give back what `stop` needs."""
        os.close(self._wake)
        os.close(self._waker)

    # ---- the loop ------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        """Until the device is dead; once told to stop, until nobody asks any more."""
        idle = 0
        while True:
            self._mind_programs()
            found = self._awaited(idle)
            if self._early:
                self._early = False
                self._poll.register(self._device, select.POLLIN)
            elif self._done(bool(found)):
                return
            elif not found:
                idle += 1
                self._tick()
            for descriptor in found:
                if descriptor == self._device:
                    idle = 0
                    if not self._one():
                        return
                    if self._forgetting is None and self._operations.lost():
                        self._forgetting = Forgetting(self._device, self._operations.nodes)
                elif descriptor == self._wake:
                    os.read(self._wake, 64)
                else:
                    self._hear()

    def _done(self, asked: bool) -> bool:
        """Whether it is unmounted, and nobody asks any more, or for too long."""
        if self._leaving is None or self._running is not None:
            return False
        return not asked or time.monotonic() > self._leaving

    def _awaited(self, idle: int) -> list[int]:
        """The descriptors that have something to say."""
        timeout: int | None
        if self._early:
            timeout = _SOON
        elif self._leaving is not None:
            timeout = _GRACE
        else:
            timeout = _TICK if idle < _AT_EASE else None
        return [descriptor for descriptor, _ in self._poll.poll(timeout)]

    def _one(self) -> bool:
        """Answer one request; False if there will be no more."""
        try:
            length = os.readv(self._device, self._buffers)
        except OSError as error:
            if error.errno == errno.ENODEV:             # unmounted
                return False
            if error.errno == errno.EPERM and not self._begun:      # not mounted yet
                self._poll.unregister(self._device)
                self._early = True
                return True
            if error.errno in (errno.ENOENT, errno.EAGAIN):     # who asked has gone
                return True
            raise
        _, operation, unique, node, uid, gid, _, _ = p.REQUEST.unpack_from(self._head)
        if operation == p.WRITE:
            request = Request(node, uid, gid, bytes(self._head[p.REQUEST.size :]), self._data[: length - _HEAD])
        else:
            body = bytes(self._head[p.REQUEST.size : length])
            request = Request(node, uid, gid, body + self._data[: length - _HEAD] if length > _HEAD else body)
        number, answer = self._answered(operation, request)
        if operation not in p.UNANSWERED:
            self._send(unique, number, answer)
        if operation == p.INIT:
            self._begun = number == 0
        return bool(operation != p.DESTROY)

    def _answered(self, operation: int, request: Request) -> tuple[int, bytes | memoryview]:
        """Linux' errno or 0, and what the operation answers."""
        answer = self._operations.table.get(operation)
        if answer is None:
            return errno.ENOSYS, b""
        try:
            return 0, answer(request)
        except OSError as error:
            return errno_of(error), b""
        except Exception as error:
            print(f"fsu mount: operation {operation}: {type(error).__name__}: {error}", file=sys.stderr)
            if os.environ.get("RUMP_DEBUG"):
                import traceback

                traceback.print_exc()
            return errno.EIO, b""

    def _send(self, unique: int, number: int, answer: bytes | memoryview) -> None:
        try:
            os.writev(self._device, (p.ANSWER.pack(p.ANSWER.size + len(answer), -number, unique), answer))
        except OSError as error:
            if error.errno == errno.EINVAL:             # more than was asked for: who asked gets EIO
                print(f"fsu mount: an answer of {len(answer)} bytes is not taken", file=sys.stderr)
            elif error.errno not in (errno.ENOENT, errno.ENODEV):       # who asked has gone; unmounted
                raise

    # ---- the programs that mount and unmount ---------------------------------------------------------------------

    def _mind_programs(self) -> None:
        """Tell once the mount is usable; start to unmount when told to stop."""
        if self._running is not None:
            return
        if self._begun and not self._told:
            self._told = True
            self._ready()
        if self._stopping and self._leaving is None:
            self._leaving = time.monotonic() + _PATIENCE
            self._start(connection.unmount(self._directory, lazy=True))

    def _start(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stderr is not None
        self._running = running
        self._poll.register(running.stderr.fileno(), select.POLLIN)

    def _hear(self) -> None:
        """The program that mounts or unmounts complains, or ends."""
        assert self._running is not None and self._running.stderr is not None
        said = os.read(self._running.stderr.fileno(), 4096)
        self._said += said
        if said:
            return
        done, self._running = self._running, None
        assert done.stderr is not None
        self._poll.unregister(done.stderr.fileno())
        done.stderr.close()
        if done.wait() != 0:
            raise MountFailed(connection.last_line(self._said) or f"status {done.returncode}")
        self._said = b""
