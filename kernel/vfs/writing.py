# SPDX-License-Identifier: BSD-2-Clause
"""Writing regular files: the driver says where the bytes go, the kernel writes them, the driver makes them reachable.

Every run is checked against the device before anything is written, as in `kernel.vfs.data`: a driver cannot make the
kernel write outside the volume, or anything but the caller's bytes and zeros.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs import access
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.data import ZEROS
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from typing_extensions import Buffer

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.proc import Credentials
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Handle, Run

    Part: TypeAlias = tuple[int, int, int, int, int]
    Request: TypeAlias = tuple[int, Buffer]

SET_ID = abi.S_ISUID | abi.S_ISGID
"""What a write by anybody but root takes away."""
FULL = (e.ENOSPC, e.EDQUOT)
"""Errors that leave what has been written before them: POSIX has the call return how much it was."""
JOIN_MAX = 1 << 16
"""Bytes of a run that are put together with the zeros around them, to be written in one piece."""


def check(vnode: Vnode, offset: int, length: int) -> None:
    """What a file's flags and its format say.  Errors: EPERM - append-only, and not at the end; EFBIG."""
    if vnode.attributes[v.FLAGS] & access.APPEND and offset != vnode.attributes[v.SIZE]:
        raise fault(e.EPERM, "append-only")
    if offset + length > vnode.mount.capabilities.file_size_max:
        raise fault(e.EFBIG)


def drop_set_id(vnode: Vnode, credentials: Credentials) -> None:
    """A file that somebody else than root has written to is not run with its owner's rights any more."""
    if vnode.attributes[v.MODE] & SET_ID and credentials.euid != 0:
        mode = vnode.attributes[v.MODE] & 0o7777 & ~SET_ID
        vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.MODE, mode),))


def write(vnode: Vnode, offset: int, data: memoryview) -> int:
    """Write bytes to a regular file; how many, less than all only where the file system is full.

    Requires: the vnode's lock, exclusively; `check`.  Errors: ENOSPC, EDQUOT - nothing was written; EIO, EFBIG - any
    part may be.
    """
    done = 0
    try:
        while done < len(data):
            done += _write_once(vnode, offset + done, data[done:] if done else data)
    except OSError as error:
        if not done or error.errno not in FULL:
            raise
    return done


def _write_once(vnode: Vnode, offset: int, data: memoryview) -> int:
    """As much as the driver takes in one go."""
    volume = vnode.mount.volume
    try:
        runs = volume.reserve(vnode.handle, offset, len(data))
        if runs and runs[0][0] != v.DATA:
            count = _check_alone(vnode.handle, runs, offset, len(data))
            vnode.attributes = volume.write(vnode.handle, offset, data[:count])
            return count
        device, requests, count = _requests(vnode, runs, offset, data)
        put(device, requests)
        vnode.attributes = volume.commit_write(vnode.handle, offset, count)
    except BaseException:
        give_up(vnode)
        raise
    return count


def give_up(vnode: Vnode) -> None:
    """After a failure: nothing stays reserved, and the vnode knows what became of its file, as far as can be told."""
    volume = vnode.mount.volume
    try:
        volume.abandon(vnode.handle)
        vnode.attributes = volume.attributes(vnode.handle)
    except OSError:
        pass        # the failure that brought us here says more


def put(device: BlockDevice, requests: list[Request]) -> None:
    """Write buffers to their places."""
    if len(requests) == 1:
        device.write(*requests[0])
    elif requests:
        device.write_many(requests)


def _requests(
    vnode: Vnode, runs: tuple[Run, ...], offset: int, data: memoryview
) -> tuple[BlockDevice, list[Request], int]:
    """What is to be written where on which device, and how many bytes of the caller's that is."""
    device = device_of(vnode)
    length = len(data)
    if len(runs) == 1:
        kind, start, count, where = runs[0]
        if kind == v.DATA and start == offset and 0 < count <= length and 0 <= where <= device.size - count:
            return device, [(where, data if count == length else data[:count])], count
    requests: list[Request] = []
    done = 0
    for where, before, start, count, behind in parts(vnode.handle, runs, offset, length, device.size):
        surround(requests, where, before, data[start : start + count], behind)
        done = start + count
    return device, requests, done


def device_of(vnode: Vnode) -> BlockDevice:
    """What the bytes of a file lie on.  Errors: EIO."""
    device = vnode.mount.device
    if device is None:
        raise fault(e.EIO, "volume without a device")
    return device


def parts(file: Handle, runs: tuple[Run, ...], offset: int, length: int, limit: int) -> Iterator[Part]:
    """Runs of DATA to be written, checked: (device offset, zeros before, where in the caller's bytes, how many of
    them, zeros behind) of each.  They must adjoin, begin at `offset` or before, and lie within `limit` bytes.

    Errors: EIO.
    """
    end = offset + length
    following = -1
    for kind, start, count, where in runs:
        fits = 0 <= start <= offset < start + count if following < 0 else start == following < end and count > 0
        if kind != v.DATA or not fits or not 0 <= where <= limit - count:
            raise Corrupt(f"file {file[0]}: run {(kind, start, count, where)} to write {length} bytes at {offset}")
        following = start + count
        before = max(0, offset - start)
        behind = max(0, following - end)
        yield where, before, start + before - offset, count - before - behind, behind
    if following < 0:
        raise Corrupt(f"file {file[0]}: nothing reserved at {offset}")


def _check_alone(file: Handle, runs: tuple[Run, ...], offset: int, length: int) -> int:
    """How many bytes the driver will write itself."""
    kind, start, count, _ = runs[0]
    if len(runs) != 1 or kind not in (v.INLINE, v.ENCODED) or start != offset or not 0 < count <= length:
        raise Corrupt(f"file {file[0]}: runs {runs[:2]} to write {length} bytes at {offset}")
    return count


def surround(requests: list[Request], where: int, before: int, data: Buffer, behind: int) -> None:
    """Ask for bytes to be written, with so many zeros before and behind them."""
    if not before and not behind:
        requests.append((where, data))
        return
    count = memoryview(data).nbytes
    if before + count + behind <= JOIN_MAX:
        requests.append((where, b"".join((ZEROS[:before], data, ZEROS[:behind]))))
        return
    requests += zeros(where, before)
    requests.append((where + before, data))
    requests += zeros(where + before + count, behind)


def zeros(where: int, count: int) -> Iterator[tuple[int, bytes]]:
    """So many zeros to be written."""
    for start in range(0, count, len(ZEROS)):
        yield where + start, ZEROS[: count - start]


def fill(vnode: Vnode, offset: int, length: int, pour: Callable[[BlockDevice, int, int, int], int]) -> int:
    """Write to a regular file what somebody else puts on the device, as much as the driver takes in one go.

    ``pour(device, where, start, count)`` puts bytes `start`.. of those to be written at `where`, and says how many;
    less than `count`: there are no more, and nothing is written at all.  0: `pour` cannot do it; `write` may.
    Requires, Errors: as `write`, but ENOSPC, EDQUOT.
    """
    volume = vnode.mount.volume
    try:
        runs = volume.reserve(vnode.handle, offset, length)
        if runs and runs[0][0] != v.DATA:
            return 0
        device = device_of(vnode)
        done = 0
        for where, before, start, count, behind in parts(vnode.handle, runs, offset, length, device.size):
            if pour(device, where + before, start, count) != count:
                volume.abandon(vnode.handle)
                return 0
            put(device, [*zeros(where, before), *zeros(where + before + count, behind)])
            done = start + count
        vnode.attributes = volume.commit_write(vnode.handle, offset, done)
    except BaseException:
        give_up(vnode)
        raise
    return done
