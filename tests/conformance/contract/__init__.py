# SPDX-License-Identifier: BSD-2-Clause
"""The contract of the hypercalls as a suite: what `rump.rumpuser.interface.hypercalls` says, held against a host.

A *body* is a function of one argument, a `ContractScenario`; it names no host, asks for capabilities, and tests a
missing one for the refusal that the contract has for it.  Bodies need nothing but the suite and the interface, so they
run wherever Python does.

    scenario     what a body is given
    runner       `run_contract`; ``python -m rump.conformance --contract --host linux``

Every other module holds bodies, a group of calls each.
"""

from __future__ import annotations

from rump.conformance.contract.runner import collect, run_contract

__all__ = ["collect", "run_contract"]
