# SPDX-License-Identifier: BSD-2-Clause
"""Orphans: inodes to finish deleting, or truncating, should the machine stop.

They form a list that begins in the superblock (`last_orphan`) and goes on in each inode's `dtime`; the newest comes
first.  With orphan_file others may have kept them in a file instead; what is in it is finished at mount, and the list
is used from then on, as the format allows.  Volumes without a journal keep no list: their checker looks everywhere.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import orphan_file
from rump.drivers.fs.ext2fs.disk import RO_COMPAT_ORPHAN_PRESENT
from rump.drivers.fs.ext2fs.orphan_file import TAIL, TAIL_MAGIC
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.transaction import STRUCTURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State


class Orphans:
    """The orphans of a volume."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._chain: dict[int, bool] = {}       # in the order added: the head of the list is the last
        self._filed: dict[int, tuple[int, int]] = {}    # number -> (block, index) of those in the orphan file

    def __contains__(self, number: int) -> bool:
        return number in self._chain or number in self._filed

    def add(self, draft: Draft) -> None:
        """Put an inode in the list; the caller saves the draft."""
        number = draft.number
        if number in self:
            return
        store = self._state.store
        if not draft.links:
            store.set(self._state.inodes.orphans, number, True)
        store.set(self._chain, number, True)
        if not self._state.ordered:
            draft.dtime = self._state.super["last_orphan"]
            self._state.super["last_orphan"] = number

    def remove(self, draft: Draft) -> None:
        """Take an inode out of the list; the caller saves the draft."""
        number = draft.number
        if number not in self:
            return
        state = self._state
        if number in state.inodes.orphans:
            state.store.set(state.inodes.orphans, number, None)
        if number in self._filed:
            self._strike(number)
            return
        if not state.ordered:
            if state.super["last_orphan"] == number:
                state.super["last_orphan"] = draft.dtime
            else:
                self._unlink(number, draft.dtime)
            draft.dtime = 0
        state.store.set(self._chain, number, None)

    def _unlink(self, number: int, following: int) -> None:
        """Let the inode that was added next point past this one."""
        order = iter(self._chain)
        for other in order:
            if other == number:
                break
        newer = next(order)
        inodes = self._state.inodes
        draft = inodes.edit(newer, *inodes.special(newer))
        draft.dtime = following
        inodes.save(draft)

    # ---- after a crash -----------------------------------------------------------------------------------------------

    def _read_list(self) -> None:
        """Take in what the list on the device has.  Errors: Corrupt."""
        state = self._state
        seen: list[int] = []
        number = state.super["last_orphan"]
        while number:
            if number in state.inodes.orphans or not state.geometry.first_ino <= number <= state.geometry.inodes:
                raise Corrupt(f"list of orphans: inode {number}")
            seen.append(number)
            state.inodes.orphans[number] = True
            number = state.inodes.edit(number, *state.inodes.special(number)).dtime
        for number in reversed(seen):       # the newest is the head again
            self._chain[number] = True

    def _read_file(self) -> None:
        """Take in what the orphan file has.  Errors: Corrupt."""
        state = self._state
        if not state.super["feature_ro_compat"] & RO_COMPAT_ORPHAN_PRESENT:
            return
        for block, words in self._file_blocks():
            for index, number in enumerate(words):
                if number and number not in self._chain:
                    if not state.geometry.first_ino <= number <= state.geometry.inodes:
                        raise Corrupt(f"orphan file: inode {number}")
                    self._filed[number] = block, index
                    state.inodes.orphans[number] = True

    def _file_blocks(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """(block of the volume, inode numbers in it) of the orphan file."""
        state = self._state
        return orphan_file.blocks(state.maps, self._file(), state.geometry.shift, state.store.read)

    def _file(self) -> Inode:
        inodes = self._state.inodes
        number = self._state.super["orphan_file_inum"]
        return inodes.make(number, *inodes.special(number))

    def _strike(self, number: int) -> None:
        """Take an inode out of the orphan file."""
        state = self._state
        block, index = self._filed[number]
        state.store.set(self._filed, number, None)
        body = bytearray(state.store.read(block)[: -TAIL.size])
        body[index * 4 : index * 4 + 4] = bytes(4)
        checksum = 0
        if state.geometry.checksums:
            inode, crc32c = self._file(), state.services.crc32c
            seed = state.medium.inode_seed(inode.number, inode.generation)
            checksum = crc32c(crc32c(seed, block.to_bytes(8, "little")), body)
        state.store.put(block, bytes(body) + TAIL.pack(TAIL_MAGIC, checksum), STRUCTURE)

    def finish(self, run: Callable[[Callable[[], None]], None]) -> tuple[int, int]:
        """Delete and truncate what a crash left; (files deleted, files truncated).  `run` makes an operation of each.

        One that cannot be finished is left in the list, with a line for people.
        """
        state = self._state
        try:
            self._read_list()
            self._read_file()
        except Corrupt as error:
            state.medium.log(f"{error.detail}; nothing is finished")
            return 0, 0
        counts = [0, 0]
        for number in [*reversed(self._chain), *self._filed]:
            try:
                run(lambda number=number: self._finish(number, counts))  # type: ignore[misc]
            except Fault as error:
                state.medium.log(f"orphan inode {number}: {error}")
        if not self._filed and state.super["feature_ro_compat"] & RO_COMPAT_ORPHAN_PRESENT:
            run(self._nothing_filed)
        return counts[0], counts[1]

    def _finish(self, number: int, counts: list[int]) -> None:
        state = self._state
        draft = state.inodes.edit(number, *state.inodes.special(number))
        if not draft.links:
            state.delete(draft)
            counts[0] += 1
            return
        state.store.set(state.inodes.orphans, number, None)
        if draft.mode & abi.S_IFMT == abi.S_IFREG:
            state.data.cut(draft)
        self.remove(draft)
        state.inodes.save(draft)
        counts[1] += 1

    def _nothing_filed(self) -> None:
        """No orphan is in the file any more."""
        flags = self._state.super["feature_ro_compat"]
        self._state.super["feature_ro_compat"] = flags & ~RO_COMPAT_ORPHAN_PRESENT
