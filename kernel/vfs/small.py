# SPDX-License-Identifier: BSD-2-Clause
"""Many small files at once: whole contents, read in as few pieces of the device as they lie in.

Tools that fill a file system put the files of a directory behind one another; reading them one by one costs a
system call and a hypercall each, reading them together costs a few for hundreds.
"""

from __future__ import annotations

from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.data import check_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.kernel.vfs.mount import Mount
    from rump.kernel.vfs.volume import Attributes, EntryPlus, Handle, Run

    Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
    Small: TypeAlias = tuple[bytes, Pairs]

SPAN_MAX = 1 << 20
"""Bytes of the device read in one piece."""
GAP_MAX = 1 << 14
"""Bytes between two files that are read along rather than skipped."""


class Listed(dict[bytes, "Attributes | None"]):
    """Attributes of a page of a listing by name, sorted in when `get`, the only call for others, is first used."""

    __slots__ = ("_rows",)

    def __init__(self, rows: tuple[EntryPlus, ...]) -> None:
        self._rows = rows

    def get(self, name: bytes, default: Attributes | None = None) -> Attributes | None:    # type: ignore[override]
        if self._rows:
            self.update({name: attributes for name, _, attributes in self._rows})
            self._rows = ()
        return super().get(name, default)


def read_small(mount: Mount, files: list[tuple[Handle, int]]) -> list[Small | None]:
    """(contents, extended attributes) of regular files given as (handle, size); None: read it alone.

    Requires: nothing changes them meanwhile; their sizes together are what the caller is ready to hold.
    """
    gathered = mount.volume.gather(tuple([file for file, _ in files]))
    plans: list[tuple[Run, ...] | None] = []
    for (file, size), found in zip(files, gathered, strict=True):
        plans.append(_checked(mount, file, size, found[0]) if found is not None else None)
    pieces = _fetch(mount, [run for plan in plans if plan for run in plan])
    result: list[Small | None] = []
    for (file, _), plan, found in zip(files, plans, gathered, strict=True):
        if plan is None or found is None:
            result.append(None)
            continue
        pairs = _xattrs(mount, file, found[1]) if found[1] else ()
        result.append(None if pairs is None else (_contents(plan, pieces), pairs))
    return result


def _xattrs(mount: Mount, file: Handle, names: tuple[bytes, ...]) -> Pairs | None:
    try:
        return tuple([(name, mount.volume.get_xattr(file, name)) for name in names])
    except Fault:
        return None


def _checked(mount: Mount, file: Handle, size: int, runs: tuple[Run, ...]) -> tuple[Run, ...] | None:
    """The runs, if they are all of the file and need nothing but the device."""
    limit = mount.device.size if mount.device is not None else 0
    end = 0
    try:
        for run in runs:
            if run[0] != v.DATA:
                return None         # not in blocks, or with holes that whoever asks may want to keep
            end = check_run(file, run, end, size, limit)
    except Corrupt:
        return None
    return runs if end == size else None


def _fetch(mount: Mount, runs: list[Run]) -> dict[tuple[int, int], bytes]:
    """The bytes of each run, by its device offset and length; runs that lie near one another are read together."""
    device = mount.device
    pieces: dict[tuple[int, int], bytes] = {}
    if device is None:
        return pieces
    scratch, mount.scratch = mount.scratch or memoryview(bytearray(SPAN_MAX)), None     # ours while the host reads
    try:
        for start, end, members in _spans(sorted(runs, key=_where)):
            span = scratch[: end - start] if end - start <= SPAN_MAX else memoryview(bytearray(end - start))
            device.readinto(start, span)
            for _, _, count, where in members:
                pieces[where, count] = bytes(span[where - start : where - start + count])
    finally:
        mount.scratch = scratch
    return pieces


def _spans(runs: list[Run]) -> Iterator[tuple[int, int, list[Run]]]:
    """(start, end, the runs in it) of the pieces of the device to read."""
    start = end = 0
    members: list[Run] = []
    for run in runs:
        where, stop = run[3], run[3] + run[2]
        if members and where <= end + GAP_MAX and stop <= start + SPAN_MAX:
            end = max(end, stop)
        else:
            if members:
                yield start, end, members
            start, end, members = where, stop, []
        members.append(run)
    if members:
        yield start, end, members


def _where(run: Run) -> int:
    return run[3]


def _contents(runs: tuple[Run, ...], pieces: dict[tuple[int, int], bytes]) -> bytes:
    if len(runs) == 1:
        return pieces[runs[0][3], runs[0][2]]
    return b"".join([pieces[run[3], run[2]] for run in runs])
