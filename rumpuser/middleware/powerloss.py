# SPDX-License-Identifier: BSD-2-Clause
"""Power loss: what was written to a file, in order, and what a crash may have left of it.

    host = PowerLoss(default(), [b"disk.img"])          # boot with it, do the work
    states = host.log(b"disk.img").states(before)
    verify(states.seeded(seed=1, count=1000), check)    # check(state) looks at what recovers from state.image()
    check(states.state(1, 734))                         # one of them again, as the failure named it

A crash state is everything that the last completed sync covers, and any part of what came later: ``crash_states``.
"""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import BIO_WRITE, OPEN_ACCMODE, OPEN_RDONLY, Hypercalls
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.middleware.crash_pieces import DISCARD, SYNC, TRUNCATE, WRITE, Event
from rump.rumpuser.middleware.crash_states import State, States

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from typing_extensions import Buffer

LIMIT = 256 << 20
PIECE = 1 << 20


class LogFull(Exception):
    """More was written than the log was told to hold."""


class Log:
    """What was done to one file, in the order in which it was completed.  Calls that failed are not in it."""

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit`: how many bytes of data it may hold."""
        self.events: list[Event] = []
        self.promises: list[tuple[int, object]] = []
        self._room = limit

    def states(self, base: Buffer, *, barriers: bool = True) -> States:
        """What a crash may have made of `base`, the file's bytes when it was opened.

        `barriers` False: as if no sync had ever been made - a test of what relies on them must fail then.
        """
        return States(base, self.events, self.promises, barriers=barriers)

    def promise(self, value: object) -> None:
        """What a program was told is durable by now: states of later crashes have it in their `promises`."""
        self.promises.append((len(self.events), value))

    def write(self, offset: int, data: bytes) -> None:
        """Data was written.  Errors: LogFull."""
        self._room -= len(data)
        if self._room < 0:
            raise LogFull("the log of writes is full")
        if data:
            self.events.append(Event(WRITE, offset, len(data), data))

    def truncate(self, size: int) -> None:
        """The size was set."""
        self.events.append(Event(TRUNCATE, size, 0))

    def discard(self, start: int, length: int) -> None:
        """A range was discarded: it reads as zeros, or as before."""
        if length:
            self.events.append(Event(DISCARD, start, length))

    def sync(self, flags: int, start: int, length: int, covers: int) -> None:
        """A sync was completed; it covers the first `covers` events."""
        self.events.append(Event(SYNC, start, length, flags=flags, covers=covers))


class PowerLoss(Middleware):
    """Logs what is done to some files; hands everything on."""

    def __init__(self, host: Hypercalls, paths: Iterable[bytes] | None = None, limit: int = LIMIT) -> None:
        """`paths`: which files, as `open` will name them; None: all that are opened for writing.  `limit`: of each
        log, in bytes of data."""
        super().__init__(host)
        self.logs: dict[bytes, Log] = {path: Log(limit) for path in paths or ()}
        self._all = paths is None
        self._limit = limit
        self._handles: dict[int, Log] = {}

    def log(self, name: bytes) -> Log:
        """The log of a path, or of the name given to `watch`.  Errors: KeyError."""
        return self.logs[name]

    def watch(self, handle: int, name: bytes) -> Log:
        """Log what is done through a handle, until it is closed: an adopted file, or one opened beforehand."""
        log = self._handles[handle] = self.logs.setdefault(name, Log(self._limit))
        return log

    def _call(self, name: str, *arguments: Any) -> Any:
        own = _LOGGED.get(name)
        if own is None:
            return super()._call(name, *arguments)
        return own(self, *arguments)

    def _open(self, path: bytes, flags: int) -> int:
        handle: int = super()._call("open", path, flags)
        if flags & OPEN_ACCMODE != OPEN_RDONLY and (self._all or path in self.logs):
            self.watch(handle, path)
        return handle

    def _close(self, handle: int) -> None:
        super()._call("close", handle)
        self._handles.pop(handle, None)

    def _write(self, handle: int, data: Buffer, offset: int) -> int:
        log = self._handles.get(handle)
        taken = bytes(data) if log is not None else b""     # now: the caller may change it meanwhile
        count: int = super()._call("write", handle, data, offset)
        if log is not None:
            log.write(offset, taken[:count])
        return count

    def _submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        log = self._handles.get(handle)
        taken = [bytes(data) if log and operation == BIO_WRITE else b"" for operation, data, _ in requests]
        results: tuple[int, ...] = super()._call("submit", handle, requests)
        if log is not None:
            for (_, _, offset), data, count in zip(requests, taken, results, strict=True):
                log.write(offset, data[: max(0, count)])
        return results

    def _truncate(self, handle: int, size: int) -> None:
        super()._call("truncate", handle, size)
        if handle in self._handles:
            self._handles[handle].truncate(size)

    def _discard(self, handle: int, start: int, length: int) -> None:
        super()._call("discard", handle, start, length)
        if handle in self._handles:
            self._handles[handle].discard(start, length)

    def _copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        count: int = super()._call("copy_range", source, source_offset, target, target_offset, length)
        log = self._handles.get(target)
        for done in range(0, count if log is not None else 0, PIECE):
            data = bytearray(min(PIECE, count - done))
            super()._call("read", source, data, source_offset + done)
            if log is not None:
                log.write(target_offset + done, bytes(data))
        return count

    def _sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        log = self._handles.get(handle)
        covers = len(log.events) if log is not None else 0
        super()._call("sync", handle, flags, start, length)
        if log is not None:
            log.sync(flags, start, length, covers)


_LOGGED: dict[str, Any] = {
    "open": PowerLoss._open,
    "close": PowerLoss._close,
    "write": PowerLoss._write,
    "submit": PowerLoss._submit,
    "truncate": PowerLoss._truncate,
    "discard": PowerLoss._discard,
    "copy_range": PowerLoss._copy_range,
    "sync": PowerLoss._sync,
}


class Lost(AssertionError):
    """A state that a check did not accept; the message says which, so that it can be made again."""


def verify(states: Iterable[State], check: Callable[[State], object]) -> int:
    """Hold every state against `check`, which raises what is wrong; how many there were.  Errors: Lost."""
    count = 0
    for state in states:
        try:
            check(state)
        except Exception as error:
            raise Lost(f"{state.describe()}: {error}") from error
        count += 1
    return count
