# SPDX-License-Identifier: BSD-2-Clause
"""The contract suite under pytest, and round the middleware that must not show."""

import importlib.util

import pytest

from rump.conformance.contract import collect
from rump.conformance.contract.runner import run_body, run_contract
from rump.conformance.hosts import HOSTS
from rump.conformance.report import Report
from rump.conformance.result import closing
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.middleware.faults import Faults
from rump.rumpuser.middleware.record import Record
from rump.rumpuser.middleware.thin import Thin
from rump.rumpuser.middleware.trace import Trace

BODIES = collect()
UNDER_TEST = {
    "linux": ("linux", None),
    "linux-pure": ("linux-pure", None),
    "bare-memory": ("bare-memory", None),
    "traced": ("linux", lambda host: Trace(host, [].append, timing=True)),
    "recorded": ("linux-pure", lambda host: Record(host, [].append)),
    "faultless": ("bare-memory", Faults),
    "passed-on": ("linux", lambda host: Thin(Middleware(host))),
}


@pytest.mark.parametrize("host", UNDER_TEST)
@pytest.mark.parametrize("body", BODIES)
def test_contract(host, body):
    if host == "linux" and importlib.util.find_spec("rump.rumpuser.linux._ffi") is None:
        pytest.skip("the compiled pieces are not built: it is linux-pure")
    name, wrap = UNDER_TEST[host]
    with HOSTS[name]() as machine:
        without = run_body(machine, BODIES[body], wrap)
    if without is not None:
        assert " " not in without
        pytest.skip(f"without {without}")


@pytest.mark.parametrize("host", [name for name in HOSTS if name.startswith("simulated-")])
def test_contract_of_other_systems(host):
    """Their backends, on models of them."""
    said = []
    result = run_contract(host, Report(said.append))
    assert result.failed == 0, "".join(said)
    assert result.passed == len(BODIES)


def test_the_closing_block():
    said = []
    result = run_contract("bare-memory", Report(said.append), only=["clocks_", "console_"])
    read = closing("".join(said))
    assert (read.suite, read.selection, read.passed, read.failed) == ("contract", "some", result.passed, 0)
    assert result.passed == len([name for name in BODIES if "clocks_" in name or "console_" in name])
    assert read.digest == run_contract("linux-pure", Report(said.append), only=["clocks_", "console_"]).digest


def test_a_failure_is_told():
    class Broken(type(HOSTS["bare-memory"]())):
        def open_handles(self):
            return 1

    said = []
    result = run_contract("bare-memory", Report(said.append), only=["console_"], make=Broken)
    assert (result.passed, result.failed) == (0, 1)
    assert said[0] == "FAILED contract-bare-memory-console_any_bytes: Failed: handles left open: 1 instead of 0\n"
