# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.conformance.crash [--host NAME] [--workload NAME]... [--seed N] [--count N | --index I]
                                    [--no-barriers] [--save FILE]

Power loss: runs workloads on a host, and looks at what a crash may leave of their image - every prefix of the writes,
and --count states of --seed.  --index looks at one state of the seed again and tells what it is; --save writes its
image to a file.  With --no-barriers syncs are ignored, and workloads must fail.  A workload joins with a class here.
"""

from __future__ import annotations

import sys

from rump.conformance import crash_files
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS, MemoryMachine
from rump.kernel import abi, boot
from rump.rumpuser.middleware.powerloss import Lost, PowerLoss, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.drivers import Subject
    from rump.kernel.init import Kernel
    from rump.rumpuser.middleware.crash_states import State, States
    from rump.rumpuser.middleware.powerloss import Log

IMAGE = "crash.img"
DEVICE = b"/dev/crash"
SEED = 1
COUNT = 1000


class Workload:
    """Something that a kernel does to an image, and what must hold whatever a crash leaves of it.

    most    how many prefixes of its writes are worth looking at, and states of a seed; 0: all
    """

    name = ""
    most = 0

    def base(self) -> bytes:
        """The image before."""
        raise NotImplementedError

    def work(self, kernel: Kernel, log: Log) -> None:
        """Do it, to `DEVICE`; promise to the log what the kernel says is durable."""
        raise NotImplementedError

    def check(self, state: State) -> None:
        """Look at what is left.  AssertionError: something promised is not there, or all is lost."""
        raise NotImplementedError


class Synced(Workload):
    """Writes to a block device; what was written before an fsync is there after it."""

    name = "synced"
    sector = 512
    records = 24

    def base(self) -> bytes:
        return bytes(64 * self.sector)

    def work(self, kernel: Kernel, log: Log) -> None:
        fd = kernel.lwp.open(DEVICE, abi.O_RDWR)
        for number in range(1, self.records):
            kernel.lwp.pwrite(fd, bytes([number]) * 2 * self.sector, 2 * number * self.sector)
            if number % 3 == 0:
                kernel.lwp.fsync(fd)
                log.promise(number)
        kernel.lwp.close(fd)

    def check(self, state: State) -> None:
        image = state.image()
        synced = max([number for number in state.promises if isinstance(number, int)], default=0)
        for number in range(1, synced + 1):
            start = 2 * number * self.sector
            if image[start : start + 2 * self.sector] != bytes([number]) * 2 * self.sector:
                raise AssertionError(f"record {number} was synced and is not there")


class Files(Workload):
    """A script of changes to the files of a volume (`crash_files`), whatever its driver."""

    most = 40

    def __init__(self, subject: Subject, script: str) -> None:
        self.name = f"{subject.name}-{script}"
        self._subject = subject
        self._script = crash_files.SCRIPTS[script]
        self._base = b""

    def base(self) -> bytes:
        """A new volume on a device that was full of garbage."""
        if not self._base:
            with MemoryMachine() as machine:
                path = machine.put(IMAGE, bytes([crash_files.GARBAGE]) * self._subject.size)
                with boot(machine.hypercalls(), log=lambda line: None) as kernel:
                    kernel.etfs_register(DEVICE, path, read_only=False)
                    kernel.newfs(self._subject.fstype, DEVICE, self._subject.made_with or {})
                self._base = bytes(machine.get(IMAGE))
        return self._base

    def work(self, kernel: Kernel, log: Log) -> None:
        crash_files.perform(kernel, log, DEVICE, self._script, self._subject.fstype)

    def check(self, state: State) -> None:
        moments = crash_files.moments(state.promises)
        fstype, extras = self._subject.fstype, self._subject.extras
        if "journal" in extras:
            crash_files.check_tree(crash_files.recovered(state.image(), fstype=fstype)[0], moments, True)
        else:
            crash_files.check_unchecked(state.image(), moments, fstype, "numbers_are_places" not in extras)


def _workloads() -> tuple[Workload, ...]:
    """What is written to a device; every volume that can be made and written to, by each of two scripts."""
    made = [subject for subject in SUBJECTS.values() if subject.made_with is not None]
    return Synced(), *[Files(subject, script) for subject in made for script in ("names", "contents")]


WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _workloads()}


def states_of(host: str, workload: Workload, barriers: bool = True) -> States:
    """Run a workload; what a crash may have left."""
    with HOSTS[host]() as machine:
        base = workload.base()
        path = machine.put(IMAGE, base)
        power = PowerLoss(machine.hypercalls(), [path])
        with boot(power, log=lambda line: None) as kernel:
            kernel.etfs_register(DEVICE, path, read_only=False)
            workload.work(kernel, power.log(path))
        return power.log(path).states(base, barriers=barriers)


def run(host: str, workload: Workload, seed: int, count: int, barriers: bool) -> int:
    """How many states were looked at.  Errors: Lost - which one is not as it must be."""
    states = states_of(host, workload, barriers)
    prefixes = list(states.prefixes())
    if workload.most:
        prefixes = prefixes[:: max(1, len(prefixes) // workload.most)]
        count = min(count, workload.most)
    return verify(prefixes, workload.check) + verify(states.seeded(seed, count), workload.check)


def again(host: str, workload: Workload, seed: int, index: int, barriers: bool) -> State:
    """One state of a seed."""
    return states_of(host, workload, barriers).state(seed, index)


def main(arguments: list[str]) -> int:
    """The exit status: 0 - all is as it must be, 1 - not, 2 - wrong arguments."""
    options = {"--host": "bare-memory", "--seed": str(SEED), "--count": str(COUNT), "--index": "", "--save": ""}
    names, barriers = [], True
    waiting = list(arguments)
    while waiting:
        option = waiting.pop(0)
        if option == "--no-barriers":
            barriers = False
        elif option == "--workload" and waiting:
            names.append(waiting.pop(0))
        elif option in options and waiting:
            options[option] = waiting.pop(0)
        else:
            return _usage(f"unknown option {option}")
    numbers = [options[name] or "0" for name in ("--seed", "--count", "--index")]
    if not all(number.isdecimal() for number in numbers):
        return _usage("seed, count and index are numbers")
    if options["--host"] not in HOSTS or not set(names) <= set(WORKLOADS):
        return _usage(f"hosts: {', '.join(HOSTS)}; workloads: {', '.join(WORKLOADS)}")
    seed, count, index = map(int, numbers)
    results = [
        _again(options["--host"], WORKLOADS[name], seed, index, barriers, options["--save"]) if options["--index"]
        else _run(options["--host"], WORKLOADS[name], seed, count, barriers)
        for name in names or WORKLOADS
    ]  # fmt: skip
    return 0 if all(results) else 1


def _run(host: str, workload: Workload, seed: int, count: int, barriers: bool) -> bool:
    try:
        looked_at = run(host, workload, seed, count, barriers)
    except Lost as lost:
        sys.stdout.write(f"{workload.name}: FAILED: {lost}\n")
        return False
    sys.stdout.write(f"{workload.name}: {looked_at} states, all as they must be\n")
    return True


def _again(host: str, workload: Workload, seed: int, index: int, barriers: bool, save: str) -> bool:
    state = again(host, workload, seed, index, barriers)
    if save:
        with open(save, "wb") as file:
            file.write(state.image())
    try:
        verify([state], workload.check)
    except Lost as lost:
        sys.stdout.write(f"{workload.name}: FAILED: {lost}\n")
        return False
    sys.stdout.write(f"{workload.name}: as it must be: {state.describe()}\n")
    return True


def _usage(problem: str) -> int:
    sys.stderr.write(f"{problem}\n{__doc__}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
