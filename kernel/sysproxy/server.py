# SPDX-License-Identifier: BSD-2-Clause
"""A kernel's server: who may come in, and what they have in common."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.proc import Credentials
from rump.kernel.sysproxy import auth
from rump.kernel.sysproxy.client import FIRST_DESCRIPTORS, Client
from rump.kernel.sysproxy.connection import Connection
from rump.kernel.sysproxy.frames import COOKIE
from rump.kernel.sysproxy.memory import PIECE, TRANSFER
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.kernel.sysproxy.auth import Digest
    from rump.kernel.sysproxy.frames import Frame
    from rump.rumpuser.interface.hypercalls import Thread

SECOND = 10**9
LOOPBACK = (b"127.", b"[::1]:", b"localhost:")


class Limits:
    """What one server, and one client of it, may take.

    clients     connections at a time; more are hung up on
    frame       bytes of a frame
    calls       calls of one client that wait, or stay behind others; 0: one that waits holds up all of its client's
    pending     bytes of memory that the calls of one client that wait or stay behind may take
    transfers   bytes of memory for reads and writes of more than PIECE, of all clients together; where they are used up
                such a one is made in pieces.  Of one client it is never more than TRANSFER
    preforks    forks prepared and not yet taken up, of all clients
    patience    nanoseconds that a new client has for each frame of its handshake, and a prepared fork to be taken up
    """

    def __init__(
        self,
        *,
        clients: int = 256,
        frame: int = 4 << 20,
        calls: int = 64,
        pending: int = 16 << 20,
        transfers: int = 64 << 20,
        preforks: int = 64,
        patience: int = 30 * SECOND,
    ) -> None:
        self.clients = clients
        self.frame = frame
        self.calls = calls
        self.pending = pending
        self.transfers = transfers
        self.preforks = preforks
        self.patience = patience


UNKNOWN_FRAME = 4096
"""Bytes of a frame of somebody who has not shaken hands yet."""


class Server:
    """Serves a kernel at an address, with threads of the host, from `start` to `stop`.

    uid         of the user who may come in by a unix stream besides root; None: whoever the address lets in
    others      whether other users may, too; they are themselves, not root
    secret      what clients by tcp must know, by `digest`; None: nothing, but then only this host's may come
    reboot      called (by a client's thread) when a client asks for the kernel's end
    welcome     asked for each connection, holding the virtual CPU: whether there may be one more client now;
                it must not wait

    Errors: EPERM - tcp beyond the loopback without a secret; those of `stream_listen`.
    """

    def __init__(
        self,
        kernel: Kernel,
        address: bytes,
        *,
        limits: Limits | None = None,
        uid: int | None = None,
        others: bool = False,
        secret: bytes | None = None,
        digest: Digest | None = None,
        reboot: Callable[[], object] = lambda: None,
        welcome: Callable[[], bool] = lambda: True,
    ) -> None:
        self.kernel = kernel
        self.limits = limits or Limits()
        self.reboot = reboot
        self._welcome = welcome
        self._uid = uid
        self._others = others
        self._secret = secret
        self._digest = digest
        self._clients: dict[Client, Thread | None] = {}
        self._preforks: dict[bytes, tuple[Lwp, int]] = {}
        self._copying = 0           # forks that are being prepared
        self._accepting: Thread | None = None
        self._stopping = False
        self._transferred = 0
        tcp = address.startswith(b"tcp://")
        if tcp and secret is None and not address[6:].startswith(LOOPBACK):
            raise fault(e.EPERM, "tcp beyond this host needs a secret")
        self.demands_secret = tcp and secret is not None
        with kernel.cpu.guard:
            self._listener = kernel.host.stream_listen(address, 0o666 if others else 0o600)
            self.address = kernel.host.stream_address(self._listener)

    def start(self) -> None:
        """Begin to accept clients."""
        with self.kernel.cpu.guard:
            self._accepting = self.kernel.host.thread_create(self._accept, "rump sysproxy")

    def stop(self) -> None:
        """Hang up on all clients; it returns when their processes have ended.  Not from a client's own thread."""
        with self.kernel.cpu.guard:
            if self._stopping:
                return
            self._stopping = True
            self.kernel.host.stream_close(self._listener)
            if self._accepting is not None:
                self._accepting.join()
            clients = list(self._clients.items())
        for client, _ in clients:
            client.end()
        with self.kernel.cpu.guard:
            for _, thread in clients:
                if thread is not None:
                    thread.join()
        self._expire(everything=True)

    def clients(self) -> int:
        """How many there are."""
        return len(self._clients)

    def _accept(self) -> None:
        host, cpu = self.kernel.host, self.kernel.cpu
        while not self._stopping:
            with cpu.guard:
                try:
                    stream = host.stream_accept(self._listener, None)
                except HostError as error:
                    if not self._stopping:
                        self.kernel.log(f"sysproxy: {error}")
                        host.clock_sleep(0, SECOND // 10)       # for want of descriptors, say
                    continue
                full = len(self._clients) >= self.limits.clients or not self._welcome()
                if full:
                    host.stream_close(stream)
            if not full:
                self._begin(Connection(host, cpu, stream, UNKNOWN_FRAME, self.limits.patience))
            self._expire()

    def _begin(self, connection: Connection) -> None:
        client = Client(self, connection)
        with self.kernel.cpu.guard:
            self._clients[client] = None
            try:
                thread = self.kernel.host.thread_create(client.run, "rump sysproxy client")
                if client in self._clients:             # it has not ended already
                    self._clients[client] = thread
            except HostError:
                del self._clients[client]
                thread = None
        if thread is None:
            connection.close()

    def forget(self, client: Client) -> None:
        """A client has ended."""
        with self.kernel.cpu.guard:
            self._clients.pop(client, None)
        self._expire()

    # ---- memory ------------------------------------------------------------------------------------------------------

    def take_room(self, wanted: int) -> int:
        """How many bytes a read or write may take at once, up to `wanted`; `give_room` gives them back."""
        wanted = min(wanted, TRANSFER)
        if wanted <= PIECE:
            return wanted
        with self.kernel.cpu.guard:
            if self._transferred + wanted > self.limits.transfers:
                return PIECE
            self._transferred += wanted
        return wanted

    def give_room(self, taken: int) -> None:
        """They are not used any more."""
        if taken > PIECE:
            with self.kernel.cpu.guard:
                self._transferred -= taken

    def transferred(self) -> int:
        """Bytes that are taken now."""
        return self._transferred

    # ---- who may come in ---------------------------------------------------------------------------------------------

    def admit(self, connection: Connection, first: Frame) -> tuple[Credentials | None, Frame]:
        """Whom a client is in the kernel, None if it may not come in; and the frame to be answered next."""
        if self.demands_secret:
            assert self._secret is not None and self._digest is not None
            with self.kernel.cpu.guard:
                nonce = self.kernel.host.getrandom(auth.NONCE)
            known, last = auth.demand(connection, first, self._secret, self._digest, nonce)
            return (Credentials(), connection.frame()) if known else (None, last)
        peer = connection.peer()
        if peer is None or self._uid is None or peer[1] in (0, self._uid):
            return Credentials(), first
        return (Credentials(peer[1], peer[2]) if self._others else None), first

    def newproc(self, name: str, credentials: Credentials) -> Lwp:
        """A process for a client, with the console as its descriptors 0 to 2, if it can be reached."""
        lwp = self._newproc(None, name)
        try:
            for flags in FIRST_DESCRIPTORS:
                lwp.open(b"/dev/console", flags)
        except OSError as error:
            self.kernel.log(f"sysproxy: /dev/console: {error}")
        lwp.process.credentials = credentials
        return lwp

    def _newproc(self, parent: Lwp | None, name: str) -> Lwp:
        return self.kernel.cpu.run(lambda: self.kernel.newproc(parent, name=name))

    # ---- forks -------------------------------------------------------------------------------------------------------

    def prefork(self, parent: Lwp) -> bytes | None:
        """Copy a process; what its program says to take it up.  None: too many wait for theirs."""
        self._expire()
        with self.kernel.cpu.guard:
            if len(self._preforks) + self._copying >= self.limits.preforks:
                return None
            self._copying += 1
        try:
            child = self._newproc(parent, parent.process.name)
            with self.kernel.cpu.guard:
                child.process.copy_files(parent.process)
                child.process.credentials = parent.process.credentials
                cookie = self.kernel.host.getrandom(COOKIE)
            self.offer(child, cookie)
        finally:
            with self.kernel.cpu.guard:
                self._copying -= 1
        return cookie

    def offer(self, lwp: Lwp, cookie: bytes) -> None:
        """Let who says this (of COOKIE bytes) take up an lwp, as the process that it is."""
        with self.kernel.cpu.guard:
            self._preforks[cookie] = lwp, self.kernel.monotonic() + self.limits.patience

    def claim(self, cookie: bytes) -> Lwp | None:
        """The process that was copied for a cookie, once."""
        self._expire()
        with self.kernel.cpu.guard:
            child, _ = self._preforks.pop(cookie, (None, 0))
        return child

    def _expire(self, everything: bool = False) -> None:
        """End the copies that nobody has taken up in time."""
        with self.kernel.cpu.guard:
            now = self.kernel.monotonic()
            late = [cookie for cookie, (_, end) in self._preforks.items() if everything or end <= now]
            children = [self._preforks.pop(cookie)[0] for cookie in late]
        for child in children:
            self.kernel.exit(child)
