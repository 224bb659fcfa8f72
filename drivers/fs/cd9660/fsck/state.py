# SPDX-License-Identifier: BSD-2-Clause
"""What the passes of a check find out about a volume, one for the next."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.fsck.trees import Tree
    from rump.drivers.fs.cd9660.medium import Medium

READ_SPARE = 16 << 20       # bytes of directories that are read whatever the size of the medium


class State:
    """A volume being checked.

    start    sector at which the session begins
    trees    those that have been looked at
    extents  (first byte, byte behind the last) -> who has it: (tree, place of the directory, name; None: a directory)
    budget   bytes of directories that may still be read: twice what the medium has, for directories may overlap
    """

    def __init__(self, medium: Medium, start: int) -> None:
        self.medium = medium
        self.start = start
        self.trees: list[Tree] = []
        self.extents: dict[tuple[int, int], tuple[Tree, int, bytes | None]] = {}
        self.budget = 2 * medium.device.size + READ_SPARE
