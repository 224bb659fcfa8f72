# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.conformance [--host NAME]... [--fs NAME]... [--only TEXT] [--marshal] [--update]

Runs the suite on a host (linux, linux-pure, bare-memory) and closes with counts and a digest, which is the same on
every host; on several hosts it fails if it is not.  --only takes the bodies whose name contains a text; --update
writes the golden transcripts.
"""

from __future__ import annotations

import sys

from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import Run, run


def main(arguments: list[str]) -> int:
    """The exit status.  (No argparse: it needs an operating system.)"""
    hosts, subjects, only, flags = [], [], "", set()
    waiting = list(arguments)
    while waiting:
        option = waiting.pop(0)
        if option in ("--marshal", "--update"):
            flags.add(option)
        elif option in ("--host", "--fs", "--only") and waiting:
            value = waiting.pop(0)
            if option == "--fs":
                subjects.append(value)
            elif option == "--only":
                only = value
            else:
                hosts.append(value)
        else:
            return usage(f"unknown option {option}")
    if not set(hosts) <= set(HOSTS) or not set(subjects) <= set(SUBJECTS):
        return usage(f"hosts: {', '.join(HOSTS)}; file systems: {', '.join(SUBJECTS)}")
    names = subjects or list(SUBJECTS)
    results = {
        host: run(host, names, sys.stdout.write, pattern=only, marshal="--marshal" in flags, update="--update" in flags)
        for host in hosts or ["bare-memory"]
    }
    return summary(results)


def summary(results: dict[str, Run]) -> int:
    """The exit status; of several hosts whether they agree, and counts over all of them."""
    failed = sum(result.failed for result in results.values())
    if len(results) > 1:
        digests = {result.digest for result in results.values()}
        if len(digests) > 1:
            failed += 1
            sys.stdout.write("the hosts do not agree\n")
        passed = sum(result.passed for result in results.values())
        sys.stdout.write(f"{' and '.join(results)}: {len(digests)} digest\n{passed} passed, {failed} failed\n")
    return 1 if failed else 0


def usage(problem: str) -> int:
    sys.stderr.write(f"{problem}\n{__doc__}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
