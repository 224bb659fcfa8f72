# SPDX-License-Identifier: BSD-2-Clause
"""python -m rump.servers.machine metal [-d DISK]... WORD ...

Runs Python on a machine with no operating system under it: the words are the interpreter's (-m MODULE, -c CODE ...),
DISK a file that it has as disk0, disk1 ...; what it prints goes to standard output, and its exit status is ours.
"""

from __future__ import annotations

import sys

from rump.servers.machine.description import MachineError, find
from rump.servers.machine.qemu import Disk, Machine


def main(arguments: list[str]) -> int:
    """The exit status."""
    name, words = (arguments or [""])[0], arguments[1:]
    disks: list[Disk] = []
    while words[:1] == ["-d"] and len(words) > 1:
        disks.append(Disk(words[1], f"file{len(disks)}"))
        del words[:2]
    if not words:
        sys.stderr.write(__doc__)
        return 2
    try:
        with Machine(find(name), words, disks=disks) as machine:
            machine.start()
            status = machine.wait()
            sys.stdout.buffer.write(machine.log())
            return status
    except MachineError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
