# SPDX-License-Identifier: BSD-2-Clause
"""Pass 1: every inode in use, its fields, its map and its attributes; and who has which blocks."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files, xattr
from rump.drivers.fs.ext2fs.fsck.maps import NODE, Walk
from rump.drivers.fs.ext2fs.fsck.state import KIND, OWN
from rump.drivers.fs.ext2fs.ops import LINK_MAX, is_fast
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs.operation import UNFORESEEN
from rump.kernel.vfs.usage import joined, spelled
from rump.kernel.vfs.volume import DATA, ERROR, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.fsck.state import State
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.kernel.vfs.usage import Range
    from rump.kernel.vfs.volume import Finding

KINDS = tuple(kind >> 12 for kind in (
    abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK,
))  # fmt: skip
REGULAR, DIRECTORY, LINK = KINDS[:3]
MAPPED = (REGULAR, DIRECTORY, LINK)
BAD_BLOCKS, RESIZE = 1, 7           # inode numbers
EVERY = 256                         # groups between two words of progress

_FEATURES = (
    (disk_files.INODE_EXTENTS, "incompat", disk.INCOMPAT_EXTENTS, "extents"),
    (disk_files.INODE_INLINE_DATA, "incompat", disk.INCOMPAT_INLINE_DATA, "inline_data"),
    (disk_files.INODE_EA_INODE, "incompat", disk.INCOMPAT_EA_INODE, "ea_inode"),
    (disk_files.INODE_ENCRYPT, "incompat", disk.INCOMPAT_ENCRYPT, "encrypt"),
    (disk_files.INODE_CASEFOLD, "incompat", disk.INCOMPAT_CASEFOLD, "casefold"),
    (disk_files.INODE_HUGE_FILE, "ro_compat", disk.RO_COMPAT_HUGE_FILE, "huge_file"),
)


class Inodes:
    """The pass."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._volume = state.volume
        self._geometry = geometry = state.geometry
        tail = geometry.inode_size - 128
        self._rows = disk_files.OldInode.narrow("mode", "dtime", "links_count", tail=tail)
        raw = geometry.raw
        self._own = {raw.journal_inum, raw.usr_quota_inum, raw.grp_quota_inum, raw.prj_quota_inum,
                     raw.orphan_file_inum}  # fmt: skip

    def run(self) -> Iterator[Finding]:
        """What is found."""
        if self._geometry.incompat & disk.INCOMPAT_MMP:
            self._state.usage.mark(*self._state.clusters(self._geometry.raw.mmp_block, 1))
        for group in range(self._geometry.groups):
            if group % EVERY == 0:
                yield PROGRESS, f"metadata: group {group} of {self._geometry.groups}"
            yield from self._metadata(group)
        for group in range(self._geometry.groups):
            if group % EVERY == 0:
                yield PROGRESS, f"inodes: group {group} of {self._geometry.groups}"
            try:
                used = self._volume.groups.inode_table(group)[1]
            except Fault:
                continue                # said already
            yield from self._table(group, used)

    def _metadata(self, group: int) -> Iterator[Finding]:
        """Mark what of a group is the volume's own."""
        state = self._state
        start = state.groups.start(group)
        ranges = [(start, min(state.groups.at_start(group, True), state.groups.blocks_in(group)))]
        try:
            blocks, inodes, table = state.groups.place(group)
        except Fault as error:
            yield ERROR, error.detail or str(error)
        else:
            ranges += (blocks, 1), (inodes, 1), (table, state.groups.table_blocks)
        for first, count in ranges:
            if count and state.ratio == 1:
                for cluster, length in state.usage.mark(*state.clusters(first, count)):
                    block = cluster + self._geometry.first_data_block
                    yield ERROR, f"group {group}: metadata at block {spelled(block, length)} is other metadata, too"
            elif count:
                state.usage.mark(*state.clusters(first, count))

    def _table(self, group: int, used: int) -> Iterator[Finding]:
        number = group * self._geometry.inodes_per_group + 1
        behind = number + used
        reader = self._volume.inodes
        while number < behind:
            try:
                first, end, (_, data, _) = reader.piece(number)
            except Fault as error:
                yield ERROR, error.detail or str(error)
                return
            size = self._geometry.inode_size
            rows = self._rows.iter_unpack(data[(number - first) * size :])
            for each, (mode, dtime, links) in enumerate(rows, number):
                if links or each in self._state.orphans or each == BAD_BLOCKS:
                    for text in self._one(each, links, dtime):
                        yield ERROR, f"inode {each}: {text}"
                elif mode and not dtime and each >= self._geometry.first_ino:
                    yield ERROR, f"inode {each}: it is free, but was never deleted"
            number = end

    # ---- one inode ---------------------------------------------------------------------------------------------------

    def _one(self, number: int, links: int, dtime: int) -> list[str]:
        """An inode in use: what is wrong with it."""
        state = self._state
        own = (number < self._geometry.first_ino and number != disk.ROOT_INO) or number in self._own
        problems: list[str] = []
        try:
            orphan = self._volume.inodes.orphans
            if not links:
                orphan[number] = True       # so that it can be read
            data, at = self._volume.inodes.special(number)
            inode = self._volume.inodes.make(number, data, at)
            kind = inode.mode >> 12
            held = inode.flags & disk_files.INODE_EA_INODE
            state.set_kind(number, (kind if kind in KINDS else REGULAR) | (OWN if own or held else 0))
            state.files += not own and not held
            if dtime and number not in state.orphans:
                problems.append("dtime is set, but it is in use")
            problems += self._fields(inode, links, own)
            if number != BAD_BLOCKS:
                problems += self._shape(inode)
            else:
                self._bad_blocks(inode)
        except (Fault, *UNFORESEEN) as error:
            state.set_kind(number, state.kind(number) or REGULAR | (OWN if own else 0))
            problems.append((getattr(error, "detail", "") or str(error)).removeprefix(f"inode {number}: "))
        return problems

    def _fields(self, inode: Inode, links: int, own: bool) -> list[str]:
        """Type, flags and links; a directory is remembered."""
        state, problems = self._state, []
        kind = inode.mode >> 12
        if kind not in KINDS and not (own and not inode.mode):
            problems.append(f"mode {inode.mode:o}: no type of a file")
        for flag, where, bit, name in _FEATURES:
            if inode.flags & flag and not getattr(self._geometry, where) & bit:
                problems.append(f"flags {inode.flags:#x}, but the volume has not the feature {name}")
        if kind == DIRECTORY and not own:
            state.directories.append(inode.number)
            state.links[inode.number] = links
        elif inode.flags & disk_files.INODE_EA_INODE:
            old = disk_files.OldInode(inode.data, inode.at)
            state.values.setdefault(inode.number, [0, 0])[0] = (old.ctime & 0xFFFFFFFF) << 32 | old.version
        elif links != 1 and not own:
            state.links[inode.number] = links
        return problems

    def _shape(self, inode: Inode) -> list[str]:
        """Map, size and attributes."""
        kind = inode.mode >> 12
        problems: list[str] = []
        sectors = self._attributes(inode, problems)
        inline = inode.flags & disk_files.INODE_INLINE_DATA
        if inline:
            problems += self._inline(inode)
        elif kind == LINK and not inode.flags & disk_files.INODE_EXTENTS and is_fast(self._geometry, inode):
            if not inode.size or b"\0" in inode.block[: inode.size]:
                problems.append(f"symbolic link: size is {inode.size}, the target {inode.block.rstrip(bytes(1))!r}")
        elif kind in MAPPED or not inode.mode:
            sectors += self._blocks(inode, problems)
        elif inode.flags & disk_files.INODE_EXTENTS:
            problems.append("it has extents, but no contents")
        if sectors != inode.sectors:
            problems.append(f"blocks: {inode.sectors} sectors are counted, it has {sectors}")
        return problems

    def _inline(self, inode: Inode) -> list[str]:
        from rump.drivers.fs.ext2fs.inline import space

        room = len(space(self._state.medium, inode))
        if inode.size > room or (inode.mode >> 12 == DIRECTORY and inode.size != room):
            return [f"size is {inode.size}, in the inode are {room} bytes"]
        return []

    def _blocks(self, inode: Inode, problems: list[str]) -> int:
        """Follow a map; the sectors it takes."""
        walk = Walk(self._volume, inode)
        ranges: list[Range] = []
        end = written = 0
        for kind, block, count, target in walk.runs():
            ranges.append((target, count))
            if kind != NODE:
                end = max(end, block + count)
                if kind == DATA:
                    written = max(written, block + count)
        problems += walk.problems
        self._size(inode, end, written, problems)
        return self._mark(inode, ranges, problems)

    def _size(self, inode: Inode, end: int, written: int, problems: list[str]) -> None:
        """Whether the size goes with the blocks: the last one, and the last that was written."""
        size, block = inode.size, self._geometry.block_size
        kind = inode.mode >> 12
        if inode.number < self._geometry.first_ino and inode.number != disk.ROOT_INO:
            return
        if kind == DIRECTORY:
            if size != end * block or not size:
                problems.append(f"directory: size is {size}, it has {end} blocks")
        elif kind == LINK:
            if not 0 < size < min(block, LINK_MAX) + 1 or end != 1:
                problems.append(f"symbolic link: size is {size}, it has {end} blocks")
        elif size <= (written - 1) * block and written:
            verity = inode.flags & disk_files.INODE_VERITY      # its tree lies behind the end
            if not verity:
                problems.append(f"size is {size}, but block {written - 1} of it was written")

    def _mark(self, inode: Inode, ranges: list[Range], problems: list[str]) -> int:
        """Blocks have an owner; the sectors that the clusters of them have."""
        state = self._state
        clusters = [state.clusters(start, count) for start, count in ranges]
        if state.ratio > 1:
            clusters = joined(clusters)
            if inode.number == RESIZE:      # each of its blocks counts as a whole cluster
                clusters = [state.clusters(start + index, 1) for start, count in ranges for index in range(count)]
        for first, count in clusters:
            taken = state.usage.mark(first, count)
            if taken and inode.number != RESIZE:        # most of whose blocks are metadata
                state.usage.share(taken)
                problems += [f"{self._words(*each)} is somebody else's, too" for each in taken]
        return sum([count for _, count in clusters]) * (self._geometry.cluster_size >> 9)

    def _words(self, cluster: int, count: int) -> str:
        ratio = self._state.ratio
        return f"block {spelled(cluster * ratio + self._geometry.first_data_block, count * ratio)}"

    def _bad_blocks(self, inode: Inode) -> None:
        """Blocks of the medium that cannot be used; some may lie in what is metadata."""
        for _, _, count, target in Walk(self._volume, inode).runs():
            self._state.usage.mark(*self._state.clusters(target, count))

    # ---- attributes --------------------------------------------------------------------------------------------------

    def _attributes(self, inode: Inode, problems: list[str]) -> int:
        """Extended attributes; the sectors that they take."""
        sectors = 0
        try:
            if inode.xattr_block:
                sectors += self._attribute_block(inode, problems)
            names: set[tuple[int, bytes]] = set()
            for row in xattr.rows(self._state.medium, inode):
                index, name, holder, size, _, value = row
                if (index, name) in names:
                    problems.append(f"attribute {index} {name!r} is there twice")
                names.add((index, name))
                if holder:
                    sectors += -(-size // self._geometry.cluster_size) * (self._geometry.cluster_size >> 9)
                    self._state.values.setdefault(holder, [0, 0])[1] += 1
                elif index in xattr.ACLS:
                    xattr.acl(inode, value)
        except Fault as error:
            problems.append((error.detail or str(error)).removeprefix(f"inode {inode.number}: "))
        return sectors

    def _attribute_block(self, inode: Inode, problems: list[str]) -> int:
        state, block = self._state, inode.xattr_block
        if not self._geometry.has_data(block, 1):
            problems.append(f"attribute block {block} is outside the volume")
            return 0
        known = state.xattr_blocks.get(block)
        if known is None:
            data = state.medium.read(block << self._geometry.shift, self._geometry.block_size, lambda: "attributes")
            state.xattr_blocks[block] = [disk_files.XattrHeader(data).refcount, 1]
            for each in state.usage.mark(*state.clusters(block, 1)):
                state.usage.share([each])
                problems.append(f"attribute {self._words(*each)} is somebody else's, too")
        else:
            known[1] += 1
        return self._geometry.cluster_size >> 9


class Owners:
    """Who has the blocks that several have; looked for once more, when there are any."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self) -> Iterator[Finding]:
        """What is found: the owners of each."""
        state = self._state
        wanted = joined(state.usage.shared)
        for group, row in state.inodes.items():
            base = group * state.geometry.inodes_per_group + 1
            for index, byte in enumerate(row):
                if byte & KIND and base + index not in (BAD_BLOCKS, RESIZE):
                    shared = self._shared(base + index, wanted)
                    if shared:
                        yield ERROR, f"inode {base + index}: shares {shared} of its blocks with others"

    def _shared(self, number: int, wanted: list[Range]) -> int:
        """How many of an inode's clusters are among those wanted."""
        volume = self._state.volume
        try:
            inode = volume.inodes.make(number, *volume.inodes.special(number))
            if inode.flags & disk_files.INODE_INLINE_DATA or inode.mode >> 12 not in MAPPED:
                return 0
            if inode.mode >> 12 == LINK and is_fast(self._state.geometry, inode):
                return 0
            found = [self._state.clusters(run[3], run[2]) for run in Walk(volume, inode).runs()]
        except (Fault, *UNFORESEEN):
            return 0
        return sum(
            max(0, min(a + b, c + d) - max(a, c)) for a, b in joined(found) for c, d in wanted
        )
