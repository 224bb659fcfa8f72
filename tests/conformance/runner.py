# SPDX-License-Identifier: BSD-2-Clause
"""Runs bodies without pytest, holds their transcripts to the golden ones, and makes the digest.

Needs nothing of a host but what the machine under test needs: on bare-memory it runs where there is no `os`.
"""

from __future__ import annotations

import hashlib

from rump.conformance.bodies import collect, reads, suited
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.scenario import NotHere, Scenario
from rump.kernel.init import boot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TextIO

    from rump.conformance.drivers import Subject
    from rump.conformance.hosts import Machine
    from rump.conformance.scenario import Body
    from rump.rumpuser.interface.hypercalls import Hypercalls

    Wrap = Callable[[Hypercalls], Hypercalls]

GOLDEN = "golden"


class Outcome:
    """How a body went: its transcript, and what went wrong (None: nothing)."""

    def __init__(self, name: str, lines: list[str], problem: Exception | None) -> None:
        self.name = name
        self.lines = lines
        self.problem = problem


def run_body(
    machine: Machine,
    subject: Subject,
    name: str,
    body: Body,
    *,
    marshal: bool = False,
    recorded: bool = False,
    wrap: Wrap | None = None,
) -> Outcome:
    """One body on one machine, which is used up by it.

    wrap puts middleware around the host; with `recorded` that is also told of system calls.
    """
    host = machine.hypercalls()
    if wrap is not None:
        host = wrap(host)
    lines: list[str] = []
    try:
        recorder: Any = host if recorded else None
        with boot(host, recorder=recorder, marshal=marshal, drivers=subject.drivers) as kernel:
            scenario = Scenario(kernel, machine, subject, reads(body))
            lines = scenario.writer.lines
            perform(scenario, body)
        if machine.open_handles():
            raise AssertionError(f"{machine.open_handles()} host handles were left open")
    except Exception as problem:
        return Outcome(name, lines, problem)
    return Outcome(name, lines, None)


def perform(scenario: Scenario, body: Body) -> None:
    """The body and the checks behind it."""
    try:
        body(scenario)
    except NotHere as missing:
        scenario.writer.lines.append(f"without {missing}")
    scenario.finish()


def section(outcome: Outcome) -> str:
    """A transcript as it stands in a golden file."""
    return "\n".join([f"== {outcome.name}", *outcome.lines]) + "\n\n"


def golden(subject: Subject) -> dict[str, list[str]]:
    """The checked-in transcripts of a file system."""
    folder = __file__.rpartition("/")[0]
    try:
        data: bytes = __loader__.get_data(f"{folder}/{GOLDEN}/{subject.name}.txt")  # type: ignore[name-defined]
    except OSError:
        return {}
    found: dict[str, list[str]] = {}
    for line in data.decode("ascii").splitlines():
        if line.startswith("== "):
            found[line[3:]] = []
        elif line and not line.startswith("#"):
            found[list(found)[-1]].append(line)
    return found


def difference(outcome: Outcome, wanted: list[str] | None) -> str | None:
    """What is wrong with an outcome, None if nothing is."""
    if outcome.problem is not None:
        last = f" (after: {outcome.lines[-1]})" if outcome.lines else ""
        return f"{type(outcome.problem).__name__}: {outcome.problem}{last}"
    if wanted is None:
        return "there is no golden transcript"
    for number, (found, line) in enumerate(zip(outcome.lines, wanted, strict=False), 1):
        if found != line:
            return f"line {number}:\n    golden  {line}\n    here    {found}"
    if len(outcome.lines) != len(wanted):
        return f"{len(outcome.lines)} lines, and the golden transcript has {len(wanted)}"
    return None


class Run:
    """Many bodies: counts, messages and the digest."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.passed = self.failed = 0
        self._say = say
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Over all transcripts so far, images included."""
        return self._digest.hexdigest()

    def subject(self, host: str, subject: Subject, pattern: str, marshal: bool, update: bool) -> str:
        """All bodies of a file system that match; their transcripts."""
        wanted = golden(subject)
        text = ""
        for name, body in suited(subject, collect()).items():
            if pattern not in name:
                continue
            with HOSTS[host]() as machine:
                outcome = run_body(machine, subject, name, body, marshal=marshal)
            text += section(outcome)
            problem = difference(outcome, outcome.lines if update else wanted.get(name))
            self._count(f"{subject.name}-{host}-{name}", problem)
        self._digest.update(text.encode("ascii"))
        return text

    def _count(self, name: str, problem: str | None) -> None:
        if problem is None:
            self.passed += 1
            return
        self.failed += 1
        self._say(f"FAILED {name}: {problem}\n")


def run(
    host: str,
    subjects: Iterable[str],
    say: Callable[[str], object],
    *,
    pattern: str = "",
    marshal: bool = False,
    update: bool = False,
) -> Run:
    """Bodies of some file systems on a host.  `update` writes the golden transcripts instead of comparing them."""
    result = Run(say)
    for name in subjects:
        text = result.subject(host, SUBJECTS[name], pattern, marshal, update)
        if update and not pattern:
            with _golden_file(name) as file:
                file.write("# SPDX-License-Identifier: BSD-2-Clause\n\n" + text)
    say(f"{result.passed} passed, {result.failed} failed\ndigest {result.digest}\n")
    return result


def _golden_file(name: str) -> TextIO:
    return open(f"{__file__.rpartition('/')[0]}/{GOLDEN}/{name}.txt", "w", encoding="ascii")
