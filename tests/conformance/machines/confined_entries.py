# SPDX-License-Identifier: BSD-2-Clause
"""What the bodies of the contract run in confined processes; they try what only a host's own modules can."""

from __future__ import annotations

import _socket
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.rumpuser.interface.hypercalls import Hypercalls


def echo(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Sends back what it hears."""
    while heard := host.stream_receive(stream, 1 << 16, None):
        host.stream_send(stream, heard)


def read(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Sends the ten bytes of each file."""
    for handle in handles:
        buffer = bytearray(10)
        host.read(handle, buffer, 0)
        host.stream_send(stream, bytes(buffer) + b"|")


def nothing(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Ends at once."""


def fail(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Ends by an exception."""
    raise RuntimeError("on purpose")


def hang(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Says so, and never again anything."""
    host.stream_send(stream, b"h")
    while True:
        pass


def trespass(host: Hypercalls, stream: int, handles: tuple[int, ...]) -> None:
    """Tries what it must not do, and says what came of it: name=result, in words."""
    tries: dict[str, Callable[[], object]] = {
        "open": lambda: os.open("/", os.O_RDONLY),
        "create": lambda: os.open("/tmp/rump-trespass", os.O_RDWR | os.O_CREAT),
        "list": lambda: os.listdir("/"),
        "stat": lambda: os.stat("/etc"),
        "socket": _connection,
        "pair": _pair,
        "pipe": os.pipe,
        "fork": lambda: os.fork() or os._exit(0),
        "exec": lambda: os.execv("/rump-trespass", ["no such program"]),
        "kill": lambda: os.kill(os.getppid(), 0),
        "chdir": lambda: os.chdir("/"),
        "seek": lambda: os.lseek(stream, 0, os.SEEK_SET),
        "duplicate": lambda: os.dup(stream),
        "memory": lambda: bytearray(1 << 30),
    }
    said = [f"confines={','.join(host.traits.confines)}", *[f"{name}={_tried(do)}" for name, do in tries.items()]]
    host.stream_send(stream, "\n".join(said).encode())


def _tried(do: Callable[[], object]) -> str:
    try:
        do()
    except MemoryError:
        return "memory"
    except PermissionError:
        return "refused"
    except OSError as error:
        return f"error-{error.errno}"
    return "done"


def _connection() -> object:
    return _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)


def _pair() -> object:
    return _socket.socketpair()
