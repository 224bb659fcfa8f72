# SPDX-License-Identifier: BSD-2-Clause
"""Blocks of a file that are given up, in steps that fit a transaction."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

STEP = 40               # blocks of metadata that one step changes, about
_LEAF = 4               # of them: a leaf and what leads to it
_REVOKES = 64           # revoked blocks weigh as much as one that changes


def is_journalled(state: State, draft: Inode) -> bool:
    """Whether a regular file's contents are changed through the store."""
    return bool(draft.flags & disk_files.INODE_JOURNAL_DATA) and not state.ordered


def is_metadata(state: State, draft: Inode) -> bool:
    """Whether a file's own blocks are changed through the store."""
    return (
        draft.mode & abi.S_IFMT != abi.S_IFREG
        or bool(draft.flags & disk_files.INODE_EA_INODE)
        or is_journalled(state, draft)
    )


class Releases:
    """What one removal gives up.

    Its maps call `pause` wherever what they have done is consistent; when a step has grown, `between` is called, which
    may commit.  Without one all is a single step.
    """

    def __init__(self, state: State, draft: Draft, between: Callable[[], None] | None) -> None:
        self._state = state
        self._draft = draft
        self._between = between
        self._forget = is_metadata(state, draft)
        self._groups: dict[int, bool] = {}
        self._others = 0

    @property
    def full(self) -> bool:
        """Whether the step has grown."""
        return self._between is not None and 2 * len(self._groups) + self._others >= STEP

    def leaf(self) -> None:
        """A leaf of the map changes."""
        self._others += _LEAF

    def data(self, start: int, count: int) -> None:
        """Blocks of the file's contents are free."""
        state = self._state
        if self._forget:
            for block in range(start, start + count):
                state.store.forget(block)
            self._others += -(-count // _REVOKES)
        free(state, self._draft, start, count)
        geometry = state.geometry
        last = (start + count - 1 - geometry.first_data_block) // geometry.blocks_per_group
        for group in range((start - geometry.first_data_block) // geometry.blocks_per_group, last + 1):
            self._groups[group] = True

    def pause(self) -> None:
        """The map is consistent."""
        if self.full and self._between is not None:
            self._between()
            self._groups.clear()
            self._others = 0


def free(state: State, draft: Draft, start: int, count: int) -> None:
    """Blocks do not belong to a file any more.  A counter that was wrong before does not go below 0."""
    state.alloc.release(start, count)
    draft.sectors = max(0, draft.sectors - (count << state.geometry.shift - 9))


def free_node(state: State, draft: Draft, block: int) -> None:
    """A block of a file's map is free."""
    state.store.forget(block)
    free(state, draft, block, 1)


def take_node(state: State, draft: Draft, goal: int) -> int:
    """A new block for a file's map.  Errors: ENOSPC."""
    block: int
    block, _ = state.alloc.take(goal, 1)
    draft.sectors += 1 << state.geometry.shift - 9
    return block
