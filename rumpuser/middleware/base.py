# SPDX-License-Identifier: BSD-2-Clause
"""Middleware: all hypercalls through one function, which hands them on."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Condition, Hypercalls, Mutex, Thread, Traits, Upcalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from typing_extensions import Buffer

FILES = (
    "open", "adopt", "close", "getfileinfo", "read", "write", "submit", "truncate", "sync", "discard", "extents",
    "copy_range", "lock", "busy",
)  # fmt: skip
WATCHES = ("watch_create", "watch_wait", "watch_close")
CARDS = ("nic_open", "nic_address", "nic_send", "nic_receive", "nic_close")
STREAMS = (
    "stream_listen", "stream_address", "stream_accept", "stream_connect", "stream_adopt", "stream_send",
    "stream_receive", "stream_peer", "stream_close",
)  # fmt: skip
CONFINED = ("spawn_confined", "confined_end")
BLOCKING = (*FILES, *WATCHES, *CARDS, *STREAMS, *CONFINED, "clock_sleep")
PRIVATE = (
    "init", "memory_create", "thread_create", "mutex_create", "condition_create", "crc32c", "crc32c_many", "inflate",
)  # fmt: skip
"""What does not reach the world outside: not traced line by line, not recorded."""


class Dispatch(Hypercalls):
    """A host whose calls all arrive at `_call` with their name."""

    def _call(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def init(self, version: int, upcalls: Upcalls) -> None:
        self._call("init", version, upcalls)

    def clock_gettime(self, clock: int) -> int:
        return self._call("clock_gettime", clock)  # type: ignore[no-any-return]

    def clock_sleep(self, clock: int, nanoseconds: int) -> None:
        self._call("clock_sleep", clock, nanoseconds)

    def getrandom(self, length: int, flags: int = 0) -> bytes:
        return self._call("getrandom", length, flags)  # type: ignore[no-any-return]

    def getparam(self, name: str) -> str:
        return self._call("getparam", name)  # type: ignore[no-any-return]

    def console_write(self, data: bytes) -> None:
        self._call("console_write", data)

    def exit(self, status: int) -> NoReturn:
        self._call("exit", status)
        raise SystemExit(status)        # only if what is below came back, which no host may

    def memory_create(self, length: int, alignment: int) -> memoryview:
        return self._call("memory_create", length, alignment)  # type: ignore[no-any-return]

    def thread_create(self, function: Callable[[], object], name: str) -> Thread:
        return self._call("thread_create", function, name)  # type: ignore[no-any-return]

    def mutex_create(self) -> Mutex:
        return self._call("mutex_create")  # type: ignore[no-any-return]

    def condition_create(self, mutex: Mutex) -> Condition:
        return self._call("condition_create", mutex)  # type: ignore[no-any-return]

    def components(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        return self._call("components")  # type: ignore[no-any-return]

    def open(self, path: bytes, flags: int) -> int:
        return self._call("open", path, flags)  # type: ignore[no-any-return]

    def adopt(self, descriptor: int) -> int:
        return self._call("adopt", descriptor)  # type: ignore[no-any-return]

    def close(self, handle: int) -> None:
        self._call("close", handle)

    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        return self._call("getfileinfo", handle)  # type: ignore[no-any-return]

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        return self._call("read", handle, buffer, offset)  # type: ignore[no-any-return]

    def write(self, handle: int, data: Buffer, offset: int) -> int:
        return self._call("write", handle, data, offset)  # type: ignore[no-any-return]

    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        return self._call("submit", handle, requests)  # type: ignore[no-any-return]

    def truncate(self, handle: int, size: int) -> None:
        self._call("truncate", handle, size)

    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        self._call("sync", handle, flags, start, length)

    def discard(self, handle: int, start: int, length: int) -> None:
        self._call("discard", handle, start, length)

    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        return self._call("extents", handle, start, length)  # type: ignore[no-any-return]

    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        return self._call(  # type: ignore[no-any-return]
            "copy_range", source, source_offset, target, target_offset, length
        )

    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        self._call("lock", handle, start, length, mode)

    def busy(self, handle: int) -> str:
        return self._call("busy", handle)  # type: ignore[no-any-return]

    def watch_create(self, handle: int) -> int:
        return self._call("watch_create", handle)  # type: ignore[no-any-return]

    def watch_wait(self, watch: int, timeout: int | None) -> bool:
        return self._call("watch_wait", watch, timeout)  # type: ignore[no-any-return]

    def watch_close(self, watch: int) -> None:
        self._call("watch_close", watch)

    def nic_open(self, name: bytes) -> int:
        return self._call("nic_open", name)  # type: ignore[no-any-return]

    def nic_address(self, nic: int) -> bytes:
        return self._call("nic_address", nic)  # type: ignore[no-any-return]

    def nic_send(self, nic: int, frame: Buffer) -> None:
        self._call("nic_send", nic, frame)

    def nic_receive(self, nic: int, timeout: int | None) -> bytes:
        return self._call("nic_receive", nic, timeout)  # type: ignore[no-any-return]

    def nic_close(self, nic: int) -> None:
        self._call("nic_close", nic)

    def stream_listen(self, address: bytes, mode: int = 0o600) -> int:
        return self._call("stream_listen", address, mode)  # type: ignore[no-any-return]

    def stream_address(self, listener: int) -> bytes:
        return self._call("stream_address", listener)  # type: ignore[no-any-return]

    def stream_accept(self, listener: int, timeout: int | None) -> int:
        return self._call("stream_accept", listener, timeout)  # type: ignore[no-any-return]

    def stream_connect(self, address: bytes, timeout: int | None) -> int:
        return self._call("stream_connect", address, timeout)  # type: ignore[no-any-return]

    def stream_adopt(self, descriptor: int) -> int:
        return self._call("stream_adopt", descriptor)  # type: ignore[no-any-return]

    def stream_send(self, stream: int, data: Buffer) -> None:
        self._call("stream_send", stream, data)

    def stream_receive(self, stream: int, length: int, timeout: int | None) -> bytes:
        return self._call("stream_receive", stream, length, timeout)  # type: ignore[no-any-return]

    def stream_peer(self, stream: int) -> tuple[int, int, int]:
        return self._call("stream_peer", stream)  # type: ignore[no-any-return]

    def stream_close(self, stream: int) -> None:
        self._call("stream_close", stream)

    def spawn_confined(
        self, entry: str, modules: tuple[str, ...], handles: tuple[int, ...], memory: int, seconds: int
    ) -> tuple[int, int]:
        return self._call(  # type: ignore[no-any-return]
            "spawn_confined", entry, modules, handles, memory, seconds
        )

    def confined_end(self, process: int) -> int:
        return self._call("confined_end", process)  # type: ignore[no-any-return]

    def crc32c(self, seed: int, data: Buffer) -> int:
        return self._call("crc32c", seed, data)  # type: ignore[no-any-return]

    def crc32c_many(
        self, seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int
    ) -> list[int]:
        return self._call("crc32c_many", seeds, data, offset, stride, length, count)  # type: ignore[no-any-return]

    def inflate(self, data: Buffer, limit: int) -> bytes:
        return self._call("inflate", data, limit)  # type: ignore[no-any-return]


class Middleware(Dispatch):
    """Hands everything on to `host`; derive from it and override `_call`."""

    def __init__(self, host: Hypercalls) -> None:
        self.host = host
        self.traits: Traits = host.traits

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self.host, name)(*arguments)
