# SPDX-License-Identifier: BSD-2-Clause
"""The first files of a new volume: the root, lost+found, and the inodes that hold journal and room for descriptors.

Structures as in the Linux kernel's documentation "ext4 Data Structures and Algorithms" (directories, extents, special
inodes, journal).  `Files` takes their blocks and keeps what is to be written.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk_files as d
from rump.drivers.fs.ext2fs.newfs.layout import FIRST_INO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rump.drivers.fs.ext2fs.newfs.layout import Layout
    from rump.drivers.fs.ext2fs.newfs.options import Wanted
    from rump.drivers.fs.ext2fs.newfs.space import Space
    from rump.drivers.fs.ext2fs.newfs.sums import Sums

BAD_INO, ROOT_INO, RESIZE_INO = 1, 2, 7
LOST_FOUND_SIZE = 16384     # bytes, about: enough for fsck to put names in without allocating
DIRECTORY = 2               # file type in directory entries
EXTRA_ISIZE = 32            # bytes of the fields behind the first 128 that are in use


class Files:
    """Makes the first files.

    blocks   block -> bytes to be written there
    inodes   number -> inode
    count    inodes in use, the reserved ones among them
    folder_blocks   blocks of the root and of lost+found
    """

    def __init__(self, wanted: Wanted, layout: Layout, space: Space, sums: Sums) -> None:
        self.wanted = wanted
        self.layout = layout
        self.space = space
        self.sums = sums
        self.blocks: dict[int, bytes] = {}
        self.inodes: dict[int, bytes] = {}
        self.extents = "extent" in layout.features
        self.count = FIRST_INO
        self.folder_blocks: tuple[int, ...] = (0, 0)

    def make(self) -> None:
        """All but the journal."""
        for number in range(1, FIRST_INO):
            self.inodes[number] = self._sealed(number, bytearray(self.layout.inode_size))
        time = self._times(0, 0)
        self._store(BAD_INO, **{key: time[key] for key in ("atime", "ctime", "mtime")})
        self._directories()
        if "resize_inode" in self.layout.features:
            self._resize()

    # ---- directories ---------------------------------------------------------------------------------------------

    def _directories(self) -> None:
        size = self.layout.block_size
        inline = "inline_data" in self.layout.features
        count = min(max(LOST_FOUND_SIZE // size, 2), 12) - inline
        root, lost = self.take_blocks(1), self.take_blocks(count)
        self.folder_blocks = tuple([blocks + -blocks % self.layout.cluster for blocks in (1, count)])
        self.blocks[root[0]] = self._folder(ROOT_INO, ((ROOT_INO, b"."), (ROOT_INO, b".."), (FIRST_INO, b"lost+found")))
        void = ((0, b""),)
        dots = ((FIRST_INO, b"."), (ROOT_INO, b".."))
        self.blocks[lost[0]] = self._folder(FIRST_INO, dots + void * inline)
        for block in lost[1:]:
            self.blocks[block] = self._folder(FIRST_INO, void)
        uid, gid = self.wanted.root_owner
        self._file(ROOT_INO, 0o40000 | self.wanted.root_mode, size, self.plain_map(root), 1, links_count=3,
                   uid_lo=uid & 0xFFFF, uid_high=uid >> 16, gid_lo=gid & 0xFFFF, gid_high=gid >> 16)  # fmt: skip
        self._file(FIRST_INO, 0o40700, size * count, self.plain_map(lost), count, links_count=2)

    def _folder(self, number: int, entries: tuple[tuple[int, bytes], ...]) -> bytes:
        """A block of a directory; the last entry reaches to its end."""
        size = self.layout.block_size - (12 if self.sums.on else 0)
        kind = DIRECTORY if "filetype" in self.layout.features else 0
        data = bytearray(self.layout.block_size)
        at = 0
        for index, (inode, name) in enumerate(entries):
            length = size - at if index == len(entries) - 1 else 8 + (len(name) + 3 & ~3)
            written = 65535 if length == 65536 else length
            data[at : at + 8 + len(name)] = pack("<IHBB", inode, written, len(name), kind if inode else 0) + name
            at += length
        if self.sums.on:
            data[size:] = pack("<IHBBI", 0, 12, 0, d.TAIL_TYPE, self.sums.of(bytes(data[:size]),
                                                                            self.sums.inode_seed(number)))  # fmt: skip
        return bytes(data)

    # ---- the room kept for descriptors ---------------------------------------------------------------------------

    def _resize(self) -> None:
        """The resize inode: through its double indirect block it owns the room behind the descriptors."""
        layout = self.layout
        words = layout.block_size // 4
        goal = layout.first_data_block + 2 + layout.reserved_gdt + layout.descriptor_blocks + layout.table_blocks
        top = self.take_blocks(1, goal)[0]
        pointers = [0] * words
        first = layout.descriptors(0) + layout.descriptor_blocks
        copies = [group * layout.group_blocks for group in layout.supers()[1:]][:words]
        for index in range(layout.reserved_gdt):
            block = first + index
            pointers[(layout.descriptor_blocks + index) % words] = block
            self.blocks[block] = pack(f"<{words}I", *[block + step for step in copies], *[0] * (words - len(copies)))
        self.blocks[top] = pack(f"<{words}I", *pointers)
        size = (12 + words + words * words) * layout.block_size
        tree = pack("<15I", *[0] * 13, top, 0)
        count = 1 + layout.reserved_gdt * (1 + len(copies))
        self._file(RESIZE_INO, 0o100600, size, (0, tree), count * layout.cluster)

    # ---- inodes --------------------------------------------------------------------------------------------------

    def take_blocks(self, count: int, goal: int = 0) -> list[int]:
        """So many free blocks, the first there are from `goal` on."""
        goal = max(goal, self.layout.first_data_block)
        return [block for low, high in self.space.take(goal, count) for block in range(low, high)]

    def new_number(self) -> int:
        """The next inode that is free."""
        self.count += 1
        return self.count

    def plain_map(self, blocks: list[int], order: Sequence[int] = ()) -> tuple[int, bytes]:
        """(flags, block map) of a few blocks that are written in that order.

        A block joins the extent before it, and never the one behind it.
        """
        if not self.extents:
            return 0, pack("<15I", *blocks, *[0] * (15 - len(blocks)))
        ranks = {index: rank for rank, index in enumerate(order or range(len(blocks)))}
        runs: list[tuple[int, int]] = []
        for index, block in enumerate(blocks):
            if runs and runs[-1][1] == block and ranks[index] > ranks[index - 1]:
                runs[-1] = runs[-1][0], block + 1
            else:
                runs.append((block, block + 1))
        return self.extent_root(runs)

    def extent_root(self, runs: list[tuple[int, int]]) -> tuple[int, bytes]:
        """(flags, block map) of at most four ranges of blocks."""
        return d.INODE_EXTENTS, extent_node(runs, 4, 60)

    def _file(
        self, number: int, mode: int, size: int, mapped: tuple[int, bytes], blocks: int, **more: int | bytes
    ) -> None:
        """An inode with `size` bytes in so many blocks."""
        flags, tree = mapped
        if size >> 31:
            self.layout.features.add("large_file")
        sectors = (blocks + -blocks % self.layout.cluster) * self.layout.block_size // 512
        more.setdefault("links_count", 1)
        self._store(number, mode=mode, size_lo=size & 0xFFFFFFFF, size_high=size >> 32, flags=flags, block=tree,
                    blocks_lo=sectors & 0xFFFFFFFF, blocks_high=sectors >> 32, **self._times(1, EXTRA_ISIZE),
                    **more)  # fmt: skip

    def file(self, number: int, size: int, mapped: tuple[int, bytes], blocks: int) -> None:
        """An inode of the file system's own."""
        self._file(number, 0o100600, size, mapped, blocks)

    def _times(self, made: int, extra: int) -> dict[str, int]:
        """All times are the one of the volume's making."""
        time = self.wanted.time
        low = (time & 0x7FFFFFFF) - (time & 0x80000000)
        fields = {"atime": low, "ctime": low, "mtime": low}
        if self.layout.inode_size > 128 and extra:
            epoch = time - low >> 32
            fields |= {"extra_isize": extra, "crtime": low * made, "crtime_extra": epoch * made,
                       "atime_extra": epoch, "ctime_extra": epoch, "mtime_extra": epoch}  # fmt: skip
        return fields

    def _store(self, number: int, **values: int | bytes) -> None:
        size = self.layout.inode_size
        data = bytearray((d.Inode if size > 128 else d.OldInode).encode(**values))
        if number == FIRST_INO and "inline_data" in self.layout.features:
            data += pack("<I", d.XATTR_MAGIC)   # lost+found has grown out of its inode, and left it no attributes
        self.inodes[number] = self._sealed(number, data + bytes(size - len(data)))

    def _sealed(self, number: int, data: bytearray) -> bytes:
        """An inode with its checksum."""
        if self.sums.on:
            value = self.sums.of(bytes(data), self.sums.inode_seed(number))
            data[0x7C:0x7E] = pack("<H", value & 0xFFFF)
            if len(data) > 128 and data[0x80]:
                data[0x82:0x84] = pack("<H", value >> 16)
        return bytes(data)


def extent_node(runs: list[tuple[int, int]], room: int, size: int) -> bytes:
    """A leaf of an extent tree, of `size` bytes with room for so many extents."""
    data = [pack("<HHHHI", d.EXTENT_MAGIC, len(runs), room, 0, 0)]
    at = 0
    for low, high in runs:
        data.append(pack("<IHHI", at, high - low, low >> 32, low & 0xFFFFFFFF))
        at += high - low
    return b"".join(data).ljust(size, b"\0")
