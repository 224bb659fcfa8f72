# SPDX-License-Identifier: BSD-2-Clause
"""The passes of a check, in order."""

from __future__ import annotations

from rump.drivers.fs.exfat.fsck.bitmaps import Bitmaps
from rump.drivers.fs.exfat.fsck.boot import Boot
from rump.drivers.fs.exfat.fsck.directories import Directories
from rump.drivers.fs.exfat.fsck.special import SpecialFiles
from rump.drivers.fs.exfat.fsck.state import State
from rump.drivers.fs.exfat.mount import read_geometry
from rump.drivers.fs.fat.options import Options
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import PROGRESS, SUMMARY
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.vfs.volume import Finding, MountArguments


def fsck(arguments: MountArguments) -> Iterator[Finding]:
    """See `FileSystem.fsck`.  Errors: as `mount`."""
    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "exfat needs a device")
    Options("exfat", arguments.options)
    state = State(device, read_geometry(device), arguments.cache_bytes)
    boot = Boot(state)
    yield from boot.run()
    yield from SpecialFiles(state).run()
    yield from Directories(state).run()
    if state.claims.usage.shared:
        yield PROGRESS, "owners of clusters that several have"
        again = state.again()
        for _ in SpecialFiles(again).run():
            pass
        yield from Directories(again).owners()
    yield from Bitmaps(state).run()
    used = state.claims.usage.count()
    yield from boot.percent(used)
    yield SUMMARY, (
        f"{state.files + len(state.directories)} files, {len(state.directories)} of them directories; "
        f"{used} of {state.geometry.clusters} clusters"
    )
