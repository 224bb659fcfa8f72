# SPDX-License-Identifier: BSD-2-Clause
"""What the passes of a check find out about a volume, one for the next.

Memory goes by what is in use: a bit for each cluster, a row for each directory.
"""

from __future__ import annotations

from rump.drivers.fs.exfat import disk, upcase
from rump.drivers.fs.exfat.bmap import FAT_MASK
from rump.drivers.fs.exfat.lookup import Cases
from rump.drivers.fs.fat.chains import Chains
from rump.drivers.fs.fat.claims import Claims
from rump.kernel.vfs.buffer import BufferCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.exfat.mount import Geometry
    from rump.drivers.fs.exfat.special import Special
    from rump.drivers.fs.fat.claims import Found
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.usage import Range

ROOT = 0                # the root's place among the directories
READ_MAX = 1 << 16      # bytes read at once
PER_PIECE = 1 << 18     # clusters of a piece of bits


class State:
    """A volume being checked.

    chains       the table in use
    claims       who has which clusters
    owned        of what was claimed last: what it is called and how many clusters of it several have, if any
    special      what the root directory says of the volume
    cases        how names are compared
    directories  (place of the directory that it is in, name, first cluster, clusters, whether they follow one another,
                 its bytes), each once
    starts       the first clusters of directories
    files        that are no directories
    """

    def __init__(self, device: BlockDevice, geometry: Geometry, cache_bytes: int) -> None:
        self.device = device
        self.geometry = geometry
        self._cache_bytes = cache_bytes
        cache = BufferCache(device, cache_bytes)
        self.chains = Chains(cache, geometry.fat_offset, 32, geometry.end_cluster, FAT_MASK)
        self.claims = Claims(self.chains, PER_PIECE, disk.FIRST_CLUSTER)
        self.owned: list[str] = []
        self.special: Special | None = None
        self.cases = Cases(upcase.standard())
        self.directories: list[tuple[int, bytes, int, int, bool, int]] = []
        self.starts: set[int] = {geometry.boot.root_cluster}
        self.files = 0

    def again(self) -> State:
        """To look for the owners of clusters that several have."""
        other = State(self.device, self.geometry, self._cache_bytes)
        other.claims = self.claims.again()
        return other

    def path(self, place: int, name: bytes = b"") -> str:
        """What a directory is called, or a name in it."""
        parts = [name] if name else []
        while place != ROOT:
            place, part = self.directories[place][:2]
            parts.append(part)
        return "/" + b"/".join(reversed(parts)).decode("utf-8", "backslashreplace")

    def claim(self, what: str, first: int, length: int, flags: int) -> tuple[Found | None, list[str]]:
        """The clusters of something of `length` bytes, and what is wrong with them; None: there are none."""
        geometry = self.geometry
        wanted = -(-length // geometry.cluster_size)
        if not flags & disk.SPACE_POSSIBLE:
            wrong = [f"no space is possible, but {length} bytes from cluster {first} are there"]
            return None, wrong if first or length else []
        if not wanted:
            return None, [f"0 bytes, but a first cluster: {first}"] if first else []
        if not disk.FIRST_CLUSTER <= first < geometry.end_cluster:
            return None, [f"{length} bytes from cluster {first} of {geometry.clusters}"]
        if not flags & disk.NO_FAT_CHAIN:
            found = self.claims.chain(first)
            if found.length != wanted and not (found.problems and found.length < wanted and not found.shared):
                found.problems.append(f"{length} bytes, which take {wanted} clusters; it has {found.length}")
        elif wanted > geometry.end_cluster - first:
            return None, [f"{wanted} clusters from cluster {first} of {geometry.clusters}"]
        else:
            found = self.claims.run(first, wanted)
        if self.claims.had:
            self.owned.append(f"{what}: shares {self.claims.had} of its clusters with others")
        return found, found.problems

    def runs(self, first: int, clusters: int, contiguous: bool) -> Iterator[Range]:
        """Where so many clusters are: (first, how many)."""
        if contiguous:
            yield first, clusters
            return
        while clusters > 0:
            count, following = self.chains.run(first, clusters)
            yield first, min(count, clusters)
            clusters -= count
            first = following

    def contents(self, first: int, clusters: int, contiguous: bool, most: int) -> bytes:
        """The bytes in clusters, at most so many.  Errors: EIO."""
        return b"".join(self._pieces(first, clusters, contiguous, most))

    def entries(self, first: int, clusters: int, contiguous: bool) -> bytes:
        """The bytes of a directory, about as far as there may be something in it.  Errors: EIO."""
        parts: list[bytes] = []
        for part in self._pieces(first, clusters, contiguous, disk.DIRECTORY_MAX):
            parts.append(part)
            if not all(part[:: disk.ENTRY_SIZE]):
                break
        return b"".join(parts)

    def _pieces(self, first: int, clusters: int, contiguous: bool, most: int) -> Iterator[bytes]:
        geometry, device = self.geometry, self.device
        for cluster, count in self.runs(first, clusters, contiguous):
            place, size = geometry.place(cluster), min(count * geometry.cluster_size, most)
            for start in range(0, size, READ_MAX):
                yield device.read(place + start, min(READ_MAX, size - start))
            most -= size
            if not most:
                break
