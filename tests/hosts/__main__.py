# SPDX-License-Identifier: BSD-2-Clause
"""python tests/hosts [--all] [--record] HOST ...

Runs the conformance suite and the contract suite on another host than this one, and holds what comes out to what
comes out here.  HOST is one of the names that --list prints, or ssh:USER@MACHINE.  --all runs everything instead of the
slice.  --record writes how it went to tests/hosts/records; `python tests/hosts --page` prints HOSTS.md from these.
`python tests/hosts --abi < LOG` records what tests/abi printed.

What has to be made for a host - a Debian root, a Python - is kept in $RUMP_CACHE, else in ~/.cache/rumpkernel.
"""

from __future__ import annotations

import functools
import sys

import records
from running import Failure, Here, Host, run_suite


def host(name: str) -> Host:
    """The host of that name.  Errors: Failure - there is none."""
    if name.startswith("ssh:"):
        from remote import Remote

        return Remote(name.removeprefix("ssh:"))
    from table import HOSTS

    if name not in HOSTS:
        raise Failure(f"{name}: no such host; there are {', '.join(HOSTS)}, and ssh:USER@MACHINE")
    return HOSTS[name]()


def main(words: list[str]) -> int:
    """The exit status."""
    from table import HOSTS

    if "--list" in words:
        print("\n".join(HOSTS))
        return 0
    if "--page" in words:
        print(records.page(), end="")
        return 0
    if "--abi" in words:
        records.write_abi(sys.stdin.read())
        return 0
    names = [word for word in words if not word.startswith("--")]
    if not names or set(words) - set(names) - {"--all", "--record"}:
        print(__doc__, file=sys.stderr)
        return 2
    selection = [] if "--all" in words else ["--slice"]
    status = 0
    for name in names:
        status = max(status, one(name, selection, "--record" in words))
    return status


def one(name: str, selection: list[str], record: bool) -> int:
    """One host, from making it to its record; 0 if it is green."""
    try:
        there = host(name)
        there.prepare()
        found = [run_suite(there, arguments) for arguments in (selection, ["--contract"])]
        for result in found:
            if not result.green:
                raise Failure(f"{result.failed} of {result.suite} failed")
        if found[0].digest != digest_here(*selection):
            raise Failure(f"the digest is {found[0].digest}, and here it is {digest_here(*selection)}")
    except Failure as failure:
        print(f"{name}: FAILED: {failure}")
        return 1
    if record:
        records.write(name, there, found)
    bodies, contract = found
    print(f"{name}: OK: {bodies.passed} bodies, {contract.passed} of the contract, {bodies.byteorder} endian, "
          f"{bodies.pointers} bits, digest {bodies.digest[:16]}, the same as here")  # fmt: skip
    return 0


@functools.cache
def digest_here(*selection: str) -> str:
    """What all are held to: this host's digest of the same selection."""
    return run_suite(Here(), list(selection)).digest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
