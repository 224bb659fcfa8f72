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
    from typing import TypeAlias

    from rump.kernel.vfs.mount import Mount
    from rump.kernel.vfs.volume import Handle, Run

    Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
    Small: TypeAlias = tuple[bytes, Pairs]

SPAN_MAX = 1 << 20
"""Bytes of the device read in one piece."""
GAP_MAX = 1 << 14
"""Bytes between two files that are read along rather than skipped."""


class Span:
    """A piece of the device, read once."""

    __slots__ = ("data", "end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.data = b""


def read_small(mount: Mount, files: list[tuple[Handle, int]]) -> list[Small | None]:
    """(contents, extended attributes) of regular files given as (handle, size); None: read it alone.

    Requires: nothing changes them meanwhile; their sizes together are what the caller is ready to hold.
    """
    gathered = mount.volume.gather(tuple([file for file, _ in files]))
    plans: list[tuple[Run, ...] | None] = []
    for (file, size), found in zip(files, gathered, strict=True):
        plans.append(_checked(mount, file, size, found[0]) if found is not None else None)
    spans = _fetch(mount, [run for plan in plans if plan for run in plan])
    result: list[Small | None] = []
    for (file, _), plan, found in zip(files, plans, gathered, strict=True):
        pairs = _xattrs(mount, file, found[1]) if plan is not None and found is not None else None
        result.append(None if plan is None or pairs is None else (_contents(plan, spans), pairs))
    return result


def _xattrs(mount: Mount, file: Handle, names: tuple[bytes, ...]) -> Pairs | None:
    if not names:
        return ()
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


def _fetch(mount: Mount, runs: list[Run]) -> dict[int, Span]:
    """Read the device where the runs are; the span of each run by its device offset."""
    found: dict[int, Span] = {}
    last: Span | None = None
    order: list[Span] = []
    for _, _, count, where in sorted(runs, key=_where):
        if last is None or where > last.end + GAP_MAX or where + count > last.start + SPAN_MAX:
            last = Span(where, where + count)
            order.append(last)
        elif where + count > last.end:
            last.end = where + count
        found[where] = last
    if mount.device is not None:
        for span in order:
            span.data = mount.device.read(span.start, span.end - span.start)
    return found


def _where(run: Run) -> int:
    return run[3]


def _contents(runs: tuple[Run, ...], spans: dict[int, Span]) -> bytes:
    parts = []
    for _, _, count, where in runs:
        span = spans[where]
        parts.append(span.data[where - span.start : where - span.start + count])
    return parts[0] if len(parts) == 1 else b"".join(parts)
