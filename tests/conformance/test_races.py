# SPDX-License-Identifier: BSD-2-Clause
"""The races of `bodies.interleaved` with threads: the second call begins at a hypercall of the first, and may wait.

What each returns and what is left must be as if one had come after the other; nothing may be lost or hang.
"""

from __future__ import annotations

import threading

import pytest

from rump.conformance.bodies import interleaved
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.scenario import MOUNT, Scenario, leaks
from rump.kernel.init import boot
from rump.rumpuser.middleware.base import BLOCKING, Middleware
from rump.rumpuser.pure.threads import Threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Condition, Hypercalls

PATIENCE = 20
MOST = 14


class Stepping(Middleware):
    """Starts a thread at the n-th hypercall of another one, and goes on when it has ended or waits."""

    def __init__(self, host: Hypercalls) -> None:
        super().__init__(host)
        self._threads = Threads()
        self._upcalls: Any = None
        self._owner = 0
        self._left = 0
        self._second: Callable[[], object] | None = None
        self._settled = threading.Event()
        self.thread: threading.Thread | None = None

    def arm(self, step: int, second: Callable[[], object]) -> None:
        self._left, self._second, self._owner = step, second, threading.get_ident()
        self._settled.clear()
        self.thread = None

    def join(self) -> bool:
        """Whether the second call was made; it has ended."""
        self._second = None
        if self.thread is None:
            return False
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the second call hangs"
        return True

    def waits(self) -> None:
        """Somebody is about to wait for a lock."""
        if threading.get_ident() != self._owner:
            self._settled.set()

    def _call(self, name: str, *arguments: Any) -> Any:
        if name == "init":
            self._upcalls = arguments[1]
            self._threads.init(*arguments)
        elif name in ("mutex_create", "condition_create"):
            made = getattr(self._threads, name)(*arguments)
            return made if name == "mutex_create" else Telling(made, self)
        elif self._second is not None and name in BLOCKING and threading.get_ident() == self._owner:
            self._left -= 1
            if not self._left:
                self._start()
        return super()._call(name, *arguments)

    def _start(self) -> None:
        second, self._second = self._second, None
        assert second is not None

        def run() -> None:
            second()
            self._settled.set()

        self.thread = threading.Thread(target=run, daemon=True)
        self._upcalls.unschedule()
        try:
            self.thread.start()
            assert self._settled.wait(PATIENCE)
        finally:
            self._upcalls.schedule()


class Telling:
    """A condition variable that says when somebody waits."""

    def __init__(self, condition: Condition, stepping: Stepping) -> None:
        self._condition = condition
        self._stepping = stepping

    def wait(self, timeout: int | None) -> bool:
        self._stepping.waits()
        return self._condition.wait(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._condition, name)


RACES = [
    name for name in vars(interleaved) if "_and_" in name and not name.startswith(("_", "two_", "read", "write"))
] + ["renames_to_one_name", "renames_below_one_another", "renames_across", "read_and_write", "write_and_unlink"]


def two_steps(name: str) -> tuple[Any, ...]:
    """prepare, first, second of a race: what its body hands to `_race`."""
    if name == "renames_across":
        # No directory is locked by both, and yet one of them must fail.
        return (
            lambda t: [t.lwp.mkdir(path, 0o755) for path in (b"p", b"q", b"p/a", b"q/b", b"p/a/x", b"q/b/y")],
            lambda who: who.rename(b"p/a", b"q/b/y/a"), lambda who: who.rename(b"q/b", b"p/a/x/b"),
        )  # fmt: skip
    found: list[tuple[Any, ...]] = []
    real = interleaved._race
    interleaved._race = lambda t, *steps: found.append(steps)
    try:
        getattr(interleaved, name)(_Asked())
    finally:
        interleaved._race = real
    return found[0]


def _fails(results: list[object]) -> list[object]:
    """Which errno it is may depend on how far a path had been looked up."""
    return ["an error" if isinstance(result, str) else result for result in results]


class _Asked:
    """What a body asks of its scenario before the race."""

    def __getattr__(self, name: str) -> Any:
        return self if name == "f_bfree" else lambda *arguments: self

    def __le__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("subject", ["ext4-written", "ext2-written", "fat12-written", "exfat-written"])
@pytest.mark.parametrize("name", RACES)
def test_race(subject: str, name: str) -> None:
    """At every step."""
    prepare, first, second = two_steps(name)
    if name == "link_and_unlink" and not subject.startswith("ext"):
        pytest.skip("no hard links")
    with HOSTS["linux"]() as machine:
        stepping = Stepping(machine.hypercalls())
        with boot(stepping, log=lambda line: None) as kernel:
            t = Scenario(kernel, machine, SUBJECTS[subject], False)
            other = t.newlwp()
            ends = []
            for number, order in enumerate((0, 1)):
                interleaved._fresh(t, number, prepare)
                results: list[object] = [None, None]
                for turn in (order, 1 - order):
                    results[turn] = interleaved._result((t, other)[turn], (first, second)[turn])
                ends.append((_fails(results), interleaved._state(t, b"/mnt/%d" % number)))
            for step in range(1, MOST):
                interleaved._fresh(t, step + 1, prepare)
                results = [None, None]
                stepping.arm(step, interleaved._into(results, other, second))
                results[0] = interleaved._result(t, first)
                if not stepping.join():
                    break
                found = (_fails(results), interleaved._state(t, b"/mnt/%d" % (step + 1)))
                assert found in ends, f"at hypercall {step}"
            t.lwp.chdir(b"/")
            assert leaks(kernel) == []
            t.lwp.unmount(MOUNT)
