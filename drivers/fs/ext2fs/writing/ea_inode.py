# SPDX-License-Identifier: BSD-2-Clause
"""Values of extended attributes that have an inode of their own (feature ea_inode).

Such an inode's atime is the CRC-32C of the value, its version (and ctime, the upper half) counts the attributes that
refer to it: the kernel's documentation "ext4 Data Structures and Algorithms", Large Extended Attribute Values.  Those
of Lustre have no count; their mtime and generation name the one file they belong to.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.inode import NANO
from rump.drivers.fs.ext2fs.xattr import VALUE_MAX
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.transaction import NEW
from rump.kernel.vfs.volume import DATA
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

OTHER_BLOCKS = 16       # that the transaction takes, besides those of the value: bitmaps, inodes, nodes
_WORD = 0xFFFFFFFF


def create(state: State, draft: Draft, value: bytes) -> tuple[int, int]:
    """(number, CRC-32C of the value) of a new inode that holds a value of `draft` and has one reference.

    Errors: ENOSPC - of blocks, of inodes, or the journal is too small for so large a value.
    """
    shift = state.geometry.shift
    blocks = -(-len(value) >> shift)
    if state.store.weight() + blocks + OTHER_BLOCKS > state.store.keeper.limit:
        raise fault(e.ENOSPC, f"inode {draft.number}: an attribute of {len(value)} bytes is too much for the journal")
    number = state.alloc.new_inode(draft, False)
    holder = state.inodes.blank(number)
    holder.generation = state.inodes.next_generation(number)
    holder.mode = abi.S_IFREG | 0o600
    holder.links = 1
    holder.flags = disk_files.INODE_EA_INODE
    state.block_maps.initialise(holder)
    checksum = state.services.crc32c(state.geometry.seed, value)
    holder.atime = ((checksum ^ 1 << 31) - (1 << 31)) * NANO        # all 32 bits of the field
    holder.mtime = state.now()
    holder.version = 1
    _fill(state, holder, value, blocks)
    holder.size = len(value)
    state.inodes.save(holder)
    return number, checksum


def _fill(state: State, holder: Draft, value: bytes, blocks: int) -> None:
    """Give an inode blocks with a value in them."""
    size, done = state.geometry.block_size, 0
    while done < blocks:
        start, count = state.alloc.take(state.alloc.goal(holder, done), blocks - done)
        if start + count > state.block_maps.target_max(holder):
            raise fault(e.ENOSPC, f"inode {holder.number}: its block map does not reach to block {start}")
        state.block_maps.add(holder, done, start, count)
        for block in range(count):
            at = (done + block) * size
            state.store.put(start + block, value[at : at + size].ljust(size, b"\0"), NEW)
        done += count


def content(state: State, draft: Draft, number: int, size: int) -> bytes:
    """The value of `size` bytes that an inode holds, as it is now.  Errors: Corrupt."""
    holder = _open(state, draft, number)
    if holder.size != size:
        raise Corrupt(f"inode {number}: holds {holder.size} bytes of an attribute that has {size}")
    block_size = state.geometry.block_size
    data = bytearray(-(-size // block_size) * block_size)
    for block, target in _blocks(state, holder):
        data[block * block_size : (block + 1) * block_size] = state.store.read(target)
    return bytes(data[:size])


def refer(state: State, draft: Draft, number: int, change: int) -> None:
    """So many attributes more refer to an inode; without any it is freed.  Errors: Corrupt."""
    holder = _open(state, draft, number)
    if _is_lustre(holder, draft):
        count = 1
    else:
        count = (holder.ctime // NANO & _WORD) << 32 | holder.version & _WORD
    count += change
    if count <= 0:
        _free(state, holder)
        return
    high = count >> 32 & _WORD
    holder.ctime = ((high ^ 1 << 31) - (1 << 31)) * NANO
    holder.version = count & _WORD
    state.inodes.save(holder)


def charge(state: State, draft: Draft, number: int, size: int) -> int:
    """Sectors that a value of `size` bytes in an inode counts for with the file that has it: every such file's counter
    includes them, but those of Lustre.  Errors: Corrupt."""
    return 0 if _is_lustre(_open(state, draft, number), draft) else sectors(state, size)


def sectors(state: State, size: int) -> int:
    """As `charge`, of a value made here."""
    cluster = state.geometry.cluster_size
    return -(-size // cluster) * (cluster >> 9)


def _is_lustre(holder: Draft, draft: Draft) -> bool:
    return holder.mtime // NANO & _WORD == draft.number and holder.generation == draft.generation


def _free(state: State, holder: Draft) -> None:
    """Free an inode and its blocks, which are metadata."""
    state.block_maps.remove(holder, 0, -(-holder.size >> state.geometry.shift))
    holder.size = 0
    state.alloc.free_inode(holder.number, False)
    state.inodes.free(holder, state.now() // NANO)


def _open(state: State, draft: Draft, number: int) -> Draft:
    """The inode that an attribute refers to.  Errors: Corrupt."""
    if number < state.geometry.first_ino or number == draft.number:
        raise Corrupt(f"inode {draft.number}: inode {number} cannot hold an attribute")
    try:
        holder = state.inodes.edit(number, *state.inodes.special(number))
    except Fault as error:
        raise Corrupt(f"attribute in inode {number}: {error}") from None
    if not holder.flags & disk_files.INODE_EA_INODE or holder.size > VALUE_MAX:
        raise Corrupt(f"inode {number}: flags {holder.flags:#x}, size {holder.size}; it holds no attribute")
    return holder


def _blocks(state: State, holder: Inode) -> Iterator[tuple[int, int]]:
    """(block of the value, block of the volume)."""
    done, total = 0, -(-holder.size >> state.geometry.shift)
    while done < total:
        for kind, block, count, target in state.maps.blocks(holder, done, total):
            done = block + count
            if kind == DATA:
                yield from zip(range(block, done), range(target, target + count), strict=True)
