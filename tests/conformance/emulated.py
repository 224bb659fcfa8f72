# SPDX-License-Identifier: BSD-2-Clause
"""Hosts that are machines of their own: the suite runs there, on an emulated one, and its log is read here."""

from __future__ import annotations

import sys

from rump.conformance.result import Result, closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.conformance.__main__ import Options
    from rump.conformance.report import Report

HOSTS = ("metal", "xen")
SCRATCH = 512 << 20
"""Bytes of the disk that images are put on."""
TIMEOUT = 3600.0
NOT_THERE = ("--update", "--tap", "--junit", "--record", "--replay")
"""What takes a file, or has another form than a log."""


def is_elsewhere(host: str) -> bool:
    """Whether a host is a machine, and not the one that this runs on."""
    if host not in HOSTS:
        return False
    try:
        from rump.rumpuser.bare import _hyper
    except ImportError:
        return True
    return host != _hyper.MACHINE


def words(host: str, options: Options) -> list[str]:
    """The command line for there.  Errors: ValueError - an option that has no meaning there."""
    refused = [name for name in NOT_THERE if name in options.flags or name in options.values]
    if refused:
        raise ValueError(f"{refused[0]} does not go with --host {host}")
    lists = [word for name in ("--fs", "--only") for value in options.lists[name] for word in (name, value)]
    return ["-m", "rump.conformance", "--host", host, *sorted(options.flags), *lists]


def suite(host: str, options: Options, report: Report) -> Result:
    """Run it there, to its closing block."""
    import tempfile

    from rump.servers.machine.description import MachineError, find
    from rump.servers.machine.qemu import Disk, run

    result = Result(host)
    try:
        with tempfile.NamedTemporaryFile(prefix="rump-scratch-") as scratch:
            scratch.truncate(SCRATCH)
            disks = [Disk(scratch.name, "scratch")]
            _, log = run(find(host), words(host, options), disks=disks, user_network=True, timeout=TIMEOUT)
        text = log.decode("utf-8", "replace").replace("\r", "")
        sys.stdout.write(text)
        result = closing(text)
    except (MachineError, ValueError) as error:
        sys.stdout.write(f"{host}: {error}\n")
        result.count(str(error))
    return result
