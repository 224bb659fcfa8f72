# SPDX-License-Identifier: BSD-2-Clause
"""An lwp of a kernel in another process: the methods of `rump.kernel.lwps.Lwp`, and what only a remote one has."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.lwps import system_calls
from rump.kernel.sysproxy import frames as f
from rump.kernel.sysproxy.frames import COOKIE
from rump.kernel.sysproxy.memory import PIECE, TRANSFER
from rump.kernel.sysproxy.native import EXCLUDED, offered
from rump.rumpuser.interface import errno as e
from rump.servers.client import genuine, plain
from rump.servers.client.guest import Guest
from rump.servers.client.link import ConnectionLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from typing_extensions import Buffer

    from rump.kernel.lwps import Lwp as Base
    from rump.servers.client.link import Link
else:
    Base = object


class RemoteLwp(Base):
    """An lwp behind a link; a context manager that ends its process.  Threads may share it: their calls take turns."""

    def __init__(self, link: Link) -> None:
        self._wire = link

    def __enter__(self) -> RemoteLwp:
        return self

    def __exit__(self, *exception: object) -> None:
        self.disconnect()

    def disconnect(self) -> None:
        """Hang up; the process in the kernel ends."""
        self._wire.close()

    def fork(self, name: str | None = None) -> RemoteLwp:
        """Another process with copies of our descriptors, over a connection of its own.  Errors: EAGAIN, EPERM."""
        return RemoteLwp(self._wire.another(self.prefork(), name or self._wire.name))

    def prefork(self) -> bytes:
        """What another program (or a forked one) may `take up` once to become a copy of this process.  EAGAIN."""
        cookie = self._wire.repeated(lambda: self._wire.ask(f.PREFORK))
        if len(cookie) != COOKIE:
            raise fault(e.EPROTO, f"a cookie of {len(cookie)} bytes")
        return cookie

    def take_up(self, cookie: bytes, name: str | None = None) -> RemoteLwp:
        """The process that was prepared by `prefork`.  Errors: ESRCH - there is none, or no more."""
        return RemoteLwp(self._wire.another(cookie, name or self._wire.name))

    def exec(self, name: str) -> None:
        """Another program takes the process over: close-on-exec descriptors are closed, calls under way end."""
        self._wire.name = name
        shown = name.encode("utf-8", "surrogateescape") + b"\0"
        self._wire.repeated(lambda: self._wire.ask(f.HANDSHAKE, f.EXEC, shown))

    def reboot(self) -> None:
        """reboot(2): the kernel halts, when it has answered.  Errors: EPERM - not root."""
        Guest(self._wire).call("reboot", 0, 0)

    def batch(self, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[list[object], OSError | None]:
        """Several calls as (name, arguments), made in order until one fails: the results, and what failed or None.

        One round trip where the server speaks our form; one each otherwise.
        """
        if self._wire.native:
            return plain.make(self._wire, requests)
        results: list[object] = []
        for name, arguments in requests:
            try:
                results.append(getattr(self, name)(*arguments))
            except OSError as error:
                return results, error
        return results, None

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """A system call."""
            call = system_calls().get(name)
            if call is None or name.startswith("_"):
                raise AttributeError(f"there is no system call {name}", name=name, obj=self)
            if name not in offered():
                return lambda *arguments, **named: _not_offered(name)
            made = lambda *arguments, **named: self._remotely(name, in_order(call, arguments, named))  # noqa: E731
            setattr(self, name, made)
            return made

    def _remotely(self, name: str, arguments: tuple[Any, ...], copied: int = 0) -> Any:
        """Make a call, again if need be.  `copied`: bytes of data that go from or to our memory."""
        while True:
            try:
                if self._wire.native and copied <= PIECE:
                    results, error = plain.make(self._wire, ((name, arguments),))
                    if error is not None:
                        raise error
                    return results[0]
                return genuine.make(self._wire, name, arguments)
            except ConnectionLost:
                self._wire.reconnect()

    # ---- data: what fits into a frame goes in it, more by copies, which leave it one system call ---------------------

    def read(self, fd: int, length: int) -> bytes:
        """read(2), as `Lwp.read`."""
        return self._received(length, lambda wanted, done: self._remotely("read", (fd, wanted), wanted))

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """pread(2), as `Lwp.pread`."""
        return self._received(
            length, lambda wanted, done: self._remotely("pread", (fd, wanted, offset + done), wanted)
        )

    def _received(self, length: int, read: Callable[[int, int], bytes]) -> bytes:
        found: list[bytes] = []
        done = 0
        while True:
            wanted = min(length - done, TRANSFER)
            data = read(wanted, done)
            if len(data) > max(wanted, 0):
                raise fault(e.EPROTO, f"{len(data)} bytes read, of {wanted}")
            found.append(data)
            done += len(data)
            if len(data) < wanted or done >= length:
                return b"".join(found) if len(found) > 1 else data

    def readinto(self, fd: int, buffer: Buffer) -> int:
        """read(2) into a buffer."""
        return _filled(buffer, self.read(fd, memoryview(buffer).nbytes))

    def preadinto(self, fd: int, buffer: Buffer, offset: int) -> int:
        """pread(2) into a buffer."""
        return _filled(buffer, self.pread(fd, memoryview(buffer).nbytes, offset))

    def write(self, fd: int, data: Buffer) -> int:
        """write(2), as `Lwp.write`."""
        return self._sent(data, lambda piece, done: self._remotely("write", (fd, piece), len(piece)))

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """pwrite(2), as `Lwp.pwrite`."""
        return self._sent(
            data, lambda piece, done: self._remotely("pwrite", (fd, piece, offset + done), len(piece))
        )

    def _sent(self, data: Buffer, write: Callable[[bytes, int], int]) -> int:
        view, done = memoryview(data).cast("B"), 0
        while True:
            piece = bytes(view[done : done + TRANSFER])
            try:
                count = write(piece, done)
            except OSError:
                if done:
                    return done
                raise
            if not 0 <= count <= len(piece):
                raise fault(e.EPROTO, f"{count} bytes written, of {len(piece)}")
            done += count
            if count < len(piece) or done >= len(view):
                return done


def _filled(buffer: Buffer, data: bytes) -> int:
    memoryview(buffer).cast("B")[: len(data)] = data
    return len(data)


def _not_offered(name: str) -> None:
    """A call that is for programs beside the kernel only."""
    assert name in EXCLUDED or name in system_calls()
    raise fault(e.ENOSYS, f"{name} of a remote kernel")


def in_order(call: Callable[..., object], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """A call's arguments with the named ones in their places.  Errors: TypeError - there are no such."""
    if not named:
        return arguments
    body: Any = call.__wrapped__  # type: ignore[attr-defined]
    names = body.__code__.co_varnames[1 : body.__code__.co_argcount]
    defaults = dict(zip(names[::-1], (body.__defaults__ or ())[::-1], strict=False))
    values = {**defaults, **dict(zip(names, arguments, strict=False)), **named}
    if len(arguments) > len(names) or set(values) - set(names) or set(names[: len(arguments)]) & set(named):
        raise TypeError(f"{body.__name__}: arguments")
    last = max(names.index(name) for name in named)
    return tuple(values[name] for name in names[: max(last + 1, len(arguments))])
