# SPDX-License-Identifier: BSD-2-Clause
"""The data of regular files, by runs: the driver says where it is, the kernel reads it.

Every run is checked against the device before anything is read: a driver (or the image it believed) cannot make the
kernel read outside the volume, or return more or less than was asked for.
"""

from __future__ import annotations

from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Handle, Run

ZEROS = bytes(1 << 16)


def runs(vnode: Vnode, offset: int, length: int) -> Iterator[Run]:
    """The runs of a range, cut at the file's size, checked.  Requires: the vnode's lock."""
    mount = vnode.mount
    end = min(offset + length, vnode.attributes[v.SIZE])
    limit = mount.device.size if mount.device is not None else 0
    while offset < end:
        found = mount.volume.map(vnode.handle, offset, end - offset)
        if not found:
            raise Corrupt(f"file {vnode.handle[0]}: nothing mapped at {offset}")
        for run in found:
            offset = check_run(vnode.handle, run, offset, end, limit)
            yield run


def check_run(file: Handle, run: Run, offset: int, end: int, limit: int) -> int:
    """A run must begin at `offset`, not reach beyond `end`, and lie within a device of `limit` bytes; where it ends.

    Errors: EIO.
    """
    kind, start, count, where = run
    if start != offset or count <= 0 or offset + count > end:
        raise Corrupt(f"file {file[0]}: run {run} at {offset}")
    if kind == v.DATA and not 0 <= where <= limit - count:
        raise Corrupt(f"file {file[0]}: bytes {start}-{start + count} lie outside the volume")
    return offset + count


def readinto(vnode: Vnode, buffer: memoryview, offset: int) -> int:
    """Fill a buffer from a regular file; how many bytes, short only at its end."""
    length = min(len(buffer), vnode.attributes[v.SIZE] - offset)
    if length <= 0:
        return 0
    requests: list[tuple[int, Buffer]] = []
    vnode.lock.shared()
    try:
        for kind, start, count, where in runs(vnode, offset, length):
            piece = buffer[start - offset : start - offset + count]
            if kind == v.DATA:
                requests.append((where, piece))
            elif kind in (v.HOLE, v.UNWRITTEN):
                zero(piece)
            else:
                read_encoded(vnode, start, piece)
        if requests:
            _fetch(vnode, requests)
    finally:
        vnode.lock.unlock()
    return length


def _fetch(vnode: Vnode, requests: list[tuple[int, Buffer]]) -> None:
    device = vnode.mount.device
    if device is None:
        raise fault(e.EIO, "volume without a device")
    if len(requests) == 1:
        device.readinto(*requests[0])
    else:
        device.readinto_many(requests)


def zero(piece: memoryview) -> None:
    """Fill with zeros."""
    for start in range(0, len(piece), len(ZEROS)):
        part = piece[start : start + len(ZEROS)]
        part[:] = ZEROS[: len(part)]


def read_encoded(vnode: Vnode, start: int, piece: memoryview) -> None:
    """Bytes that the driver itself must read."""
    data = vnode.mount.volume.read(vnode.handle, start, len(piece))
    if len(data) != len(piece):
        raise Corrupt(f"file {vnode.handle[0]}: {len(data)} bytes at {start}, not {len(piece)}")
    piece[:] = data


def seek_data(vnode: Vnode, offset: int, hole: bool) -> int:
    """The start of the next data (or hole) at or behind `offset`; the end of the file counts as a hole.

    Errors: ENXIO - behind the end, or no more data.
    """
    size = vnode.attributes[v.SIZE]
    if not 0 <= offset < size:
        raise fault(e.ENXIO)
    vnode.lock.shared()
    try:
        for kind, start, _, _ in runs(vnode, offset, size - offset):
            if (kind in (v.HOLE, v.UNWRITTEN)) == hole:
                return start
    finally:
        vnode.lock.unlock()
    if hole:
        return size
    raise fault(e.ENXIO)
