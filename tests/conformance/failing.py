# SPDX-License-Identifier: BSD-2-Clause
"""Fails every hypercall of a body once: the kernel reports an error, loses nothing, and can be halted."""

from __future__ import annotations

from rump.conformance.between import Between
from rump.conformance.bodies import interleaves, reads
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import perform
from rump.conformance.scenario import Failed, Scenario, leaks
from rump.kernel.init import boot
from rump.kernel.lwps import Lwp
from rump.rumpuser.middleware.faults import Faults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.drivers import Subject
    from rump.conformance.hosts import Machine
    from rump.conformance.scenario import Body
    from rump.kernel.init import Kernel


def fail_every_call(host: str, subject: Subject, body: Body) -> int:
    """How many calls were failed.  Raises what is neither an OSError nor a body's disappointment; Failed for leaks."""
    nth = 0
    fired = True
    while fired:
        nth += 1
        with HOSTS[host]() as machine:
            faults = Faults(machine.hypercalls(), nth=nth)
            _run(machine, faults, subject, body)
            fired = faults.fired
            # A close that is failed before it reaches the host leaves the handle there, and only that.
            if machine.open_handles() > (1 if fired else 0):
                raise Failed(f"call {nth}: {machine.open_handles()} handles left open")
    return nth - 1


def _run(machine: Machine, faults: Faults, subject: Subject, body: Body) -> None:
    host = Between(faults) if interleaves(body) else faults
    kernel = boot(host, drivers=subject.drivers, log=lambda line: None)
    scenario = None
    try:
        scenario = Scenario(kernel, machine, subject, reads(body))
        perform(scenario, body)
    except (OSError, Failed):
        if not faults.fired:
            raise
        if scenario is not None:
            scenario.give_back()
        _check(kernel)
    try:
        kernel.halt()
    except OSError:
        if not faults.fired:
            raise
    if list(kernel.mounts):
        raise Failed("something is still mounted")


def _check(kernel: Kernel) -> None:
    """After a failure: all references add up, and the kernel still works."""
    for process in list(kernel.processes.values()):
        if process is not kernel.lwp.process:
            kernel.exit(Lwp(kernel, 0, process))
    for problem in leaks(kernel):
        raise Failed(problem)
    kernel.lwp.stat(b"/dev/null")
