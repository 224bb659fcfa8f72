# SPDX-License-Identifier: BSD-2-Clause
"""What the passes of a check find out about a volume, one for the next.

Memory goes by what is in use: a bit for each cluster, a row for each directory.
"""

from __future__ import annotations

from rump.drivers.fs.fat.claims import Claims
from rump.drivers.fs.msdosfs.bmap import table
from rump.kernel.vfs.buffer import BufferCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.mount import Geometry, Options
    from rump.kernel.dev.block import BlockDevice

ROOT = 0            # the root's place among the directories


class State:
    """A volume being checked.

    chains       the table in use
    claims       who has which clusters
    directories  (place of the directory that it is in, name, first cluster, clusters), each once; the root's cluster is
                 0 on FAT12 and FAT16
    starts       the first clusters of directories
    files        that are no directories
    label        the raw label in the root directory, or b""
    """

    def __init__(self, device: BlockDevice, geometry: Geometry, options: Options, cache_bytes: int) -> None:
        self.device = device
        self.geometry = geometry
        self.options = options
        self._cache_bytes = cache_bytes
        self.chains = table(BufferCache(device, cache_bytes), geometry)
        # A piece of the table is a piece of the bits.
        self.claims = Claims(self.chains, self.chains.per_piece)
        self.directories: list[tuple[int, bytes, int, int]] = []
        self.starts: set[int] = {geometry.root_cluster}
        self.files = 0
        self.label = b""

    def again(self) -> State:
        """To look for the owners of clusters that several have."""
        other = State(self.device, self.geometry, self.options, self._cache_bytes)
        other.claims = self.claims.again()
        return other

    def path(self, place: int, name: bytes = b"") -> str:
        """What a directory is called, or a name in it."""
        parts = [name] if name else []
        while place != ROOT:
            place, part, _, _ = self.directories[place]
            parts.append(part)
        return "/" + b"/".join(reversed(parts)).decode("utf-8", "backslashreplace")
