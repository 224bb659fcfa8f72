# SPDX-License-Identifier: BSD-2-Clause
"""What a host lacks is a value: equal to what it does, and to what the documentation says."""

import inspect
import os
import re

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import Hypercalls
from rump.rumpuser.interface.errno import ENOSYS
from rump.rumpuser.interface.hypercalls import CALLS, Condition, Mutex
from rump.rumpuser.middleware.base import BLOCKING, FILES, PRIVATE, Dispatch
from rump.rumpuser.middleware.faults import ANY
from rump.rumpuser.middleware.trace import _ARGUMENTS, _RESULTS

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "hypercalls.md")


def _overridden(host):
    return {name for name in CALLS if getattr(type(host), name) is not getattr(Hypercalls, name)}


def _parameters(signature):
    return [(name, parameter.default) for name, parameter in signature.parameters.items() if name != "self"]


def test_absent_calls(host):
    if isinstance(host, Dispatch):
        pytest.skip("middleware has all calls, and its host's absences")
    assert set(host.traits.absent) == set(CALLS) - _overridden(host)


def test_absent_calls_raise_enosys(host, refused):
    for name in host.traits.absent:
        count = len(inspect.signature(getattr(Hypercalls, name)).parameters) - 1
        with refused(ENOSYS):
            getattr(host, name)(*[0] * count)


def test_the_contract_itself_has_nothing(refused):
    for name in CALLS:
        count = len(inspect.signature(getattr(Hypercalls, name)).parameters) - 1
        with refused(ENOSYS):
            getattr(Hypercalls(), name)(*[0] * count)
    for call in (Mutex().acquire, Mutex().release, Condition().signal, Condition().broadcast):
        with refused(ENOSYS):
            call()
    with refused(ENOSYS):
        Condition().wait(0)


def test_signatures_are_the_contract_s(host):
    for name in set(CALLS) - set(host.traits.absent):
        call = inspect.unwrap(getattr(type(host), name))
        made, declared = inspect.signature(call), inspect.signature(getattr(Hypercalls, name))
        assert _parameters(made) == _parameters(declared), name


def test_every_call_is_in_one_group():
    assert set(BLOCKING) | set(PRIVATE) <= set(CALLS)
    assert set(_ARGUMENTS) == set(CALLS) - set(PRIVATE) | {"init"}
    assert set(_RESULTS) < set(_ARGUMENTS)
    assert set(FILES) < set(ANY) < set(CALLS)


def _documented():
    """The table "Absent calls": backend -> names."""
    with open(PAGE, encoding="utf-8") as page:
        section = page.read().split("## Absent calls")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", section, re.MULTILINE)
    return {name: tuple(re.findall(r"`(\w+)`", cell)) for name, cell in rows}


def test_absences_are_documented():
    linux = pytest.importorskip("rump.rumpuser.linux").Linux()
    hosts = {host.traits.name: host.traits.absent for host in (linux, Bare(Memory()))}
    assert _documented() == hosts


def test_every_call_is_documented():
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    missing = [name for name in (*CALLS, "Mutex.acquire", "Condition.wait") if f"`{name}`" not in text]
    assert missing == []
