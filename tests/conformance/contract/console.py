# SPDX-License-Identifier: BSD-2-Clause
"""console_write; nothing can be said of what people see."""

from __future__ import annotations

from rump.conformance.contract.scenario import ContractScenario


def any_bytes(t: ContractScenario) -> None:
    for data in (b"", b"rump: \xff\n", b"rump: the contract's console\n"):
        t.true(t.host.console_write(data) is None, "a result")  # type: ignore[func-returns-value]
