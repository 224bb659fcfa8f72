# SPDX-License-Identifier: BSD-2-Clause
"""The ways in of a monolith: each kind of server made of its [[serve]] table."""

from __future__ import annotations

import os
import threading

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.monolith.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Protocol

    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.servers.fuse.base import Request
    from rump.servers.monolith.config import ServeEntry
    from rump.servers.ninep.accounts import Identity

    class Way(Protocol):
        """A server that runs: what it is called, where it is, how it ends."""

        address: str

        def stop(self) -> None: ...


_HEAD_MAX, _HEAD_SECONDS = 1 << 16, 5.0      # bytes of a request that is refused, and how long it may take to come


def open_way(
    kernel: Kernel,
    entry: ServeEntry,
    log: Callable[[str], object],
    halt: Callable[[], object],
    welcome: Callable[[], bool] = lambda: True,
) -> Way:
    """Start a server.  `halt` is called when a client asks for the kernel's end; `welcome`, which must not wait, says
    whether new work is taken on: what a client has open goes on in any case.

    Errors: ConfigError - an address that makes no sense; OSError.
    """
    return _KINDS[entry.kind](kernel, entry, log, halt, welcome)


def _below(kernel: Kernel, entry: ServeEntry) -> Lwp:
    """A process whose root is what is to be served."""
    lwp = kernel.cpu.run(lambda: kernel.newproc(name=f"{entry.kind} {entry.address}"))
    if entry.path != "/":
        lwp.chroot(os.fsencode(entry.path))
        lwp.chdir(b"/")
    return lwp


class SysproxyWay:
    """Remote system calls: whole processes of the kernel, which see all of it.  Unwelcome clients are hung up on, as
    the original does."""

    def __init__(
        self,
        kernel: Kernel,
        entry: ServeEntry,
        _log: Callable[[str], object],
        halt: Callable[[], object],
        welcome: Callable[[], bool],
    ) -> None:
        import hmac

        from rump.kernel.sysproxy.server import Server

        if entry.path != "/" or entry.read_only:
            raise ConfigError("sysproxy serves the whole kernel: neither path nor read-only can be had")
        secret = None
        if entry.secret_file is not None:
            with open(entry.secret_file, "rb") as file:
                secret = file.read().strip()
        self._server = Server(
            kernel, os.fsencode(entry.address), uid=os.getuid() if hasattr(os, "getuid") else None, others=entry.others,
            secret=secret, digest=lambda key, message: hmac.digest(key, message, "sha256"), reboot=halt,
            welcome=welcome,
        )  # fmt: skip
        self._server.start()
        self.address = os.fsdecode(self._server.address)

    def stop(self) -> None:
        self._server.stop()


def _check_remote(entry: ServeEntry) -> str | None:
    """The password of a way in by HTTP.  Errors: ConfigError - other machines would come in without one."""
    if entry.kind == "9p" and (entry.read_only or entry.allow_remote):
        raise ConfigError("9p has no authentication, and serves what is mounted as it is: mount it read-only")
    if entry.secret_file is None:
        if entry.allow_remote:
            raise ConfigError("allow-remote needs a secret-file")
        return None
    with open(entry.secret_file, encoding="utf-8") as file:
        return file.read().strip()


def _refuse_http(stream: socket.socket) -> None:
    """503 (RFC 9110, 15.6.4) for who asks; the request is read first, or the answer might be lost with it."""
    stream.settimeout(_HEAD_SECONDS)
    head = b""
    try:
        while b"\r\n\r\n" not in head and len(head) < _HEAD_MAX:
            piece = stream.recv(4096)
            if not piece:
                return
            head += piece
        stream.sendall(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    except OSError:         # the client went away, or never said what it wanted
        pass


class ListeningWay:
    """9P and HTTP: a thread for each connection.  To the unwelcome 9P says EAGAIN when they attach, HTTP 503."""

    def __init__(
        self,
        kernel: Kernel,
        entry: ServeEntry,
        log: Callable[[str], object],
        _halt: Callable[[], object],
        welcome: Callable[[], bool],
    ) -> None:
        from rump.servers.listening import AddressError, Listener

        password = _check_remote(entry)
        lwp = _below(kernel, entry)
        if entry.kind == "9p":
            from rump.servers.ninep.export import Export

            class Guarded(Export):
                """Lets nobody attach who is not welcome."""

                def process(self, identity: Identity) -> Lwp:
                    if not welcome():
                        raise fault(e.EAGAIN, "no new clients for now")
                    return super().process(identity)

            serve = Guarded(lwp, log=log).serve
        else:
            from rump.servers.web.site import Site

            hosts = None if entry.allow_remote else frozenset[str]()
            site = Site(lwp, entry.path, password=password, hosts=hosts, log=log)

            def serve(stream: socket.socket, peer: str) -> None:
                if welcome():
                    site.serve(stream, peer)
                else:
                    _refuse_http(stream)
        try:
            self._listener = Listener(entry.address, serve, allow_remote=entry.allow_remote)
        except AddressError as error:
            raise ConfigError(str(error)) from error
        self._listener.start()
        self.address = self._listener.address

    def stop(self) -> None:
        self._listener.close()


def _if_welcome(
    welcome: Callable[[], bool], answer: Callable[[Request], bytes | memoryview]
) -> Callable[[Request], bytes | memoryview]:
    """The same answer, or ENOMEM."""

    def guarded(request: Request) -> bytes | memoryview:
        if not welcome():
            raise fault(e.ENOMEM, "nothing more is opened for now")
        return answer(request)

    return guarded


class FuseWay:
    """A mount of the host's; its address is the directory.  There is one client, the host: when it is not welcome,
    files and directories cannot be opened (ENOMEM); what is open goes on."""

    def __init__(
        self,
        kernel: Kernel,
        entry: ServeEntry,
        log: Callable[[str], object],
        _halt: Callable[[], object],
        welcome: Callable[[], bool],
    ) -> None:
        from rump.servers.fuse.base import Settings
        from rump.servers.fuse.operations import Operations
        from rump.servers.fuse.protocol import CREATE, OPEN, OPENDIR
        from rump.servers.fuse.server import Server

        lwp = _below(kernel, entry)
        settings = Settings(another=lambda: kernel.newproc(lwp, name="fuse"), pid=os.getpid(), shared=True)
        self.address = os.path.abspath(entry.address)
        self._log = log
        self._ready = threading.Event()
        self._failed: OSError | None = None
        operations = Operations(lwp, settings)
        for opening in (OPEN, CREATE, OPENDIR):
            operations.table[opening] = _if_welcome(welcome, operations.table[opening])
        self._server = Server(operations, self.address, ready=self._ready.set, tick=kernel.tick)
        words = ["ro" if entry.read_only else "rw", "nosuid", "nodev", "default_permissions"]
        words += ["allow_other"] if entry.others else []
        self._thread = threading.Thread(target=self._run, args=(words,), name=f"fuse {self.address}", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            self._server.close()
            raise self._failed

    def _run(self, words: list[str]) -> None:
        from rump.servers.fuse.connection import MountFailed

        try:
            self._server.serve("rump", words)
        except MountFailed as error:
            self._failed = OSError(0, str(error), self.address)
        except OSError as error:
            self._failed = error
            self._log(f"fuse {self.address}: {error}")
        finally:
            self._ready.set()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()
        self._server.close()


_KINDS: dict[str, Callable[..., Way]] = {
    "sysproxy": SysproxyWay, "9p": ListeningWay, "http": ListeningWay, "fuse": FuseWay,
}  # fmt: skip
