# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.conformance [--host NAME] [--fs NAME]... [--only TEXT] [--marshal] [--update]

Runs the suite on a host (linux, linux-pure, bare-memory) and closes with counts and a digest, which is the same on
every host.  --only takes the bodies whose name contains a text; --update writes the golden transcripts.
"""

from __future__ import annotations

import sys

from rump.conformance.drivers import SUBJECTS
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import run


def main(arguments: list[str]) -> int:
    """The exit status.  (No argparse: it needs an operating system.)"""
    host, subjects, only, flags = "bare-memory", [], "", set()
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
                host = value
        else:
            return usage(f"unknown option {option}")
    if host not in HOSTS or not set(subjects) <= set(SUBJECTS):
        return usage(f"hosts: {', '.join(HOSTS)}; file systems: {', '.join(SUBJECTS)}")
    names = subjects or list(SUBJECTS)
    result = run(
        host, names, sys.stdout.write, pattern=only, marshal="--marshal" in flags, update="--update" in flags
    )
    return 1 if result.failed else 0


def usage(problem: str) -> int:
    sys.stderr.write(f"{problem}\n{__doc__}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
