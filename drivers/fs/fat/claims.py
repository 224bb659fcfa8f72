# SPDX-License-Identifier: BSD-2-Clause
"""Who has which clusters, for a check: chains are followed, and what is found there is remembered.

Every cluster is followed once, and as often again as there is a budget for: chains that run into one another take no
longer than the volume is large.
"""

from __future__ import annotations

from bisect import bisect

from rump.kernel.vfs.usage import Usage, joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.fat.chains import Chains
    from rump.kernel.vfs.usage import Range

AT_ONCE = 1 << 20           # clusters followed at once
BUDGET = 1 << 16            # clusters, and as many as the volume has, that may be somebody else's and are followed


class Found:
    """What a chain came to.

    length    clusters that can be followed
    problems  what is wrong with it
    shared    the chain, or a part of it, is somebody else's, too
    """

    __slots__ = ("length", "problems", "shared")

    def __init__(self) -> None:
        self.length = 0
        self.problems: list[str] = []
        self.shared = False


class Claims:
    """The clusters that somebody has.

    usage    bits of all that are in use; the first is of cluster `base`
    wanted   ranges looked for once more, in order: whoever has some of them is noted in `had`
    had      of the last chain: clusters among `wanted`
    """

    def __init__(self, chains: Chains, per_piece: int, base: int = 0, wanted: list[Range] | None = None) -> None:
        self.chains = chains
        self.usage = Usage(per_piece)
        self.wanted = joined(wanted or [])
        self.had = 0
        self._base = base
        self._budget = BUDGET + chains.end

    def again(self) -> Claims:
        """To look for the owners of what several have."""
        return Claims(self.chains, self.usage.per_piece, self._base, self.usage.shared)

    def run(self, first: int, count: int) -> Found:
        """Somebody has clusters that follow one another."""
        found = Found()
        found.length = count
        self.had = self._among(first, count)
        self.usage.share(self._taken(first, count, found))
        if found.shared:
            self._budget -= count
            if self._budget < 0:
                found.length = 0
                found.problems.append("too much is somebody else's to be followed")
        return found

    def chain(self, start: int) -> Found:
        """Somebody has the chain from a cluster on."""
        found = Found()
        chains = self.chains
        cluster, where = start, "it begins with"
        self.had = 0
        while True:
            if not 2 <= cluster < chains.end:
                found.problems.append(f"{where} cluster {cluster} of {chains.end - 2}")
                return found
            count, value = chains.run(cluster, AT_ONCE)
            last = cluster + count - 1
            bad = "free" if not value else "bad" if value == chains.mask - 8 else ""
            count -= bool(bad)
            if count and not self._follow(start, cluster, count, found):
                return found
            if bad:
                where = f"cluster {last - 1} leads to" if count else where
                found.problems.append(f"{where} cluster {last}, which is {bad}")
                return found
            if value > chains.mask - 8:
                return found
            where = f"cluster {last} leads to"
            cluster = value

    def _follow(self, start: int, cluster: int, count: int, found: Found) -> bool:
        """The next run of a chain.  False: it is not to be followed further."""
        joins = found.shared
        taken = self._taken(cluster, count, found)
        if taken and joins:
            self.usage.share(taken)
        elif taken and self._own(start, found.length, taken):
            found.problems[-1:] = [f"the chain comes back to cluster {taken[0][0]}"]
            found.shared = False
            return False
        if found.shared:
            self._budget -= count
            if found.length > self.chains.end:
                return False            # in the circle of somebody else
            if self._budget < 0:
                found.problems.append("too much is somebody else's to be followed")
                return False
        found.length += count
        self.had += self._among(cluster, count)
        return True

    def _taken(self, first: int, count: int, found: Found) -> list[Range]:
        base = self._base
        taken = [(start + base, length) for start, length in self.usage.mark(first - base, count)]
        if taken and not found.shared:
            found.shared = True
            found.problems.append(f"cluster {taken[0][0]} is somebody else's, too")
        return taken

    def _own(self, start: int, length: int, taken: list[Range]) -> bool:
        """Whether the first `length` clusters of a chain have some of the ranges in them; if not, these are shared."""
        cluster, at = start, 0
        while at < length:
            count, value = self.chains.run(cluster, AT_ONCE)
            if _common(cluster, min(count, length - at), taken):
                return True
            at += count
            cluster = value
        self.usage.share(taken)
        return False

    def _among(self, first: int, count: int) -> int:
        """How many clusters of a range are among those wanted."""
        return _common(first, count, self.wanted) if self.wanted else 0


def _common(first: int, count: int, ranges: list[Range]) -> int:
    """How many units of a range are in ranges, which are in order."""
    at = max(0, bisect(ranges, (first, 1 << 62)) - 1)
    found = 0
    while at < len(ranges) and ranges[at][0] < first + count:
        found += max(0, min(first + count, ranges[at][0] + ranges[at][1]) - max(first, ranges[at][0]))
        at += 1
    return found
