# SPDX-License-Identifier: BSD-2-Clause
"""The ways in of a monolith: each kind of server made of its [[serve]] table."""

from __future__ import annotations

import os
import threading

from rump.servers.monolith.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.servers.monolith.config import ServeEntry

    class Way(Protocol):
        """A server that runs: what it is called, where it is, how it ends."""

        address: str

        def stop(self) -> None: ...


def open_way(kernel: Kernel, entry: ServeEntry, log: Callable[[str], object], halt: Callable[[], object]) -> Way:
    """Start a server.  `halt` is called when a client asks for the kernel's end.

    Errors: ConfigError - an address that makes no sense; OSError.
    """
    return _KINDS[entry.kind](kernel, entry, log, halt)


def _below(kernel: Kernel, entry: ServeEntry) -> Lwp:
    """A process whose root is what is to be served."""
    lwp = kernel.cpu.run(lambda: kernel.newproc(name=f"{entry.kind} {entry.address}"))
    if entry.path != "/":
        lwp.chroot(os.fsencode(entry.path))
        lwp.chdir(b"/")
    return lwp


class SysproxyWay:
    """Remote system calls: whole processes of the kernel, which see all of it."""

    def __init__(
        self, kernel: Kernel, entry: ServeEntry, _log: Callable[[str], object], halt: Callable[[], object]
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


class ListeningWay:
    """9P and HTTP: a thread for each connection."""

    def __init__(
        self, kernel: Kernel, entry: ServeEntry, log: Callable[[str], object], _halt: Callable[[], object]
    ) -> None:
        from rump.servers.listening import AddressError, Listener

        password = _check_remote(entry)
        lwp = _below(kernel, entry)
        if entry.kind == "9p":
            from rump.servers.ninep.export import Export

            serve = Export(lwp, log=log).serve
        else:
            from rump.servers.web.site import Site

            hosts = None if entry.allow_remote else frozenset[str]()
            serve = Site(lwp, entry.path, password=password, hosts=hosts, log=log).serve
        try:
            self._listener = Listener(entry.address, serve, allow_remote=entry.allow_remote)
        except AddressError as error:
            raise ConfigError(str(error)) from error
        self._listener.start()
        self.address = self._listener.address

    def stop(self) -> None:
        self._listener.close()


class FuseWay:
    """A mount of the host's; its address is the directory."""

    def __init__(
        self, kernel: Kernel, entry: ServeEntry, log: Callable[[str], object], _halt: Callable[[], object]
    ) -> None:
        from rump.servers.fuse.base import Settings
        from rump.servers.fuse.operations import Operations
        from rump.servers.fuse.server import Server

        lwp = _below(kernel, entry)
        settings = Settings(another=lambda: kernel.newproc(lwp, name="fuse"), pid=os.getpid(), shared=True)
        self.address = os.path.abspath(entry.address)
        self._log = log
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._server = Server(Operations(lwp, settings), self.address, ready=self._ready.set, tick=kernel.tick)
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
