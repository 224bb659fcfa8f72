# SPDX-License-Identifier: BSD-2-Clause
"""What a body of the contract is given: a host that has shaken hands, files on it, and ways to say what must be."""

from __future__ import annotations

from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface import hypercalls as h

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.conformance.machines.base import Machine
    from rump.rumpuser.interface.hypercalls import Hypercalls, Mutex, Thread

    Body = Callable[["ContractScenario"], None]

MS = 10**6
SECOND = 10**9
PATIENCE = 20 * SECOND
"""How long a body waits for what must come, on the slowest of machines."""
NO_HANDLE = 99


class Failed(AssertionError):
    """The host does not keep the contract."""


class Without(Exception):
    """The host does not have what the body is about, and says so as the contract wants it."""


class VirtualCPU:
    """Behind the upcalls: counts how often the host gave it up and took it back.

    With `mutex` it is a lock that threads wait for, as in a kernel; without, taking it twice is noticed at once.
    """

    def __init__(self) -> None:
        self.held = True
        self.given_up = 0
        self.mutex: Mutex | None = None

    def schedule(self) -> None:
        if self.mutex is not None:
            self.mutex.acquire()
        elif self.held:
            raise Failed("the host takes a virtual CPU that it did not give up")
        self.held = True

    def unschedule(self) -> None:
        if not self.held:
            raise Failed("the host gives up a virtual CPU that nobody has")
        self.held = False
        self.given_up += 1
        if self.mutex is not None:
            self.mutex.release()


class Refused:
    """with t.refused(ENOENT): ... - that errno of the one space, and nothing else.  `error` is what was raised."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.numbers = numbers
        self.error = HostError(0)

    def __enter__(self) -> Refused:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        wanted = " or ".join([e.NAMES[number] for number in self.numbers])
        if error is None:
            raise Failed(f"nothing was refused, and {wanted} was due")
        if isinstance(error, Failed) or not isinstance(error, Exception):
            return False
        if type(error) is not HostError:
            raise Failed(f"{type(error).__name__} instead of a HostError ({wanted}): {error}")
        if error.errno not in self.numbers:
            raise Failed(f"{e.NAMES.get(error.errno or 0, error.errno)} instead of {wanted}")
        self.error = error
        return True


class ContractScenario:
    """One body's view of a machine.

    host      the hypercalls
    traits    what the host says of itself
    cpu       the virtual CPU
    """

    def __init__(self, machine: Machine, wrap: Callable[[Hypercalls], Hypercalls] | None = None) -> None:
        self.machine = machine
        self._wrap = wrap
        self.cpu = VirtualCPU()
        self.host = self._shake_hands(machine.contract_host(), self.cpu)
        self.traits = self.host.traits
        self._open: list[tuple[Hypercalls, int]] = []
        self._made = 0
        self._problems: list[Exception] = []

    def _shake_hands(self, host: Hypercalls, cpu: VirtualCPU) -> Hypercalls:
        if self._wrap is not None:
            host = self._wrap(host)
        host.init(VERSION, Upcalls(cpu.schedule, cpu.unschedule))
        return host

    def another(self) -> Hypercalls:
        """A second host on the same files.  Errors: Without - there is but one."""
        host = self.machine.another_host()
        if host is None:
            raise Without("another_host")
        return self._shake_hands(host, VirtualCPU())

    # ---- what must be ------------------------------------------------------------------------------------------------

    def equal(self, found: object, wanted: object, what: str = "") -> None:
        """Both are alike; `what` says of what."""
        if found != wanted:
            raise Failed(f"{what + ': ' if what else ''}{_shown(found)} instead of {_shown(wanted)}")

    def true(self, value: object, what: str) -> None:
        """It is so; `what` says what it would be if not."""
        if not value:
            raise Failed(what)

    def refused(self, *numbers: int) -> Refused:
        """The calls inside fail with one of these errnos."""
        return Refused(numbers)

    def gave_up(self, call: Callable[..., Any], *arguments: Any) -> int:
        """How often a call gives up the virtual CPU, having taken it back."""
        before = self.cpu.given_up
        try:
            call(*arguments)
        finally:
            self.true(self.cpu.held, "the call came back without the virtual CPU")
        return self.cpu.given_up - before

    def needs(self, call: str, *arguments: Any) -> None:
        """The body is about that call.  Errors: Without - the host has none, and says ENOSYS to these arguments."""
        if call in self.traits.absent:
            with self.refused(e.ENOSYS):
                getattr(self.host, call)(*arguments)
            raise Without(call)

    def without(self, capability: str) -> None:
        """The rest of the body needs what the host does not have; what it does instead has been tested."""
        raise Without(capability)

    # ---- files -------------------------------------------------------------------------------------------------------

    def path(self, name: str) -> bytes:
        """The path of a host file."""
        return self.machine.path(name)

    def open(self, name: str, flags: int, host: Hypercalls | None = None) -> int:
        """A file of the machine, closed when the body ends."""
        chosen = host or self.host
        handle = chosen.open(self.path(name), flags)
        self._open.append((chosen, handle))
        return handle

    def open_path(self, path: bytes, flags: int) -> int:
        """Whatever stands at a path, closed when the body ends."""
        handle = self.host.open(path, flags)
        self._open.append((self.host, handle))
        return handle

    def new(self, contents: bytes = b"") -> int:
        """A new file, open for reading and writing: the first is called file0, the next file1 ..."""
        handle = self.open(f"file{self._made}", h.OPEN_RDWR | h.OPEN_CREATE | h.OPEN_EXCL)
        self._made += 1
        if contents:
            self.equal(self.host.write(handle, contents, 0), len(contents), "bytes written")
        return handle

    def contents(self, handle: int) -> bytes:
        """All of a file."""
        size, _, _ = self.host.getfileinfo(handle)
        buffer = bytearray(size)
        self.equal(self.host.read(handle, buffer, 0), size, "bytes read")
        return bytes(buffer)

    def folder(self) -> bytes:
        """A folder of the host.  Errors: Without - there are none."""
        folder = self.machine.folder()
        if folder is None:
            raise Without("folders")
        return folder

    # ---- time and threads --------------------------------------------------------------------------------------------

    def now(self) -> int:
        """CLOCK_ABSMONO."""
        return self.host.clock_gettime(h.CLOCK_ABSMONO)

    def start(self, function: Callable[[], object], name: str = "body") -> Thread:
        """A thread that has the virtual CPU while it runs, and whose failure is the body's.

        Errors: Without - a host of one thread.
        """
        self.needs("thread_create", function, name)
        if self.cpu.mutex is None:
            self.cpu.mutex = self.host.mutex_create()
            self.cpu.mutex.acquire()

        def run() -> None:
            self.cpu.schedule()
            try:
                function()
            except Exception as problem:
                self._problems.append(problem)
            finally:
                self.cpu.unschedule()

        return self.host.thread_create(run, name)

    def until(self, ready: Callable[[], object], what: str) -> None:
        """Let others run until it is so."""
        end = self.now() + PATIENCE
        while not ready():
            if self._problems:
                raise self._problems[0]
            self.true(self.now() < end, f"waited in vain for {what}")
            self.host.clock_sleep(h.CLOCK_RELWALL, MS)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """What holds after each body; its files go."""
        if self._problems:
            raise self._problems[0]
        self.true(self.cpu.held, "the virtual CPU is gone")
        for host, handle in reversed(self._open):
            try:
                host.close(handle)
            except HostError:
                pass        # the body did
        left = self.machine.open_handles()
        self.equal(left, 0, "handles left open")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]}... ({len(text)} characters)"
