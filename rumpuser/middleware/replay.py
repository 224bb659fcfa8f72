# SPDX-License-Identifier: BSD-2-Clause
"""Replay: a host that answers from a recording, and holds the kernel to it.

Either the program runs again with a `Replay` for its host, or `Replay.drive` makes the recorded system calls.  In both
cases every hypercall and system call must be the recorded one; the first that is not raises `ReplayError`.  Locks and
accelerators are not in a recording: here they are those of one thread, and the pure ones.  What a thread of the
kernel's own did cannot be replayed.
"""

from __future__ import annotations

import json

from rump.rumpuser.interface.errno import ENOSYS, NAMES, HostError, number
from rump.rumpuser.interface.hypercalls import VERSION, Condition, Mutex, Thread
from rump.rumpuser.middleware.base import BLOCKING, Dispatch
from rump.rumpuser.middleware.recording import FORM, KEY, fill, pack, pack_arguments, unpack, unpack_traits
from rump.rumpuser.pure.accelerators import Accelerators
from rump.rumpuser.pure.memory import AlignedMemory
from rump.rumpuser.pure.no_threads import FlagMutex, LonelyCondition
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn, TypeAlias

    Loader: TypeAlias = Callable[[], object]
    SystemCall: TypeAlias = Callable[[int, str, tuple[Any, ...]], tuple[int, object] | None]


class ReplayError(Exception):
    """What happens differs from the recording; or there is no recording here."""


class Replay(Accelerators, AlignedMemory, Handshake, Dispatch):
    """`lines` are those of a recording: a file opened for reading bytes, or a list."""

    def __init__(self, lines: Iterable[bytes], components: dict[str, Loader] | None = None) -> None:
        """components: how to load the drivers that others had installed when the recording was made, by name."""
        self._lines = list(lines)
        self._position = 1          # of the next line; the header is behind us
        self._driven: list[Any] | None = None
        self._loaders = components or {}
        header = self._parsed(0) if self._lines else None
        if not isinstance(header, dict) or header.get(KEY) != FORM:
            raise ReplayError("not a recording, or one of another form")
        if header["interface"] != VERSION:
            raise ReplayError(f"recorded with hypercall interface {header['interface']}, and this is {VERSION}")
        self.traits = unpack_traits(header["traits"])

    # ---- system calls ------------------------------------------------------------------------------------------------

    def syscalls(self) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        """All recorded system calls: (lwp, name, arguments)."""
        for line in range(1, len(self._lines)):
            event = self._parsed(line)
            if event[0] == "enter":
                yield event[1], event[2], unpack(event[3])

    def drive(self, call: SystemCall) -> None:
        """Make the recorded system calls through `call(lwp, name, arguments)`, up to what comes from elsewhere.

        `call` returns (errno or 0, result) to have it compared, or None where the kernel itself tells it to
        `syscall_exit`.  Errors: ReplayError.
        """
        while (event := self._upcoming()) is not None and event[0] == "enter":
            self._position += 1
            self._driven = event
            outcome = call(event[1], event[2], unpack(event[3]))
            if self._driven is not None:
                self._driven = None
                self._leave(event[1], event[2], outcome)

    def syscall_enter(self, lwp_id: int, name: str, arguments: tuple[object, ...]) -> None:
        """The kernel says that a system call begins.  Errors: ReplayError - another one was recorded."""
        made = ["enter", lwp_id, name, pack(arguments)]
        if self._driven is None:
            self._match(made, 4)
        elif self._driven != made:
            raise self._difference(self._driven, made)

    def syscall_exit(self, lwp_id: int, name: str, errno: int, result: object) -> None:
        """And has ended.  Errors: ReplayError - it ended otherwise when it was recorded."""
        self._driven = None
        self._leave(lwp_id, name, (errno, result))

    def _leave(self, lwp_id: int, name: str, outcome: tuple[int, object] | None) -> None:
        made: list[Any] = ["exit", lwp_id, name]
        if outcome is not None:
            made += [NAMES.get(outcome[0]), pack(outcome[1])]
        self._match(made, len(made))

    def finish(self) -> None:
        """Errors: ReplayError - the recording goes on, naming what comes next."""
        if (event := self._upcoming()) is not None:
            raise self._difference(event, None)

    # ---- hypercalls --------------------------------------------------------------------------------------------------

    def thread_create(self, function: Callable[[], object], name: str) -> Thread:
        raise HostError(ENOSYS, "a replay has one thread")

    def mutex_create(self) -> Mutex:
        return FlagMutex()

    def condition_create(self, mutex: Mutex) -> Condition:
        return LonelyCondition(mutex, lambda nanoseconds: None)

    def _call(self, name: str, *arguments: Any) -> Any:
        if name in BLOCKING:
            # What the kernel does meanwhile was recorded before this call came back.
            self._unschedule()
            self._schedule()
        event = self._match(["call", name, pack_arguments(name, arguments)], 3)
        if event[0] == "fail":
            raise HostError(number(event[3]))
        if name == "exit":
            raise SystemExit(arguments[0])
        if name == "components":
            return tuple((driver, self._loaders.get(driver) or _missing(driver)) for driver in event[3])
        return fill(name, arguments, event[3])

    # ---- the recording -----------------------------------------------------------------------------------------------

    def _match(self, made: list[Any], length: int) -> list[Any]:
        """The next event, if its first `length` fields are what was made; a failed call begins otherwise, too."""
        event = self._upcoming()
        if event is None:
            raise self._difference(None, made)
        kind = "call" if event[0] == "fail" else event[0]
        if [kind, *event[1:length]] != made:
            raise self._difference(event, made)
        self._position += 1
        return event

    def _upcoming(self) -> list[Any] | None:
        return self._parsed(self._position) if self._position < len(self._lines) else None

    def _parsed(self, line: int) -> Any:
        try:
            return json.loads(self._lines[line])
        except ValueError:
            raise ReplayError(f"line {line + 1} of the recording is damaged") from None

    def _difference(self, recorded: list[Any] | None, made: list[Any] | None) -> ReplayError:
        return ReplayError(
            f"line {self._position + 1}: recorded was {_shown(recorded)}, but the kernel made {_shown(made)}"
        )


def _shown(event: list[Any] | None) -> str:
    """An event for people: what it is, its name, and what decides it."""
    if event is None:
        return "nothing more"
    if event[0] in ("enter", "exit"):
        kind = "the system call" if event[0] == "enter" else "the end of the system call"
        details = event[3:] if event[0] == "exit" else event[3]
        return f"{kind} {event[2]}({', '.join([_value(value) for value in details])}) of lwp {event[1]}"
    return f"the hypercall {event[1]}({', '.join([_value(value) for value in event[2]])})"


def _value(value: Any) -> str:
    if isinstance(value, dict) and "bytes" in value:
        return repr(unpack(value))
    if isinstance(value, dict):
        return "<" + ", ".join([f"{key} {number}" for key, number in value.items()]) + ">"
    if isinstance(value, list):
        return "[" + ", ".join([_value(part) for part in value]) + "]"
    return repr(value)


def _missing(driver: str) -> Loader:
    def load() -> NoReturn:
        raise ReplayError(f"the driver {driver!r} was installed when this was recorded; hand it over as a component")

    return load
