# SPDX-License-Identifier: BSD-2-Clause
"""Who has which blocks.  Files may share all of their data; that they share a part of it is legal, but odd."""

from __future__ import annotations

from rump.kernel.vfs.volume import ERROR, NOTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.fsck.state import State
    from rump.kernel.vfs.volume import Finding

NAMED_MAX = 64      # overlaps that are told of


def overlaps(state: State) -> Iterator[Finding]:
    """What is found."""
    last: tuple[int, int] | None = None
    found = 0
    for extent in sorted(state.extents):
        if last is not None and extent[0] < last[1]:
            found += 1
            if found <= NAMED_MAX:
                block = extent[0] // state.medium.block_size
                one, other = state.extents[last], state.extents[extent]
                texts = [tree.path(place, name or b"") for tree, place, name in (one, other)]
                grade = ERROR if one[2] is None or other[2] is None else NOTE
                yield grade, f"{texts[0]} and {texts[1]} overlap at block {block}"
        if last is None or extent[1] > last[1]:
            last = extent
    if found > NAMED_MAX:
        yield NOTE, f"{found - NAMED_MAX} more extents overlap with others"
