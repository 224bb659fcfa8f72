# SPDX-License-Identifier: BSD-2-Clause
"""Backends on models of their systems: the suites give what they give on Linux, and the models are not toothless."""

from __future__ import annotations

import pytest

from rump.conformance.contract import collect
from rump.conformance.contract.runner import run_body
from rump.conformance.hosts import HOSTS
from rump.conformance.machines.base import SIMULATED
from rump.conformance.machines.simulated import Simulated
from rump.conformance.models import CLASSES
from rump.conformance.report import Report
from rump.conformance.runner import run
from rump.conformance.selection import representative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BODIES = collect()


def _slice(host: str, say: Callable[[str], object] = lambda line: None) -> tuple[int, str]:
    result = run(host, representative(), Report(say), selection="slice")
    assert result.passed > 200
    return result.failed, result.digest


@pytest.fixture(scope="module")
def digest() -> str:
    """Linux's."""
    failed, found = _slice("linux-pure")
    assert failed == 0
    return found


@pytest.mark.parametrize("system", CLASSES)
def test_transcripts_are_those_of_linux(system: str, digest: str) -> None:
    said: list[str] = []
    assert _slice(f"simulated-{system}", said.append) == (0, digest), said[:3]


@pytest.mark.parametrize("system", ["netbsd", "freebsd", "hurd"])
def test_images_as_disks(system: str, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block and character devices, whose sizes come by ioctl or stat."""
    monkeypatch.setitem(HOSTS, "simulated-disks", lambda: Simulated(system, disks=True))
    said: list[str] = []
    assert _slice("simulated-disks", said.append) == (0, digest), said[:3]


def _contract(make: Callable[[], Simulated], topics: set[str] | None = None) -> dict[str, str]:
    """Which bodies of the contract fail, and how."""
    problems = {}
    for name, body in BODIES.items():
        if topics is not None and name.partition("_")[0] not in topics:
            continue
        try:
            with make() as machine:
                run_body(machine, body)
        except Exception as problem:
            problems[name] = str(problem)
    return problems


@pytest.mark.parametrize("system", CLASSES)
def test_contract(system: str) -> None:
    assert _contract(lambda: Simulated(system)) == {}


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_contract_without_compiled_pieces(system: str) -> None:
    assert _contract(lambda: Simulated(system, compiled=False)) == {}


def test_a_machine_says_that_it_is_simulated() -> None:
    for system in CLASSES:
        with HOSTS[f"simulated-{system}"]() as machine:
            assert machine.how == SIMULATED


# ---- a model that bites: without its translation a backend fails -----------------------------------------------------


def _broken(system: str, topics: set[str], break_it: Callable[[Any], object]) -> set[str]:
    """Those topics of the contract that fail on a backend that was tampered with."""

    def make() -> Simulated:
        machine = Simulated(system)
        break_it(machine.simulation.world)
        return machine

    return {name.partition("_")[0] for name in _contract(make, topics)}


def _set(module: str, path: str, value: Any) -> Callable[[Any], object]:
    def break_it(world: Any) -> None:
        target = world.load(f"rump.rumpuser.{module}")
        *outer, last = path.split(".")
        for name in outer:
            target = getattr(target, name)
        setattr(target, last, value)

    return break_it


def _as_on_linux(number: int) -> int:
    """No translation: the host's number taken for the one space's."""
    return number


@pytest.mark.parametrize(
    ("system", "module", "path", "value", "topics"),
    [
        ("hurd", "posix.errors", "errno_of", _as_on_linux, {"files", "transfer"}),
        ("netbsd", "posix.errors", "_translation", dict, {"files", "transfer"}),
        ("macos", "macos.disk", "Disk._flock", None, {"locks"}),
        ("macos", "macos.disk", "Disk._lock_commands", (37, 36), {"locks"}),
        ("solaris", "posix.files", "_ALWAYS", 0o2000000, {"files", "transfer"}),
        ("solaris", "solaris.abi", "F_FREESP", 8, {"space"}),
        ("macos", "macos.abi", "F_PUNCHHOLE", 98, {"space"}),
        ("cygwin", "posix.files", "_ALWAYS", 0x40000 | 0x8000, {"files", "transfer"}),
    ],
)
def test_a_model_notices(system: str, module: str, path: str, value: object, topics: set[str]) -> None:
    assert _broken(system, topics, _set(module, path, value)) == topics


def test_a_model_notices_locks_of_the_process() -> None:
    """Linux's layout of struct flock, and locks that handles of one process do not keep from one another."""
    from rump.rumpuser.posix.locks import FLOCK

    for system in ("netbsd", "dragonfly", "freebsd", "openbsd"):
        assert _broken(system, {"locks"}, _set(f"{system}.disk", "Disk._flock", FLOCK))
    way = "LockedFile.in_the_way"
    assert _broken("netbsd", {"locks"}, _set("posix.process_locks", way, lambda *arguments: False))
