# SPDX-License-Identifier: BSD-2-Clause
"""What a host lacks is a value: equal to what it does, and to what the documentation says."""

import inspect
import os
import re

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.adopt import Adopts
from rump.rumpuser.bare.discard import Discards
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.bare.nic import NetworkCards
from rump.rumpuser.bare.threads import Threaded
from rump.rumpuser.host import BACKENDS
from rump.rumpuser.interface import Hypercalls
from rump.rumpuser.interface.errno import ENOSYS
from rump.rumpuser.interface.hypercalls import CALLS, Condition, Mutex, Thread
from rump.rumpuser.middleware.base import BLOCKING, CARDS, CONFINED, FILES, PRIVATE, STREAMS, WATCHES, Dispatch
from rump.rumpuser.middleware.faults import ANY
from rump.rumpuser.middleware.trace import _ARGUMENTS, _RESULTS

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "hypercalls.md")


class Machine(Adopts, Discards, NetworkCards, Threaded):
    """What the hosts without an operating system are composed of; themselves they can only be made where they run."""


def _made(module, kind):
    pytest.importorskip("fcntl")
    return getattr(__import__(f"rump.rumpuser.{module}", fromlist=[kind]), kind)()


ELSEWHERE = {"bare-metal": Machine, "bare-xen": Machine}
HOSTS = {
    "bare-memory": lambda: Bare(Memory()),
    **{name: lambda kind=kind: kind(Memory()) for name, kind in ELSEWHERE.items()},
    **{
        module: lambda module=module, kind=kind: _made(module, kind)
        for module, kind in BACKENDS.values() if not module.startswith("bare.")
    },
}  # fmt: skip


@pytest.fixture(params=HOSTS)
def named(request):
    """(name, host)"""
    return request.param, HOSTS[request.param]()


def _parameters(signature):
    return [(name, parameter.default) for name, parameter in signature.parameters.items() if name != "self"]


def _arguments(name):
    return [0] * (len(inspect.signature(getattr(Hypercalls, name)).parameters) - 1)


def test_absent_calls(named):
    name, host = named
    if name not in ELSEWHERE:
        assert host.traits.name == name
    overridden = {call for call in CALLS if getattr(type(host), call) is not getattr(Hypercalls, call)}
    assert set(host.traits.absent) == set(CALLS) - overridden
    assert host.traits.threads == ("thread_create" in overridden)


def test_absent_calls_raise_enosys(named, refused):
    _, host = named
    for call in host.traits.absent:
        with refused(ENOSYS):
            getattr(host, call)(*_arguments(call))


def test_signatures_are_the_contract_s(named):
    _, host = named
    for name in set(CALLS) - set(host.traits.absent):
        call = inspect.unwrap(getattr(type(host), name))
        made, declared = inspect.signature(call), inspect.signature(getattr(Hypercalls, name))
        assert _parameters(made) == _parameters(declared), name


def test_middleware_has_all_calls():
    for name in CALLS:
        made, declared = inspect.signature(getattr(Dispatch, name)), inspect.signature(getattr(Hypercalls, name))
        assert getattr(Dispatch, name) is not getattr(Hypercalls, name)
        assert _parameters(made) == _parameters(declared), name


def test_the_contract_itself_has_nothing(refused):
    for name in CALLS:
        with refused(ENOSYS):
            getattr(Hypercalls(), name)(*_arguments(name))
    for call in (Mutex().acquire, Mutex().release, Condition().signal, Condition().broadcast, Thread().join):
        with refused(ENOSYS):
            call()
    with refused(ENOSYS):
        Condition().wait(0)


def test_every_call_is_in_one_group():
    assert set(BLOCKING) | set(PRIVATE) <= set(CALLS)
    assert set(_ARGUMENTS) == set(CALLS) - set(PRIVATE) | {"init"}
    assert set(_RESULTS) < set(_ARGUMENTS)
    assert {*FILES, *WATCHES, *CARDS, *STREAMS, *CONFINED} < set(ANY) < set(CALLS)


def test_absences_are_documented(named):
    name, host = named
    with open(PAGE, encoding="utf-8") as page:
        section = page.read().split("## Absent calls")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", section, re.MULTILINE))
    assert set(rows) == set(HOSTS)
    assert tuple(re.findall(r"`(\w+)`", rows[name])) == host.traits.absent


def test_every_call_is_documented():
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    names = (*CALLS, "Mutex.acquire", "Condition.wait", "Thread.join")
    assert [name for name in names if f"`{name}`" not in text] == []
