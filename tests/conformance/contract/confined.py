# SPDX-License-Identifier: BSD-2-Clause
"""spawn_confined, confined_end."""

from __future__ import annotations

from rump.conformance.contract.scenario import NO_HANDLE, PATIENCE, ContractScenario
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import OPEN_RDONLY

_ENTRIES = "rump.conformance.machines.confined_entries"
_MEMORY = 256 << 20
_LONG = 30 * PATIENCE
"""Nanoseconds that an interpreter may take to start on a busy machine."""


def _start(t: ContractScenario, entry: str, handles: tuple[int, ...] = (), seconds: int = 0) -> tuple[int, int]:
    arguments = f"{_ENTRIES}:{entry}", (_ENTRIES,), handles, _MEMORY, seconds
    t.needs("spawn_confined", *arguments)
    return t.host.spawn_confined(*arguments)


def _all(t: ContractScenario, stream: int) -> bytes:
    """What a process says until it ends."""
    said = b""
    while True:
        try:
            piece = t.host.stream_receive(stream, 1 << 16, _LONG)
        except HostError as error:
            if error.errno == e.ECONNRESET:
                return said
            raise
        if not piece:
            return said
        said += piece


def _said(t: ContractScenario, entry: str, handles: tuple[int, ...] = ()) -> bytes:
    """What an entry says, which then ends by itself."""
    process, stream = _start(t, entry, handles)
    said = _all(t, stream)
    t.host.stream_close(stream)
    t.host.confined_end(process)
    return said


def it_hears_and_speaks(t: ContractScenario) -> None:
    process, stream = _start(t, "echo")
    for data in (b"hello", *[bytes(range(256)) * 16] * 100):
        t.host.stream_send(stream, data)
        heard = b""
        while len(heard) < len(data):
            heard += t.host.stream_receive(stream, len(data), _LONG)
        t.equal(heard, data)
    t.host.stream_close(stream)
    t.host.confined_end(process)


def it_reads_the_files_it_is_given(t: ContractScenario) -> None:
    t.needs("spawn_confined", f"{_ENTRIES}:read", (), (), _MEMORY, 0)
    t.new(b"first file")
    t.new(b"the second")
    handles = tuple([t.open(name, OPEN_RDONLY) for name in ("file1", "file0")])
    t.equal(_said(t, "read", handles), b"the second|first file|")


def it_cannot_be_given_what_can_be_written(t: ContractScenario) -> None:
    t.needs("spawn_confined", f"{_ENTRIES}:echo", (), (), _MEMORY, 0)
    with t.refused(e.EINVAL):
        _start(t, "echo", (t.new(),))
    with t.refused(e.EBADF):
        _start(t, "echo", (NO_HANDLE,))


def it_reaches_nothing_else(t: ContractScenario) -> None:
    """What each name in `Traits.confines` promises, tried in a process that says it is so bound."""
    said = dict(line.split("=") for line in _said(t, "trespass").decode().split())
    confines = said.pop("confines").split(",")
    t.true(set(confines) <= {"", *t.traits.confines}, f"bound by {confines}")
    if "landlock" in confines or "seccomp" in confines:
        t.equal(said["open"], "refused", "opening a file")
    if "seccomp" in confines:
        t.equal({name for name, result in said.items() if result != "refused"}, {"memory"}, "what was not refused")
    if "limits" in confines:
        t.equal(said["memory"], "memory", "taking too much memory")


def it_ends_with_what_it_was_to_do(t: ContractScenario) -> None:
    process, stream = _start(t, "nothing")
    t.equal(_all(t, stream), b"")
    t.host.stream_close(stream)
    t.true(t.host.confined_end(process) in (0, -9), "its status")
    with t.refused(e.EBADF):
        t.host.confined_end(process)


def what_fails_ends_it(t: ContractScenario) -> None:
    for entry in ("fail", "no_such_entry"):
        t.equal(_said(t, entry), b"", entry)


def it_is_ended_at_any_time(t: ContractScenario) -> None:
    process, stream = _start(t, "hang")
    t.equal(t.host.stream_receive(stream, 1, _LONG), b"h")
    with t.refused(e.ETIMEDOUT):
        t.host.stream_receive(stream, 1, 0)
    t.equal(t.host.confined_end(process), -9, "its status")
    t.equal(_all(t, stream), b"")
    t.host.stream_close(stream)


def two_are_numbered_apart(t: ContractScenario) -> None:
    first = _start(t, "echo")
    second = _start(t, "echo")
    t.true(first[0] != second[0] and first[1] != second[1], "numbers in use twice")
    for process, stream in (first, second):
        t.host.stream_close(stream)
        t.host.confined_end(process)
    third = _start(t, "echo")
    t.equal(third, first, "the lowest free numbers")
    t.host.stream_close(third[1])
    t.host.confined_end(third[0])


def arguments_that_make_no_sense(t: ContractScenario) -> None:
    t.needs("spawn_confined", "", (), (), 0, 0)
    for entry, memory, seconds in (
        ("", 1, 0), ("module", 1, 0), (":function", 1, 0), ("module:function", 0, 0), ("module:function", 1, -1),
    ):  # fmt: skip
        with t.refused(e.EINVAL):
            t.host.spawn_confined(entry, (), (), memory, seconds)
    with t.refused(e.EBADF):
        t.host.confined_end(NO_HANDLE)


def it_gives_up_the_virtual_cpu(t: ContractScenario) -> None:
    before = t.cpu.given_up
    process, stream = _start(t, "nothing")
    t.true(t.cpu.given_up > before, "the virtual CPU was kept")
    t.host.stream_close(stream)
    t.true(t.gave_up(t.host.confined_end, process) >= 1, "the virtual CPU was kept")
