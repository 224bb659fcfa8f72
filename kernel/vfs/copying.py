# SPDX-License-Identifier: BSD-2-Clause
"""Copying into regular files: from files of the host, and from one file of the kernel to another.

What comes to lie where does not depend on what the host can do: pieces begin and end in the same places whether they
are copied inside the host or through a buffer, and holes are found by their contents, whatever the host says of them.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.vfs import data, writing
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import EXTENT_DATA, FT_BLK, FT_DIR, FT_REG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.vnode import Vnode
    from rump.rumpuser.interface.hypercalls import Hypercalls

BUFFER = 1 << 20
"""Bytes that pass through memory at once."""
BLOCK = 4096
"""Granularity of the holes that are made."""
ZERO_BLOCK = bytes(BLOCK)
PIECE = 64 << 20
"""Bytes that are copied inside the host at once."""
COPY_INSIDE_HOST = 1 << 18
"""Runs of at least this length are left to the host's own copy; below it a read and a write are quicker."""
WINDOW_MAX = 1 << 40
"""Bytes of a host file that are searched for data at once."""
_CANNOT = (e.ENOTSUP, e.EOPNOTSUPP, e.ENOSYS, e.EXDEV)


class HostFile:
    """An adopted file of the host, to be read.

    end   where it ends, in bytes; None where the host cannot tell: reading does

    Errors of making one: EBADF; EISDIR.
    """

    def __init__(self, host: Hypercalls, handle: int) -> None:
        self._host = host
        self.handle = handle
        size, kind, _ = host.getfileinfo(handle)
        if kind == FT_DIR:
            raise fault(e.EISDIR, "the host's file")
        self.end = size if kind in (FT_REG, FT_BLK) else None
        self._copies = host.traits.copies_ranges
        self._finds = host.traits.finds_holes and kind == FT_REG

    def read(self, buffer: memoryview, offset: int) -> int:
        """Fill a buffer; how many bytes, short only at the end."""
        return self._host.read(self.handle, buffer, offset)

    def next_data(self, offset: int, end: int) -> int:
        """Where the next data is, as far as the host knows; `end` if there is none before."""
        window = BUFFER
        while self._finds and offset < end:
            for kind, start, _ in self._host.extents(self.handle, offset, min(window, end - offset)):
                if kind == EXTENT_DATA:
                    return start
            offset += window
            window = min(2 * window, WINDOW_MAX)
        return min(offset, end)

    def pour(self, device: BlockDevice, where: int, source: int, count: int) -> int:
        """Copy to a device; how many bytes, short only at the end.  Inside the host if it is worth it."""
        if self._copies and count >= COPY_INSIDE_HOST:
            try:
                return device.copy_from(where, self.handle, source, count)
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
                self._copies = False
        buffer = memoryview(bytearray(min(BUFFER, count)))
        done = 0
        while done < count:
            got = self.read(buffer[: count - done], source + done)
            if not got:
                break
            device.write(where + done, buffer[:got])
            done += got
        return done


def copy_in(vnode: Vnode, offset: int, length: int, file: HostFile, source: int, sparse: bool) -> int:
    """Copy bytes of a host file into a regular file; how many were covered, short only at the host file's end.

    With `sparse` blocks of zeros are left out: the regular file must read as zeros there; it is made as long as what
    was covered.  Requires: the vnode's lock, exclusively; `writing.check`.
    Errors: ENOSPC, EDQUOT and all else - any part may be copied.
    """
    if file.end is not None:
        length = max(0, min(length, file.end - source))
    if not (sparse and vnode.mount.capabilities.sparse):
        return _copy_all(vnode, offset, length, file, source)
    done = 0
    held = bytearray(min(BUFFER, length))
    buffer = memoryview(held)
    while done < length:
        done = _skip(offset, done, file.next_data(source + done, source + length) - source)
        piece = buffer[: min(BUFFER - (offset + done) % BUFFER, length - done)]
        got = file.read(piece, source + done) if piece else 0
        for first, last in _stretches(offset + done, held, got):
            _write(vnode, offset + done + first, piece[first:last])
        done += got
        if got < len(piece):
            break
    if offset + done > vnode.attributes[v.SIZE]:
        vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.SIZE, offset + done),))
    return done


def _skip(offset: int, done: int, data_at: int) -> int:
    """Where to go on if there is no data before `data_at`: pieces that are all hole are passed over, whole."""
    start = (offset + data_at) // BUFFER * BUFFER - offset
    return max(done, start)


def _stretches(offset: int, held: bytearray, length: int) -> Iterator[tuple[int, int]]:
    """The parts of what comes to `offset` that are made of blocks with anything but zeros in them."""
    begin = -1
    at = 0
    while at < length:
        following = min(length, at + BLOCK - (offset + at) % BLOCK)
        if held.startswith(ZERO_BLOCK if following - at == BLOCK else ZERO_BLOCK[: following - at], at):
            if begin >= 0:
                yield begin, at
            begin = -1
        elif begin < 0:
            begin = at
        at = following
    if begin >= 0:
        yield begin, length


def _copy_all(vnode: Vnode, offset: int, length: int, file: HostFile, source: int) -> int:
    """Everything, zeros too."""
    done = 0
    buffer: memoryview | None = None
    while done < length:
        start, rest = source + done, length - done
        count = 0
        if rest >= COPY_INSIDE_HOST and file.end is not None:

            def pour(device: BlockDevice, where: int, at: int, count: int, start: int = start) -> int:
                return file.pour(device, where, start + at, count)

            count = writing.fill(vnode, offset + done, min(PIECE, rest), pour)
        if not count:
            if buffer is None:
                buffer = memoryview(bytearray(min(BUFFER, rest)))
            count = file.read(buffer[:rest], start)
            if not count:
                break
            _write(vnode, offset + done, buffer[:count])
        done += count
    return done


def _write(vnode: Vnode, offset: int, piece: memoryview) -> None:
    """All of it, or an error."""
    count = writing.write(vnode, offset, piece)
    if count < len(piece):
        raise fault(e.ENOSPC)


def copy_range(vnode: Vnode, offset: int, target: Vnode, target_offset: int, length: int, sparse: bool) -> int:
    """Copy bytes from one regular file to another; how many were covered, short only at the end of the first.

    With `sparse` what is a hole in the one is left out in the other, as in `copy_in`.  The locks are taken and given
    up piece by piece, never both at once.  Requires: `writing.check`.  Errors: as `copy_in`.
    """
    length = max(0, min(length, vnode.attributes[v.SIZE] - offset))
    sparse = sparse and target.mount.capabilities.sparse
    buffer = memoryview(bytearray(min(BUFFER, length)))
    done = last = 0
    while done < length:
        if done == last:
            first, last = _next_stretch(vnode, offset, done, length) if sparse else (0, length)
            done = max(done, first)
            continue
        piece = buffer[: last - done]
        got = data.readinto(vnode, piece, offset + done)
        if not got:
            break           # somebody has cut it meanwhile
        _locked_write(target, target_offset + done, piece[:got])
        done += got
    _grow(target, target_offset + done)
    return done


def _next_stretch(vnode: Vnode, offset: int, done: int, length: int) -> tuple[int, int]:
    """Where the next data is behind `done` of the `length` bytes at `offset`, from where to where; the end twice if
    there is none."""
    begin = length
    vnode.lock.shared()
    try:
        for kind, start, count, _ in data.runs(vnode, offset + done, length - done):
            if kind in (v.HOLE, v.UNWRITTEN):
                if begin < length:
                    return begin, start - offset
            else:
                begin = min(begin, start - offset)
                if start + count - offset - begin >= PIECE:
                    return begin, start + count - offset
    finally:
        vnode.lock.unlock()
    return begin, length


def _locked_write(vnode: Vnode, offset: int, piece: memoryview) -> None:
    vnode.lock.exclusive()
    try:
        _write(vnode, offset, piece)
    finally:
        vnode.lock.unlock()


def _grow(vnode: Vnode, size: int) -> None:
    """Make a file as long as what was copied, if it ends with a hole."""
    vnode.lock.exclusive()
    try:
        if size > vnode.attributes[v.SIZE]:
            vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.SIZE, size),))
    finally:
        vnode.lock.unlock()
