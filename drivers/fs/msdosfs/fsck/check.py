# SPDX-License-Identifier: BSD-2-Clause
"""The passes of a check, in order."""

from __future__ import annotations

from rump.drivers.fs.msdosfs.fsck.boot import Boot, find_geometry
from rump.drivers.fs.msdosfs.fsck.directories import Directories
from rump.drivers.fs.msdosfs.fsck.state import State
from rump.drivers.fs.msdosfs.fsck.tables import Tables
from rump.drivers.fs.msdosfs.mount import Options
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import ERROR, PROGRESS, SUMMARY
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.vfs.volume import Finding, MountArguments


def fsck(arguments: MountArguments) -> Iterator[Finding]:
    """See `FileSystem.fsck`.  Errors: as `mount`."""
    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "msdosfs needs a device")
    options = Options(arguments.options)
    geometry, problem = find_geometry(device, options)
    if problem:
        yield ERROR, problem
    state = State(device, geometry, options, arguments.cache_bytes)
    boot = Boot(state)
    yield from boot.run()
    yield from Directories(state).run()
    yield from boot.label()
    if state.claims.usage.shared:
        yield PROGRESS, "owners of clusters that several have"
        yield from Directories(state.again()).owners()
    tables = Tables(state)
    yield from tables.run()
    yield SUMMARY, (
        f"{state.files + len(state.directories)} files, {len(state.directories)} of them directories; "
        f"{geometry.clusters - tables.free} of {geometry.clusters} clusters"
    )
