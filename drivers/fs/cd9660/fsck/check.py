# SPDX-License-Identifier: BSD-2-Clause
"""The passes of a check, in order."""

from __future__ import annotations

from rump.drivers.fs.cd9660.fsck.descriptors import DescriptorSequence, boot_catalog
from rump.drivers.fs.cd9660.fsck.overlaps import overlaps
from rump.drivers.fs.cd9660.fsck.paths import PathTables
from rump.drivers.fs.cd9660.fsck.state import State
from rump.drivers.fs.cd9660.fsck.trees import Tree
from rump.drivers.fs.cd9660.medium import Medium
from rump.drivers.fs.cd9660.mount import Descriptors, name_spaces, session
from rump.drivers.fs.cd9660.options import Options
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import PROGRESS, SUMMARY
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.vfs.volume import Finding, MountArguments


def fsck(arguments: MountArguments) -> Iterator[Finding]:
    """See `FileSystem.fsck`.  What is checked is the session that a mount would use.  Errors: as `mount`."""
    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "cd9660 needs a device")
    options = Options(arguments.options)
    start = session(device, options)
    descriptors = Descriptors(device, start)
    yield PROGRESS, "volume descriptors"
    yield from DescriptorSequence(device, start).run()
    medium = Medium(device, descriptors.primary.block_size, arguments.cache_bytes)
    yield from boot_catalog(medium, descriptors.catalog)
    state = State(medium, start)
    spaces = name_spaces(medium, descriptors, options)
    for kind, space in spaces.items():
        if kind == "plain" and "rockridge" in spaces:
            continue            # the same tree, with names of another kind
        if kind == "enhanced" and space.descriptor.root_extent == descriptors.primary.root_extent:
            continue
        tree = Tree(state, space)
        yield from tree.run()
        yield from PathTables(tree).run()
    yield from overlaps(state)
    first = state.trees[0]
    yield SUMMARY, (
        f"{first.files + len(first.directories)} files, {len(first.directories)} of them directories; "
        f"{descriptors.primary.space_size} blocks"
    )
