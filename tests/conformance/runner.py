# SPDX-License-Identifier: BSD-2-Clause
"""Runs bodies, holds their transcripts to the golden ones, and makes the digest.  Without pytest.

Needs nothing of a host but what the machine under test needs: on bare-memory it runs where there is no `os`.
"""

from __future__ import annotations

import hashlib

from rump.conformance.between import Between
from rump.conformance.bodies import collect, interleaves, reads, suited
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.result import Result
from rump.conformance.scenario import NotHere, Scenario
from rump.kernel.init import boot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TextIO

    from rump.conformance.drivers import Subject
    from rump.conformance.hosts import Machine
    from rump.conformance.remotely import Remotely
    from rump.conformance.report import Report
    from rump.conformance.scenario import Body
    from rump.conformance.selection import Cases
    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.rumpuser.interface.hypercalls import Hypercalls

    Wrap = Callable[[Hypercalls], Hypercalls]

GOLDEN = "golden"


class Outcome:
    """How a body went.

    lines     its transcript
    problem   what went wrong, None: nothing
    without   the capability for want of which it ended, None: none
    """

    def __init__(self, name: str, lines: list[str], problem: Exception | None, without: str | None = None) -> None:
        self.name = name
        self.lines = lines
        self.problem = problem
        self.without = without


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
    recorder: Any = host if recorded else None
    if interleaves(body):
        host = Between(host)
    lines: list[str] = []
    without = None
    try:
        with (
            boot(host, recorder=recorder, marshal=marshal, isolate=machine.isolate, drivers=subject.drivers) as kernel,
            _reaching(kernel, machine) as reach,
        ):
            scenario = Scenario(kernel, machine, subject, reads(body), reach)
            lines = scenario.writer.lines
            without = perform(scenario, body)
        if machine.open_handles():
            raise AssertionError(f"{machine.open_handles()} host handles were left open")
    except Exception as problem:
        return Outcome(name, lines, problem)
    return Outcome(name, lines, None, without)


class _Directly:
    """Bodies call the kernel's own lwps."""

    def __enter__(self) -> Callable[[Lwp], Lwp]:
        return lambda lwp: lwp

    def __exit__(self, *exception: object) -> None:
        pass


def _reaching(kernel: Kernel, machine: Machine) -> _Directly | Remotely:
    if not machine.remote:
        return _Directly()
    from rump.conformance.remotely import Remotely

    return Remotely(kernel, machine)


def perform(scenario: Scenario, body: Body) -> str | None:
    """The body and the checks behind it; the capability for want of which it ended."""
    without = None
    try:
        body(scenario)
    except NotHere as missing:
        without = str(missing)
        scenario.writer.lines.append(f"without {without}")
    scenario.finish()
    return without


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
    return first_difference(outcome.lines, wanted)


def first_difference(found: list[str], wanted: list[str], where: str = "golden") -> str | None:
    """The first line that differs, with both sides; one of them may have ended."""
    for number in range(max(len(found), len(wanted))):
        here, there = [lines[number] if number < len(lines) else "(no more lines)" for lines in (found, wanted)]
        if here != there or number >= min(len(found), len(wanted)):
            return f"line {number + 1}:\n    {where:7} {there}\n    here    {here}"
    return None


class Run:
    """Bodies on one host: told to a report, one by one, and added up."""

    def __init__(self, host: str, report: Report, selection: str, marshal: bool) -> None:
        with HOSTS[host]() as machine:
            self.result = Result(host, machine.how, "bodies", selection)
            self._apart = machine.isolate or machine.remote
        self.result.marshal = "yes" if marshal else "no"
        self._report = report
        self._marshal = marshal
        self._digest = hashlib.sha256()

    def subject(self, subject: Subject, bodies: Iterable[tuple[str, Body]], update: bool) -> str:
        """Bodies on one file system; their transcripts."""
        wanted = golden(subject)
        text = ""
        for name, body in bodies:
            if self._apart and interleaves(body):     # it counts hypercalls, of which there are others then
                continue
            with HOSTS[self.result.host]() as machine:
                outcome = run_body(machine, subject, name, body, marshal=self._marshal)
            text += section(outcome)
            problem = difference(outcome, outcome.lines if update else wanted.get(name))
            self.result.count(problem, outcome.without)
            self._report.case(identifier(subject.name, self.result.host, name), problem, outcome.without)
        self._digest.update(text.encode("ascii"))
        return text

    def close(self) -> Result:
        """All have run."""
        self.result.digest = self._digest.hexdigest()
        self._report.close(self.result)
        return self.result


def identifier(subject: str, host: str, body: str) -> str:
    """What a body on a file system of a host is called, everywhere."""
    return f"{subject}-{host}-{body}"


def run(
    host: str, cases: Cases, report: Report, *, selection: str = "all", marshal: bool = False, update: bool = False
) -> Result:
    """Bodies of some file systems on a host.  `update` writes the golden transcripts instead of comparing them."""
    going = Run(host, report, selection, marshal)
    for name, bodies in cases.items():
        text = going.subject(SUBJECTS[name], bodies, update)
        if update and len(bodies) == len(suited(SUBJECTS[name], collect())):
            with _golden_file(name) as file:
                file.write("# SPDX-License-Identifier: BSD-2-Clause\n\n" + text)
    return going.close()


def _golden_file(name: str) -> TextIO:
    return open(f"{__file__.rpartition('/')[0]}/{GOLDEN}/{name}.txt", "w", encoding="ascii")
