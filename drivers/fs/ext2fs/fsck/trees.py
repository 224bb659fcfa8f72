# SPDX-License-Identifier: BSD-2-Clause
"""Hash trees of directories: whether they are in order, and every name is where it will be looked for."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.dx_hash import name_hash
from rump.drivers.fs.ext2fs.htree import Tree
from rump.kernel.errors import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.ops import Ext2Volume

BEHIND = 1 << 32        # behind all hashes
SIPHASH = 6             # a hash that needs a key


def check(volume: Ext2Volume, inode: Inode, where: dict[bytes, int]) -> list[str]:
    """What is wrong with a directory's tree; `where` tells the block that each name is in."""
    try:
        tree = Tree(volume.directories, volume.medium.geometry, inode)
        leaves, problems = _leaves(tree)
    except Fault as error:
        return [(error.detail or str(error)).removeprefix(f"directory {inode.number}: ")]
    spans = dict(leaves)
    blocks = volume.directories.count(inode)
    missing = [block for block in range(1, blocks) if block not in spans and block not in tree.nodes]
    problems += [f"block {block} is not in the hash tree" for block in missing[:16]]
    if inode.flags & (disk_files.INODE_CASEFOLD | disk_files.INODE_ENCRYPT) or tree.version == SIPHASH:
        return problems         # hashes of folded names, and of names that only a key tells
    for name, block in where.items():
        value = name_hash(name, tree.version, volume.medium.geometry.raw.hash_seed)
        span = spans.get(block)
        if value is None:
            return [*problems, f"hash version {tree.version} is not known"]
        if span is not None and not span[0] & ~1 <= value <= span[1]:
            problems.append(f"{repr(name)[1:]} has the hash {value:08x}, its block {block} those from {span[0]:08x}")
    return problems


def _leaves(tree: Tree) -> tuple[list[tuple[int, tuple[int, int]]], list[str]]:
    """(block, (least hash, greatest hash)) of the leaves in order, and what is wrong.  A block whose last hash goes on
    in the next may have that one, too.  Errors: Corrupt."""
    rows = [*tree.entries()]
    problems: list[str] = []
    leaves: list[tuple[int, tuple[int, int]]] = []
    seen: set[int] = set()
    for index, (least, block) in enumerate(rows):
        following = rows[index + 1][0] if index + 1 < len(rows) else BEHIND
        if following & ~1 < least & ~1:
            problems.append(f"hash tree: {following:08x} comes behind {least:08x}")
        if block in seen or not 0 < block < tree.blocks:
            problems.append(f"hash tree: block {block} is in it twice, or is none of the directory's")
        seen.add(block)
        leaves.append((block, (least, following if following & 1 else following - 1)))
    return leaves, problems
