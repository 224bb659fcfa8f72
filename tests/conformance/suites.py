# SPDX-License-Identifier: BSD-2-Clause
"""What can run instead of the bodies: the hypercalls' contract, faults, power loss, recordings.

Each takes a host's name, the options of the command line and a report, and closes the report.
"""

from __future__ import annotations

import hashlib

from rump.conformance.hosts import HOSTS
from rump.conformance.result import Result
from rump.conformance.runner import identifier, section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.conformance.__main__ import Options
    from rump.conformance.drivers import Subject
    from rump.conformance.report import Report
    from rump.conformance.scenario import Body

FAULTS_STEP = 48
"""Every so many-th body has its hypercalls failed, unless others are chosen."""


class _Going:
    """Adds up."""

    def __init__(self, host: str, suite: str, options: Options, report: Report) -> None:
        with HOSTS[host]() as machine:
            self.result = Result(host, machine.how, suite, options.selection())
        self.result.marshal = "yes" if options.marshal else "no"
        self._report = report
        self._digest = hashlib.sha256()

    def case(self, name: str, problem: str | None, text: str, without: str | None = None) -> None:
        """One more; `text` goes into the digest."""
        self._digest.update(text.encode("ascii", "backslashreplace"))
        self.result.count(problem, without)
        self._report.case(name, problem, without)

    def close(self) -> Result:
        """All have run."""
        self.result.digest = self._digest.hexdigest()
        self._report.close(self.result)
        return self.result


def contract(host: str, options: Options, report: Report) -> Result:
    """What the hypercalls promise, held against the host."""
    from rump.conformance.contract import run_contract

    return run_contract(host, report, only=options.lists["--only"])


def faults(host: str, options: Options, report: Report) -> Result:
    """Every hypercall of a body fails once: an error comes out, nothing leaks, and the kernel can be halted."""
    from rump.conformance.failing import fail_every_call

    going = _Going(host, "faults", options, report)
    for subject, name, body in _failing(options):
        problem, count = None, 0
        try:
            count = fail_every_call(host, subject, body)
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        going.case(identifier(subject.name, host, name), problem, f"{subject.name} {name} {count}\n")
    return going.close()


def _failing(options: Options) -> Iterator[tuple[Subject, str, Body]]:
    from rump.conformance.drivers import SUBJECTS
    from rump.conformance.selection import representative

    cases = representative(FAULTS_STEP) if options.selection() == "all" else options.cases()
    for name, bodies in cases.items():
        for body_name, body in bodies:
            yield SUBJECTS[name], body_name, body


def crash(host: str, options: Options, report: Report) -> Result:
    """The power goes after each write of a workload, and at moments of a seed."""
    from rump.conformance import crash as power
    from rump.rumpuser.middleware.powerloss import Lost

    going = _Going(host, "crash", options, report)
    for name, workload in power.WORKLOADS.items():
        if options.lists["--fs"] and not any(name.startswith(chosen + "-") for chosen in options.lists["--fs"]):
            continue
        if options.lists["--only"] and not any(part in name for part in options.lists["--only"]):
            continue
        problem, looked_at = None, 0
        try:
            looked_at = power.run(host, workload, power.SEED, power.COUNT, True)
        except Lost as lost:
            problem = str(lost)
        going.case(f"crash-{host}-{name}", problem, f"{name} {looked_at}\n")
    return going.close()


def record(host: str, options: Options, report: Report) -> Result:
    """The bodies run, and everything that comes into the kernel goes into a file."""
    from rump.conformance.drivers import SUBJECTS
    from rump.conformance.recordings import record as record_body
    from rump.conformance.runner import difference, golden

    going = _Going(host, "bodies", options, report)
    with open(options.values["--record"], "wb") as file:
        for subject, cases in options.cases().items():
            wanted = golden(SUBJECTS[subject])
            for name, body in cases:
                outcome, lines = record_body(host, SUBJECTS[subject], name, body, options.marshal)
                file.writelines(lines)
                problem = difference(outcome, wanted.get(name))
                going.case(identifier(subject, host, name), problem, section(outcome), outcome.without)
    return going.close()


def replay(host: str, options: Options, report: Report) -> Result:
    """Recorded bodies run again, answered from the recording and held against this host."""
    from rump.conformance.recordings import parts
    from rump.conformance.recordings import replay as replay_body
    from rump.rumpuser.middleware.replay import ReplayError

    going = _Going(host, "replay", options, report)
    with open(options.values["--replay"], "rb") as file:
        try:
            for header, lines in parts(file):
                outcome, problem = replay_body(host, header, lines)
                name = identifier(header["subject"], host, outcome.name)
                going.case(name, problem, section(outcome), outcome.without)
        except ReplayError as damaged:
            going.case(options.values["--replay"], str(damaged), "")
    return going.close()


SUITES: dict[str, Callable[[str, Options, Report], Result]] = {
    "contract": contract, "faults": faults, "crash": crash, "record": record, "replay": replay,
}  # fmt: skip
