# SPDX-License-Identifier: BSD-2-Clause
"""Where the clusters of a file are: one behind the other, or as the file allocation table says."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.mount import Geometry
    from rump.drivers.fs.fat.chains import Chains, Extent

FAT_MASK = 0xFFFFFFFF       # all bits of an entry of the table count


class Space:
    """What a file has of the cluster heap.

    first        its first cluster; 0: none
    clusters     how many it has
    contiguous   they follow one another, and the table says nothing of them
    """

    __slots__ = ("clusters", "contiguous", "first")

    def __init__(self, first: int, clusters: int, contiguous: bool) -> None:
        self.first = first
        self.clusters = clusters
        self.contiguous = contiguous


class Maps:
    """The clusters of files."""

    def __init__(self, chains: Chains, geometry: Geometry) -> None:
        self.chains = chains
        self.geometry = geometry

    def space(self, flags: int, first: int, length: int, what: str) -> Space:
        """The space of something of `length` bytes; `what` is for messages.  Errors: EIO - it does not fit the heap."""
        geometry = self.geometry
        clusters = -(-length // geometry.cluster_size)
        if not clusters:
            return Space(0, 0, False)
        if not flags & disk.SPACE_POSSIBLE or not disk.FIRST_CLUSTER <= first < geometry.end_cluster:
            raise Corrupt(f"{what}: {length} bytes from cluster {first} of {geometry.clusters}")
        contiguous = bool(flags & disk.NO_FAT_CHAIN)
        if clusters > (geometry.end_cluster - first if contiguous else geometry.clusters):
            raise Corrupt(f"{what}: {clusters} clusters from cluster {first} of {geometry.clusters}")
        return Space(first, clusters, contiguous)

    def chain_length(self, start: int, most: int) -> int:
        """How many clusters a chain has.  Errors: EIO - more than `most`, or it leads nowhere."""
        clusters, cluster = 0, start
        while cluster:
            segment = self.chains.segment(cluster)
            clusters += segment.length
            if segment.problem or clusters > most:
                raise Corrupt(segment.problem or f"FAT: the chain from cluster {start} has more than {most} clusters")
            cluster = segment.next
        return clusters

    def extents(self, space: Space, first: int, count: int) -> list[Extent]:
        """The clusters [first, first + count) of a file, cut at its last, or a prefix of them if there are many.

        Errors: EIO - the chain does not reach cluster `first`.
        """
        count = min(count, space.clusters - first)
        if count <= 0:
            return []
        if space.contiguous:
            return [(first, space.first + first, count)]
        return self.chains.extents(space.first, first, count)

    def all_extents(self, space: Space, first: int = 0) -> list[Extent]:
        """All clusters of a file from one on."""
        found: list[Extent] = []
        while first < space.clusters:
            part = self.extents(space, first, space.clusters - first)
            if not part:
                raise Corrupt(f"FAT: the chain from cluster {space.first} ends after {first} clusters")
            found += part
            first = part[-1][0] + part[-1][2]
        return found
