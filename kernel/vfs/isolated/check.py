# SPDX-License-Identifier: BSD-2-Clause
"""Checking a file system by a driver in a process of its own."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.vfs.isolated.broker import Broker, Lie
from rump.kernel.vfs.isolated.process import MEMORY, Broken, DriverProcess, printable
from rump.kernel.vfs.volume import PROGRESS, SUMMARY
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rump.kernel.vfs.volume import Finding, MountArguments
    from rump.rumpuser.interface.hypercalls import Hypercalls


LONGEST = 6 * 3600 * 10**9
"""Nanoseconds until the next finding; while it looks for that the driver says that it is at work."""


def findings(host: Hypercalls, driver: str, arguments: MountArguments, patience: int) -> Iterator[Finding]:
    """As `FileSystem.fsck`.  Errors: as `IsolatedVolume`, too; memory is bounded by that of the process."""
    device = arguments.device
    assert device is not None
    direct = device.descriptor()
    handles, base = ((direct[0],), direct[1]) if direct is not None else ((), 0)
    process = DriverProcess(
        host, driver, Broker(device, False, arguments.services, lambda number: None), handles,
        without=("newfs", "writing"), memory=2 * MEMORY + arguments.cache_bytes, patience=patience,
    )  # fmt: skip
    process.longest = LONGEST
    try:
        facts = device.name, device.size, device.sector_size, device.read_only
        process.begin("fsck", facts, base, True, tuple(arguments.options.items()), arguments.cache_bytes)
        while found := _checked(process.request("next_findings", ())):
            yield from found
    except (Broken, Lie) as problem:
        raise fault(problem.errno or e.EIO, f"the isolated driver failed: {problem.detail}") from problem
    finally:
        process.end()


def _checked(found: Any) -> tuple[Finding, ...]:
    """Errors: `Lie` - they are no findings."""
    if type(found) is not tuple:
        raise Lie("findings that are none")
    for one in found:
        if type(one) is not tuple or list(map(type, one)) != [int, str] or not PROGRESS <= one[0] <= SUMMARY:
            raise Lie("a finding that is none")
    return tuple([(grade, printable(text)) for grade, text in found])
