# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.conformance [--host NAME]... [--fs NAME]... [--only TEXT]... [--slice] [--marshal]
                              [--tap] [--junit FILE] [--list] [--update]
                              [--contract | --faults | --crash | --record FILE | --replay FILE]

Runs the suite on a host (bare-memory, if none is named) and closes with what ran where, counts, and a digest, which is
the same on every host; on several hosts it fails if it is not.

    --fs, --only     these file systems; the bodies whose name contains a text
    --slice          a representative part, for slow hosts
    --marshal        every operation of a volume goes through marshal
    --tap, --junit   in the form of the Test Anything Protocol; as JUnit's XML, into a file
    --list           say what would run
    --update         write the golden transcripts instead of comparing them
    --contract       the hypercalls themselves, instead of the file systems
    --faults         every hypercall of the bodies fails once
    --crash          the power goes after every write of the workloads
    --record         the bodies' hypercalls and system calls go into a file
    --replay         such a file, from whatever host, is held against this one
"""

from __future__ import annotations

import sys

from rump.conformance import emulated
from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.report import Junit, Report, Tap
from rump.conformance.runner import identifier, run
from rump.conformance.selection import everything, representative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.result import Result
    from rump.conformance.selection import Cases

FLAGS = ("--slice", "--marshal", "--tap", "--list", "--update", "--contract", "--faults", "--crash")
VALUES = ("--junit", "--record", "--replay")
LISTS = ("--host", "--fs", "--only")
SUITES = ("--contract", "--faults", "--crash", "--record", "--replay")


class Options:
    """The command line.  (No argparse: it needs an operating system.)  Errors: ValueError, saying what is wrong."""

    def __init__(self, arguments: list[str]) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {name: [] for name in LISTS}
        waiting = list(arguments)
        while waiting:
            self._take(waiting.pop(0), waiting)
        if unknown := set(self.lists["--host"]) - set(HOSTS):
            raise ValueError(f"no host {', '.join(sorted(unknown))}; there are: {', '.join(HOSTS)}")
        if unknown := set(self.lists["--fs"]) - set(SUBJECTS):
            raise ValueError(f"no file system {', '.join(sorted(unknown))}; there are: {', '.join(SUBJECTS)}")
        if len(self.suites()) > 1:
            raise ValueError(f"one at a time: {', '.join(self.suites())}")
        if "--update" in self.flags and (self.suites() or self.lists["--only"] or "--slice" in self.flags):
            raise ValueError("--update is for all bodies, of all file systems or those of --fs")

    def _take(self, option: str, waiting: list[str]) -> None:
        if option in FLAGS:
            self.flags.add(option)
        elif option in (*VALUES, *LISTS) and waiting:
            value = waiting.pop(0)
            if option in VALUES:
                self.values[option] = value
            else:
                self.lists[option].append(value)
        else:
            raise ValueError(f"{option} needs a value" if option in (*VALUES, *LISTS) else f"unknown option {option}")

    @property
    def hosts(self) -> list[str]:
        return self.lists["--host"] or ["bare-memory"]

    @property
    def marshal(self) -> bool:
        return "--marshal" in self.flags

    def suites(self) -> list[str]:
        """What is to run instead of the bodies."""
        return [name for name in SUITES if name in self.flags or name in self.values]

    def selection(self) -> str:
        """What the closing block says of it."""
        if "--slice" in self.flags:
            return "slice"
        return "some" if self.lists["--fs"] or self.lists["--only"] else "all"

    def cases(self) -> Cases:
        """The bodies; of the slice those of --fs and --only."""
        chosen = everything(self.lists["--fs"], self.lists["--only"])
        if "--slice" not in self.flags:
            return chosen
        return {
            name: [case for case in cases if case in chosen[name]]
            for name, cases in representative().items() if name in chosen
        }  # fmt: skip

    def report(self) -> Report:
        """How to say it."""
        report = Tap(sys.stdout.write) if "--tap" in self.flags else Report(sys.stdout.write)
        return Junit(self.values["--junit"], report) if "--junit" in self.values else report


def main(arguments: list[str]) -> int:
    """The exit status: 0 - all passed, 1 - not, 2 - wrong arguments."""
    try:
        options = Options(arguments)
    except ValueError as problem:
        sys.stderr.write(f"{problem}\n{__doc__}")
        return 2
    if "--list" in options.flags:
        return say_cases(options)
    report = options.report()
    return summary([suite(host, options, report) for host in options.hosts])


def suite(host: str, options: Options, report: Report) -> Result:
    """What was asked for, on one host."""
    if emulated.is_elsewhere(host):
        return emulated.suite(host, options, report)
    for name in options.suites():
        module = __import__("rump.conformance.suites", fromlist=["SUITES"])
        result: Result = module.SUITES[name.removeprefix("--")](host, options, report)
        return result
    return run(
        host, options.cases(), report,
        selection=options.selection(), marshal=options.marshal, update="--update" in options.flags,
    )  # fmt: skip


def say_cases(options: Options) -> int:
    """One line for each body that would run."""
    for host in options.hosts:
        for subject, cases in options.cases().items():
            for name, _ in cases:
                sys.stdout.write(identifier(subject, host, name) + "\n")
    return 0


def summary(results: list[Result]) -> int:
    """The exit status; of several hosts whether they agree, and counts over all of them."""
    failed = sum(result.failed for result in results)
    if len(results) > 1:
        digests = {result.digest for result in results}
        if len(digests) > 1:
            failed += 1
            sys.stdout.write("the hosts do not agree\n")
        passed = sum(result.passed for result in results)
        hosts = " and ".join(result.host for result in results)
        sys.stdout.write(f"{hosts}: {len(digests)} digest\n{passed} passed, {failed} failed\n")
    return 0 if not failed and all(result.green for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
