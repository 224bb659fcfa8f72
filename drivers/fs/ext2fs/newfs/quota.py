# SPDX-License-Identifier: BSD-2-Clause
"""The quota files of a new volume: who uses how much, in trees of blocks of 1 KiB.

The format is the kernel's "vfsv1" (fs/quota in the Linux documentation, quota tree revision 1): a header, then a radix
tree over the bytes of the id, the highest first, whose leaves hold records.  Nobody has a limit yet.
"""

from __future__ import annotations

from struct import pack_into

from rump.drivers.fs.ext2fs import disk_files as d

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.newfs.files import Files

USER, GROUP, PROJECT = range(3)
INODES = {USER: 3, GROUP: 4}        # a project quota's is the next that is free
MAGIC = {USER: 0xD9C01F11, GROUP: 0xD9C01927, PROJECT: 0xD9C03F14}
REVISION = 1
BLOCK = 1024                # bytes of the tree's own blocks
ROOT = 1                    # its block that the tree starts with
GRACE = 7 * 24 * 3600       # seconds that blocks and inodes may be over the soft limit
LEAF_HEAD = 16              # bytes
RECORD = 72                 # bytes


class Tree:
    """A quota file in the making.

    blocks   its blocks of 1 KiB
    order    their numbers in the order they are first written
    """

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self._leaf = 0          # the one leaf: it has room for 14
        self._records = 0
        self.blocks = [bytearray(BLOCK), bytearray(BLOCK)]
        self.order = [0]

    def add(self, number: int, space: int, inodes: int) -> None:
        """A user, group or project with the bytes and inodes it uses."""
        known, node = len(self.blocks), ROOT
        for depth, index in enumerate(number.to_bytes(4, "big")):
            node = self._child(node, index, self._leaf if depth == 3 else 0)
        self._leaf = node
        place = LEAF_HEAD + self._records * RECORD
        pack_into("<II7Q", self.blocks[node], place, number, 0, 0, 0, inodes, 0, 0, space, 0)
        self._records += 1
        self.order += range(known, len(self.blocks))
        if known == ROOT + 1:
            self.order.append(ROOT)

    def _child(self, node: int, index: int, choice: int) -> int:
        """The block a node refers to; if to none yet, it is `choice`, or a new one."""
        found = int.from_bytes(self.blocks[node][4 * index : 4 * index + 4], "little")
        if found:
            return found
        if not choice:
            choice = len(self.blocks)
            self.blocks.append(bytearray(BLOCK))
        pack_into("<I", self.blocks[node], 4 * index, choice)
        return choice

    def finish(self) -> bytes:
        """The file."""
        pack_into("<8I", self.blocks[0], 0, MAGIC[self._kind], REVISION, GRACE, GRACE, 0, len(self.blocks), 0,
                  self._leaf)  # fmt: skip
        pack_into("<IIH", self.blocks[self._leaf], 0, 0, 0, self._records)
        return b"".join(self.blocks)


def make(files: Files, kinds: tuple[int, ...]) -> dict[str, int]:
    """Make the quota files; the superblock's fields that say where they are."""
    fields = ("usr_quota_inum", "grp_quota_inum", "prj_quota_inum")
    return {fields[kind]: _make(files, kind) for kind in kinds}


def _make(files: Files, kind: int) -> int:
    number = INODES.get(kind) or files.new_number()
    tree, size = Tree(kind), files.layout.block_size
    for owner, (space, inodes) in sorted(_usage(files, kind).items()):
        tree.add(owner, space, inodes)
    data = tree.finish()
    order = list(dict.fromkeys([index * BLOCK // size for index in tree.order]))
    places = _places(files, order)
    for index, block in places.items():
        files.blocks[block] = data[index * size : (index + 1) * size].ljust(size, b"\0")
    blocks = [places[index] for index in range(len(places))]
    flags, tree_bytes = files.plain_map(blocks, order)
    files.file(number, len(data), (flags | d.INODE_IMMUTABLE, tree_bytes), len(blocks))
    return number


def _places(files: Files, order: list[int]) -> dict[int, int]:
    """Block of the file -> block of the volume; each, or its cluster, is taken when it is first written."""
    cluster = files.layout.cluster
    starts: dict[int, int] = {}
    for index in order:
        if index // cluster not in starts:
            starts[index // cluster] = files.take_blocks(1)[0]
    return {index: starts[index // cluster] + index % cluster for index in order}


def _usage(files: Files, kind: int) -> dict[int, tuple[int, int]]:
    """Owner -> (bytes, inodes) of the root directory and lost+found."""
    owners = (0 if kind == PROJECT else files.wanted.root_owner[kind], 0)
    usage: dict[int, tuple[int, int]] = {}
    for owner, count in zip(owners, files.folder_blocks, strict=True):
        space, inodes = usage.get(owner, (0, 0))
        usage[owner] = space + count * files.layout.block_size, inodes + 1
    return usage
