# SPDX-License-Identifier: BSD-2-Clause
"""Runs the bodies of the contract on a host, each on a machine of its own."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario, Without
from rump.conformance.hosts import HOSTS
from rump.conformance.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rump.conformance.contract.scenario import Body
    from rump.conformance.machines.base import Machine
    from rump.conformance.report import Report
    from rump.rumpuser.interface.hypercalls import Hypercalls

TOPICS = (
    "handshake", "clocks", "entropy", "parameters", "console", "files", "transfer", "space", "extents", "copying",
    "sequences", "locks", "threads", "conditions", "watches", "cards", "streams", "confined", "memory", "checksums",
    "inflating", "blocking", "absences",
)  # fmt: skip


def collect() -> dict[str, Body]:
    """All bodies as "topic_name", in the order written."""
    found: dict[str, Body] = {}
    for topic in TOPICS:
        name = f"rump.conformance.contract.{topic}"
        module = __import__(name, fromlist=["*"])
        for function, value in vars(module).items():
            if callable(value) and not function.startswith("_") and value.__module__ == name:
                found[f"{topic}_{function}"] = value
    return found


def run_body(machine: Machine, body: Body, wrap: Callable[[Hypercalls], Hypercalls] | None = None) -> str | None:
    """The capability for want of which the body ended.  Errors: whatever the host did wrong.

    wrap puts something around the host.
    """
    scenario = ContractScenario(machine, wrap)
    without = None
    try:
        body(scenario)
    except Without as missing:
        without = str(missing)
    scenario.finish()
    return without


def run_contract(
    host: str, report: Report, *, only: Iterable[str] = (), make: Callable[[], Machine] | None = None
) -> Result:
    """The bodies whose name contains one of the texts of `only` (none: all) on a host of the table, or on `make()`."""
    make = make or HOSTS[host]
    texts = list(only)
    with make() as machine:
        result = Result(host, machine.how, "contract", "some" if texts else "all")
    ran = []
    for name, body in collect().items():
        if texts and not any(text in name for text in texts):
            continue
        problem, without = _outcome(make, body)
        ran.append(name)
        result.count(problem, without)
        report.case(f"contract-{host}-{name}", problem, without)
    result.digest = _digest(ran)
    report.close(result)
    return result


def _outcome(make: Callable[[], Machine], body: Body) -> tuple[str | None, str | None]:
    """(what went wrong, for want of what the body ended)"""
    try:
        with make() as machine:
            return None, run_body(machine, body)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}", None


def _digest(names: list[str]) -> str:
    """Of what ran: times differ from host to host, so there are no transcripts."""
    from hashlib import sha256

    return sha256("\n".join(names).encode("ascii")).hexdigest()
