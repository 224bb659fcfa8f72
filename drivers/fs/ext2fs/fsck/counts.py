# SPDX-License-Identifier: BSD-2-Clause
"""Pass 3: whether every file can be reached, and as often as it says.  Pass 4: bitmaps, and the counters of groups and
superblock."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.fsck.inodes import DIRECTORY, EVERY
from rump.drivers.fs.ext2fs.fsck.state import KIND, NAMED, OWN
from rump.drivers.fs.ext2fs.layout import BLOCK_UNINIT, INODE_UNINIT
from rump.kernel.errors import Fault
from rump.kernel.vfs.usage import ones, spelled
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.fsck.state import State
    from rump.kernel.vfs.volume import Finding

LINKS_UNCOUNTED = 1         # links_count of a directory that has had too many (dir_nlink)
RUNS_MAX = 8                # differences named of each bitmap


class Connections:
    """Pass 3."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self) -> Iterator[Finding]:
        """What is found."""
        yield PROGRESS, "links"
        yield from self._directories()
        yield from self._files()
        for block, (stored, found) in self._state.xattr_blocks.items():
            if stored != found:
                yield ERROR, f"attribute block {block}: refcount is {stored}, {found} inodes have it"
        for number, (stored, found) in self._state.values.items():
            if stored != found:
                yield ERROR, f"inode {number}: the value of {stored} attributes, it says; {found} lead to it"

    def _directories(self) -> Iterator[Finding]:
        state = self._state
        below: dict[int, int] = {}
        for number, parent in state.parents.items():
            below[parent] = below.get(parent, 0) + 1
            above = state.above.get(number, parent)
            if above != parent:
                yield ERROR, f'directory {number}: ".." is {above}, it is in {parent}'
        if disk.ROOT_INO not in state.links:
            yield ERROR, "the root is no directory"
        elif state.above.get(disk.ROOT_INO, disk.ROOT_INO) != disk.ROOT_INO:
            yield ERROR, 'the root: ".." is not the root'
        reached = self._reached()
        for number in state.directories:
            if number != disk.ROOT_INO and number not in state.orphans and number not in reached:
                what = "cannot be reached" if number in state.parents else "is in no directory"
                yield ERROR, f"directory {number} {what}"
            links, found = state.links[number], 2 + below.get(number, 0)
            if links != found and links != LINKS_UNCOUNTED and number not in state.orphans:
                yield ERROR, f"directory {number}: {links} links are counted, it has {found}"

    def _reached(self) -> set[int]:
        """The directories that lie below the root."""
        parents = self._state.parents
        reached = {disk.ROOT_INO}
        for number in parents:
            trail: list[int] = []
            walked: set[int] = set()
            while number not in reached and number not in walked and number in parents:
                trail.append(number)
                walked.add(number)
                number = parents[number]
            if number in reached:
                reached.update(trail)
        return reached

    def _files(self) -> Iterator[Finding]:
        state = self._state
        for group, row in state.inodes.items():
            base = group * state.geometry.inodes_per_group + 1
            for index, byte in enumerate(row):
                if not byte or byte & OWN or byte & KIND == DIRECTORY:
                    continue
                number = base + index
                if byte & NAMED and number not in state.links and number not in state.counted:
                    continue            # one link, one name
                links = state.links.get(number, 1)
                found = state.counted.get(number, 1 if byte & NAMED else 0)
                if number in state.orphans:
                    continue
                if not found:
                    yield ERROR, f"inode {number} is in use, but in no directory"
                elif links != found:
                    yield ERROR, f"inode {number}: {links} links are counted, it has {found}"


class Counters:
    """Pass 4."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._free_blocks = self._free_inodes = 0

    def run(self) -> Iterator[Finding]:
        """What is found."""
        state = self._state
        for group in range(state.geometry.groups):
            if group % EVERY == 0:
                yield PROGRESS, f"bitmaps: group {group} of {state.geometry.groups}"
            try:
                yield from self._group(group)
            except Fault as error:
                yield ERROR, error.detail or str(error)
        raw = state.geometry.raw
        wide = state.geometry.incompat & disk.INCOMPAT_64BIT
        stored = raw.free_blocks_count_lo | (raw.free_blocks_count_hi << 32 if wide else 0)
        # Whoever mounts the volume goes by the groups; a crash leaves these behind the times.
        for name, said, found in (
            ("free_blocks_count", stored, self._free_blocks * state.ratio),
            ("free_inodes_count", raw.free_inodes_count, self._free_inodes),
        ):
            if said != found:
                yield NOTE, f"superblock: {name} is {said}, there are {found}"

    def _group(self, group: int) -> Iterator[Finding]:
        state, groups = self._state, self._state.groups
        fields = groups.fields(group)
        flags = fields["flags"] if groups.sums else 0
        blocks, inodes, _ = groups.place(group)
        in_group = -(-groups.blocks_in(group) // state.ratio)
        used = state.usage.number(group)
        yield from self._bitmap(group, "block", blocks, used, in_group, state.per_group, flags & BLOCK_UNINIT)
        row = state.inodes.get(group, b"")
        per_group = state.geometry.inodes_per_group
        files = self._inode_bits(group, row)
        yield from self._bitmap(group, "inode", inodes, files, per_group, per_group, flags & INODE_UNINIT)
        free_blocks, free_inodes = in_group - used.bit_count(), per_group - files.bit_count()
        self._free_blocks += free_blocks
        self._free_inodes += free_inodes
        directories = sum(1 for byte in row if byte & KIND == DIRECTORY)
        unused = per_group - max(files.bit_length(), 0)
        for name, found in (("free_blocks", free_blocks), ("free_inodes", free_inodes), ("used_dirs", directories)):
            said = fields[f"{name}_count_lo"] | fields.get(f"{name}_count_hi", 0) << 16
            if said != found:
                yield ERROR, f"group {group}: {name}_count is {said}, there are {found}"
        said = fields["itable_unused_lo"] | fields.get("itable_unused_hi", 0) << 16
        if groups.sums and said > unused:
            yield ERROR, f"group {group}: itable_unused is {said}, but inodes are in use among those"

    def _inode_bits(self, group: int, row: bytes | bytearray) -> int:
        """The inodes of a group that are in use, as a number; the reserved ones are."""
        first = group * self._state.geometry.inodes_per_group + 1
        reserved = (1 << max(0, min(self._state.geometry.first_ino - first, len(row) or 1 << 30))) - 1
        if not any(row):
            return reserved
        return int(bytes(row).translate(_DIGITS)[::-1], 2) | reserved

    def _bitmap(
        self, group: int, what: str, block: int, used: int, count: int, bits: int, uninit: int
    ) -> Iterator[Finding]:
        """Compare a bitmap of `bits`, `count` of them of something, with what is in use."""
        state = self._state
        size = state.geometry.block_size
        if uninit:
            return              # it stands for what the descriptor says
        data = state.medium.read(block << state.geometry.shift, size, lambda: f"group {group}: {what} bitmap")
        if not state.groups.sound(group, what, data, bits):
            yield ERROR, f"group {group}: {what} bitmap: checksum is wrong"
        stored = int.from_bytes(data, "little")
        padding = (1 << size * 8) - (1 << count)
        if stored & padding != padding:
            yield ERROR, f"group {group}: {what} bitmap: bits behind the last {what} are not set"
        ratio = state.ratio if what == "block" else 1
        first = group * bits * ratio + (1 if what == "inode" else state.geometry.first_data_block)
        for wrong, text in ((used & ~stored, "free, but in use"), (stored & ~used & ~padding, "in use, but nobody's")):
            runs = ones(wrong)
            for start, length in runs[:RUNS_MAX]:
                yield ERROR, f"group {group}: {what} {spelled(first + start * ratio, length * ratio)} is marked {text}"
            if len(runs) > RUNS_MAX:
                yield ERROR, f"group {group}: {len(runs) - RUNS_MAX} more runs of {what}s are marked {text}"


_DIGITS = b"0" + b"1" * 255
"""What stands for a byte of the row of inodes in a binary number."""
