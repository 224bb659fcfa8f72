# SPDX-License-Identifier: BSD-2-Clause
"""Serve the file system in an image to other programs, where it cannot be mounted: to browsers and WebDAV clients
(--http, which only reads), to Linux' mount -t 9p and its like (--9p, which writes unless told otherwise).

ADDRESS is HOST:PORT, [IPV6]:PORT or unix:PATH; port 0 is any free one.  Without one of them, pages are served on any
free port of this machine.  What is served is printed, a line each, when it can be reached; serving ends with ^C or
SIGTERM.  Only this machine reaches it unless --allow-remote says otherwise, which takes a password and is for HTTP
only; where its other users shall not either, listen on a Unix socket.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import ImageError, UsageError, reason
from rump.fsutils.names import shown
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, isolate_if_possible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.servers.listening import Listener, Serve
    from rump.servers.ninep.export import Export

OPERANDS = "[--http ADDRESS] [--9p ADDRESS] IMAGE[@PARTITION][:/DIRECTORY]"
RELATED = ("ls", "get", "tar")
EXAMPLES = """\
fsu serve disk.img
    Look at an image in a browser: open the address that is printed.

fsu serve --9p unix:/run/user/1000/image disk.img@2
    For a mount that writes:

        mount -t 9p -o trans=unix,version=9p2000.L,uname=root /run/user/1000/image /mnt

fsu serve --9p 127.0.0.1:5640 --http 127.0.0.1:8080 --read-only disk.img:/home
    One directory, in two ways; 9p as well only to be read.
"""
_ANY = "127.0.0.1:0"
UNIX = "unix:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("--http", metavar="ADDRESS", action="append", default=[], help="serve pages and WebDAV there")
    add("--9p", metavar="ADDRESS", action="append", default=[], dest="ninep", help="serve 9P2000.L there")
    add("-r", "--read-only", action="store_true", help="let nobody write")
    add("--user", metavar="UID[:GID]", help="take all who come by 9P for this user; else for whom they say they are")
    add("--allow-remote", action="store_true", help="let other machines reach what is served by HTTP")
    add("--password-file", metavar="FILE",
        help="ask for the password in its first line; with --allow-remote one is made up otherwise")  # fmt: skip
    add("operand", metavar="image", help="what to serve")
    add_writing_options(parser)
    isolate_if_possible(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; images that were written to come to a good end then."""
    operand = parse_operand(arguments.operand, image_by_default=True)
    user = _user(arguments.user)
    password = _password(arguments)
    if arguments.ninep and not arguments.read_only:
        command.session.writes_to(operand)
    with _Ending() as ending, _Services(command) as services:
        try:
            lwp = services.root(operand)
        except OSError as error:
            command.fail(operand, error)
            return command.status
        for address in arguments.http or ([] if arguments.ninep else [_ANY]):
            services.add_http(address, lwp, operand, password, arguments.allow_remote)
        for address in arguments.ninep:
            services.add_ninep(address, lwp, user)
        if not command.status:
            services.start()
            ending.wait()
    return command.status


def _user(text: str | None) -> tuple[int, int] | None:
    """Errors: UsageError."""
    if text is None:
        return None
    uid, _, gid = text.partition(":")
    if not uid.isdecimal() or not (gid or uid).isdecimal():
        raise UsageError(f"--user {text}: users and groups are numbers here")
    return int(uid), int(gid or uid)


def _password(arguments: argparse.Namespace) -> str | None:
    """What to ask for; None: nothing.  Errors: UsageError - it is empty; ImageError - it cannot be read."""
    if arguments.password_file is not None:
        try:
            with open(arguments.password_file, encoding="utf-8") as file:
                word = file.readline().rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise ImageError(f"{arguments.password_file}: {reason(error)}") from None
        if not word:
            raise UsageError(f"{arguments.password_file}: its first line is empty")
        return word
    if not arguments.allow_remote:
        return None
    from secrets import token_urlsafe

    return token_urlsafe(12)


class _Ending:
    """Waits for the signal that ends serving: SIGINT or SIGTERM.  They are caught from the beginning on."""

    def __init__(self) -> None:
        from threading import Event

        self._ended = Event()
        self._before: list[tuple[int, object]] = []

    def __enter__(self) -> _Ending:
        import signal

        for number in (signal.SIGINT, signal.SIGTERM):
            self._before.append((number, signal.signal(number, lambda *_: self._ended.set())))
        return self

    def wait(self) -> None:
        """Until it came."""
        self._ended.wait()

    def __exit__(self, *exception: object) -> None:
        import signal

        for number, handler in self._before:
            signal.signal(number, handler)  # type: ignore[arg-type]


class _Services:
    """What is served, and on which addresses."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._listeners: list[Listener] = []
        self._lines: list[str] = []
        self._process: Lwp | None = None
        self._export: Export | None = None

    def __enter__(self) -> _Services:
        return self

    def __exit__(self, *exception: object) -> None:
        """End all, in time for the image to be unmounted."""
        for listener in self._listeners:
            listener.close()
        if self._process is not None:
            self._process.kernel.exit(self._process)

    def root(self, operand: Operand) -> Lwp:
        """A process whose root is what is to be served.  Errors: OSError."""
        lwp, path = self._command.session.resolve(operand)
        if not path.strip(b"/"):
            return lwp
        self._process = lwp.kernel.newproc(lwp, name="serve")
        self._process.chroot(path)
        self._process.chdir(b"/")
        return self._process

    def add_http(self, address: str, lwp: Lwp, operand: Operand, password: str | None, allow_remote: bool) -> None:
        """Serve pages on an address."""
        from rump.servers.listening import split_address
        from rump.servers.web.site import Site

        title = os.path.basename(operand.volume) + (shown(operand.path) if operand.path.strip(b"/") else "")
        site = Site(lwp, title, password=password, log=self._command.say)
        listener = self._listen(address, site.serve, allow_remote, " (--allow-remote lets them)")
        if listener is None:
            return
        if listener.address.startswith(UNIX):
            site.hosts = None
            self._lines.append(f"http {listener.address}")
        else:
            site.hosts = frozenset((split_address(listener.address)[0],)) if listener.is_private else None
            self._lines.append(f"http://{listener.address}/")
        if password is not None and f"password: {password}" not in self._lines:
            self._lines.append(f"password: {password}")

    def add_ninep(self, address: str, lwp: Lwp, user: tuple[int, int] | None) -> None:
        """Serve 9P on an address."""
        from rump.servers.ninep.export import Export

        if self._export is None:
            self._export = Export(lwp, user=user, log=self._command.say)
        listener = self._listen(address, self._export.serve, False, ", and 9P asks nobody who he is")
        if listener is not None:
            is_unix = listener.address.startswith(UNIX)
            self._lines.append(f"9p {listener.address}" if is_unix else f"9p://{listener.address}")

    def _listen(self, address: str, serve: Serve, allow_remote: bool, hint: str) -> Listener | None:
        """Errors: UsageError."""
        from rump.servers.listening import AddressError, Listener, RemoteAddress

        try:
            listener = Listener(address, serve, allow_remote=allow_remote)
        except RemoteAddress as error:
            raise UsageError(f"{error}{hint}") from None
        except AddressError as error:
            raise UsageError(str(error)) from None
        except OSError as error:
            self._command.fail(address, error)
            return None
        self._listeners.append(listener)
        return listener

    def start(self) -> None:
        """Begin; say where."""
        for listener in self._listeners:
            listener.start()
        self._command.out.write("".join(f"{line}\n" for line in self._lines).encode())
        self._command.out.flush()
