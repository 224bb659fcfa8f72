# SPDX-License-Identifier: BSD-2-Clause
"""Record locks as fcntl(2) has them, among the clients of an export."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.ninep.constants import LOCK_READ, LOCK_UNLOCK, LOCK_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Identity: TypeAlias = tuple[int, int, int]
    Owner: TypeAlias = tuple[int, bytes, int]       # connection, client_id, proc_id

LOCKS_MAX = 1 << 14
"""Ranges that an export keeps."""
TO_THE_END = 1 << 64


class Held(NamedTuple):
    """A range that is locked: [start, end) of a file.

    fid  the owner's connection's, through which it was locked
    """

    owner: Owner
    kind: int
    start: int
    end: int
    fid: int = 0


def extent(start: int, length: int) -> tuple[int, int]:
    """Where a range begins and ends; a length of 0 reaches to the end of whatever the file becomes."""
    return start, start + length if length else TO_THE_END


class LockTable:
    """All locks of an export, by file."""

    def __init__(self, limit: int = LOCKS_MAX) -> None:
        self._limit = limit
        self._guard = Lock()
        self._files: dict[Identity, list[Held]] = {}

    def conflict(self, file: Identity, wanted: Held) -> Held | None:
        """A lock of somebody else's that is in the way of one; the one that begins first."""
        with self._guard:
            return self._conflict(file, wanted)

    def _conflict(self, file: Identity, wanted: Held) -> Held | None:
        found = [held for held in self._files.get(file, ())
                 if held.owner != wanted.owner and held.start < wanted.end and wanted.start < held.end
                 and LOCK_WRITE in (held.kind, wanted.kind)]  # fmt: skip
        return min(found, key=lambda held: held.start, default=None)

    def set(self, file: Identity, wanted: Held) -> bool:
        """Lock or unlock a range; whether it could be had.  Errors: EINVAL - no kind of lock; ENOLCK - too many."""
        if wanted.kind not in (LOCK_READ, LOCK_WRITE, LOCK_UNLOCK):
            raise fault(e.EINVAL)
        with self._guard:
            if wanted.kind != LOCK_UNLOCK and self._conflict(file, wanted) is not None:
                return False
            kept = [rest for held in self._files.get(file, ()) for rest in _without(held, wanted)]
            if wanted.kind != LOCK_UNLOCK:
                kept.append(wanted)
            others = sum(len(locks) for key, locks in self._files.items() if key != file)
            if len(kept) + others > self._limit:
                raise fault(e.ENOLCK)
            self._keep(file, kept)
            return True

    def drop(self, connection: int, file: Identity | None = None, fid: int = 0) -> None:
        """A connection gives up the locks of a file that it took through a fid, or all it has."""
        with self._guard:
            for key in [file] if file is not None else list(self._files):
                self._keep(key, [held for held in self._files.get(key, ())
                                 if held.owner[0] != connection or (file is not None and held.fid != fid)])  # fmt: skip

    def _keep(self, file: Identity, locks: list[Held]) -> None:
        if locks:
            self._files[file] = locks
        else:
            self._files.pop(file, None)


def _without(held: Held, other: Held) -> list[Held]:
    """What is left of a lock when its owner asks for a range anew."""
    if held.owner != other.owner or other.end <= held.start or held.end <= other.start:
        return [held]
    rest = [held._replace(end=other.start), held._replace(start=other.end)]
    return [piece for piece in rest if piece.start < piece.end]
