# SPDX-License-Identifier: BSD-2-Clause
"""Bodies recorded on one host and replayed on another.

A recording is JSON Lines: for each body a header, an object with ``rump-conformance`` (the form's version), the host it
ran on, file system, body, whether through marshal, how many lines follow, and the transcript; then the lines of
`rump.rumpuser.middleware.recording`.  Host files go by the names that the suite has for them, so that it means the same
elsewhere.

In a replay the body runs again.  Each system call and hypercall must be the recorded one and is answered from the
recording; each hypercall that touches a file is made on the host here as well, and what it reads must be the same.  So
the transcript - and the image that is left - are the recorded ones, or a difference is found where it begins.
"""

from __future__ import annotations

import json

from rump.conformance.bodies import collect
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.machines.base import Machine
from rump.conformance.runner import Outcome, difference, first_difference, golden, run_body
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import BIO_WRITE, Hypercalls, Upcalls
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.replay import Replay, ReplayError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from rump.conformance.drivers import Subject
    from rump.conformance.scenario import Body

FORM = 1
KEY = "rump-conformance"
PIECE = 1 << 20


class Named(Machine):
    """Another machine, whose files go by their plain names."""

    def __init__(self, machine: Machine) -> None:
        self.how = machine.how
        self._machine = machine

    def hypercalls(self) -> Hypercalls:
        return _Paths(self._machine)

    def path(self, name: str) -> bytes:
        return name.encode()

    def put(self, name: str, data: bytes) -> bytes:
        self._machine.put(name, data)
        return self.path(name)

    def get(self, name: str) -> bytes | bytearray:
        return self._machine.get(name)

    def open_handles(self) -> int:
        return self._machine.open_handles()


class _Paths(Middleware):
    """Opens by plain names."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine.hypercalls())
        self._machine = machine

    def _call(self, name: str, *arguments: Any) -> Any:
        if name == "open":
            path, flags = arguments
            return self.host.open(self._machine.path(path.decode()), flags)
        return super()._call(name, *arguments)


class Echo(Replay):
    """A replay that also does to the files of a host what was done to those of the recording."""

    def __init__(self, lines: Iterable[bytes], host: Hypercalls) -> None:
        super().__init__(lines)
        self._host = host
        self._handles: dict[int, int] = {}

    def init(self, version: int, upcalls: Upcalls) -> None:
        super().init(version, upcalls)
        self._host.init(version, Upcalls(lambda: None, lambda: None))

    def _call(self, name: str, *arguments: Any) -> Any:
        result = super()._call(name, *arguments)
        own: Callable[..., object] | None = getattr(self, "_echo_" + name, None)
        if own is not None:
            own(result, *arguments)
        return result

    def _echo_open(self, handle: int, path: bytes, flags: int) -> None:
        self._handles[handle] = self._host.open(path, flags)

    def _echo_close(self, result: None, handle: int) -> None:
        self._host.close(self._handles.pop(handle))

    def _echo_read(self, count: int, handle: int, buffer: Any, offset: int) -> None:
        there = bytearray(count)
        self._host.read(self._handles[handle], there, offset)
        if there != memoryview(buffer).cast("B")[:count]:
            raise ReplayError(f"{count} bytes at {offset} read otherwise here")

    def _echo_write(self, count: int, handle: int, data: Any, offset: int) -> None:
        self._host.write(self._handles[handle], memoryview(data).cast("B")[:count], offset)

    def _echo_submit(self, counts: tuple[int, ...], handle: int, requests: Any) -> None:
        for count, (operation, buffer, offset) in zip(counts, requests, strict=True):
            if count >= 0:
                echo = self._echo_write if operation == BIO_WRITE else self._echo_read
                echo(count, handle, buffer, offset)

    def _echo_truncate(self, result: None, handle: int, size: int) -> None:
        self._host.truncate(self._handles[handle], size)

    def _echo_sync(self, result: None, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        self._host.sync(self._handles[handle], flags, start, length)

    def _echo_discard(self, result: None, handle: int, start: int, length: int) -> None:
        try:
            self._host.discard(self._handles[handle], start, length)
        except HostError:           # this host cannot; zeros are what it comes to
            for done in range(0, length, PIECE):
                self._host.write(self._handles[handle], bytes(min(PIECE, length - done)), start + done)

    def _echo_copy_range(self, count: int, source: int, start: int, target: int, offset: int, length: int) -> None:
        for done in range(0, count, PIECE):
            data = bytearray(min(PIECE, count - done))
            self._host.read(self._handles[source], data, start + done)
            self._host.write(self._handles[target], data, offset + done)


def record(host: str, subject: Subject, name: str, body: Body, marshal: bool = False) -> tuple[Outcome, list[bytes]]:
    """One body on a host: how it went, and its recording."""
    lines: list[bytes] = []
    with HOSTS[host]() as machine:
        outcome = run_body(
            Named(machine), subject, name, body, marshal=marshal, recorded=True,
            wrap=lambda inner: Record(inner, lines.append),
        )  # fmt: skip
    header = {
        KEY: FORM, "host": host, "subject": subject.name, "body": name, "marshal": marshal, "lines": len(lines),
        "problem": difference(outcome, golden(subject).get(name)), "transcript": outcome.lines,
    }  # fmt: skip
    return outcome, [json.dumps(header, separators=(",", ":")).encode() + b"\n", *lines]


def parts(lines: Iterable[bytes]) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """The recordings of a file: header and lines.  Errors: ReplayError."""
    waiting = iter(lines)
    for line in waiting:
        try:
            header = json.loads(line)
        except ValueError:
            raise ReplayError("not a recording of the conformance suite, or a damaged one") from None
        if not isinstance(header, dict) or header.get(KEY) != FORM:
            raise ReplayError("not a recording of the conformance suite, or one of another form")
        following = [line for _, line in zip(range(header["lines"]), waiting, strict=False)]
        if len(following) != header["lines"]:
            raise ReplayError(f"the recording of {header['body']} was cut off")
        yield header, following


def replay(host: str, header: dict[str, Any], lines: list[bytes]) -> tuple[Outcome, str | None]:
    """A recorded body on a host: how it went, and what differs from the recording (None: nothing)."""
    subject, name = SUBJECTS.get(header["subject"]), header["body"]
    body = collect().get(name)
    if subject is None or body is None:
        return Outcome(name, [], None), f"there is no {header['subject']}, or no {name}, here"
    with HOSTS[host]() as machine:
        echoes: list[Echo] = []

        def wrap(inner: Hypercalls) -> Hypercalls:
            echoes.append(Echo(lines, inner))
            return echoes[0]

        outcome = run_body(
            Named(machine), subject, name, body, marshal=header["marshal"], recorded=True, wrap=wrap
        )  # fmt: skip
    if isinstance(outcome.problem, ReplayError):
        return outcome, str(outcome.problem)
    return outcome, first_difference(outcome.lines, header["transcript"], "there") or _left(echoes[0])


def _left(echo: Echo) -> str | None:
    try:
        echo.finish()
    except ReplayError as problem:
        return str(problem)
    return None
