# SPDX-License-Identifier: BSD-2-Clause
"""Many new files of a directory at once.

Where the volume offers it: it says where the bytes of all of them go, the kernel writes them - what adjoins in one
piece - and the volume makes the files around them.  Elsewhere they are made one by one, with the same result.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs import writing
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.kernel.init import Kernel
    from rump.kernel.proc import Credentials
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Row, Run

    Request: TypeAlias = tuple[int, bytes | memoryview]     # where on the device, what

KINDS = (abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK)
WRITE_MAX = 4 << 20
"""Bytes written to the device in one piece."""
ID_MAX = 0xFFFFFFFE
SYSTEM_FLAGS = 0xFFFF0000
XATTR_NAME_MAX = 255
XATTR_VALUE_MAX = 65536


def populate(kernel: Kernel, directory: Vnode, rows: tuple[Row, ...], credentials: Credentials) -> tuple[int, ...]:
    """Make files in a directory: 0 or an errno for each.  Requires: the directory may be written to.

    Errors: ENOENT - it has been removed; what befell all of them.
    """
    errors = [_problem(directory, row, credentials) for row in rows]
    good = [number for number, error in enumerate(errors) if not error]
    directory.lock.exclusive()
    try:
        if directory.attributes[v.NLINK] == 0:
            raise fault(e.ENOENT)
        results = _make(kernel, directory, tuple([rows[number] for number in good]))
    finally:
        directory.lock.unlock()
        directory.forget_negatives()
    for number, error in zip(good, results, strict=True):
        errors[number] = error
    return tuple(errors)


# ---- what the kernel checks ------------------------------------------------------------------------------------------


def _problem(directory: Vnode, row: Row, credentials: Credentials) -> int:
    """The errno of a row that must not reach the volume, 0 if it may."""
    return (
        _name_problem(directory, row[v.ROW_NAME])
        or _kind_problem(row, directory.mount.capabilities.file_size_max)
        or ((row[v.ROW_FLAGS] or row[v.ROW_XATTRS]) and _attributes_problem(directory, row))
        or (credentials.euid and _permission(directory, row, credentials))
        or 0
    )


def _name_problem(directory: Vnode, name: bytes) -> int:
    if not name or b"/" in name or b"\0" in name:
        return e.EINVAL
    if name in (b".", b".."):
        return e.EEXIST
    return e.ENAMETOOLONG if len(name) > directory.mount.name_max else 0


def _kind_problem(row: Row, size_max: int) -> int:
    """Every kind of file has what belongs to it, and nothing else."""
    _, mode, uid, gid, rdev, target, _, _, _, _, contents, _ = row
    kind = mode & abi.S_IFMT
    fits = (
        kind in KINDS
        and not mode & ~(abi.S_IFMT | 0o7777)
        and 0 <= uid <= ID_MAX
        and 0 <= gid <= ID_MAX
        and isinstance(contents, bytes)
        and (not contents or kind == abi.S_IFREG)
        and (not rdev or kind in (abi.S_IFCHR, abi.S_IFBLK))
        and (0 < len(target) < abi.PATH_MAX and b"\0" not in target if kind == abi.S_IFLNK else not target)
    )
    return e.EINVAL if not fits else e.EFBIG if len(contents) > size_max else 0     # type: ignore[arg-type]


def _attributes_problem(directory: Vnode, row: Row) -> int:
    capabilities = directory.mount.capabilities
    xattrs = row[v.ROW_XATTRS]
    if row[v.ROW_FLAGS] & ~capabilities.flags or (xattrs and not capabilities.xattrs):
        return e.EOPNOTSUPP
    for name, value in xattrs:
        if not 0 < len(name) <= XATTR_NAME_MAX or b"\0" in name:
            return e.EINVAL
        if len(value) > XATTR_VALUE_MAX:
            return e.E2BIG
        if name.startswith(b"user.") and row[v.ROW_MODE] & abi.S_IFMT not in (abi.S_IFREG, abi.S_IFDIR):
            return e.EPERM
    return 0


def _permission(directory: Vnode, row: Row, credentials: Credentials) -> int:
    """What others than root may not make."""
    mode, gid = row[v.ROW_MODE], row[v.ROW_GID]
    foreign = not credentials.is_member(gid)
    if row[v.ROW_UID] != credentials.euid or (foreign and gid != directory.attributes[v.GID]):
        return e.EPERM
    if mode & abi.S_IFMT in (abi.S_IFCHR, abi.S_IFBLK) or (mode & abi.S_ISGID and foreign):
        return e.EPERM
    if mode & abi.S_ISVTX and mode & abi.S_IFMT != abi.S_IFDIR:
        return e.EFTYPE
    if row[v.ROW_FLAGS] & SYSTEM_FLAGS or not all(name.startswith(b"user.") for name, _ in row[v.ROW_XATTRS]):
        return e.EPERM
    return 0


# ---- the quick way ---------------------------------------------------------------------------------------------------


def _make(kernel: Kernel, directory: Vnode, rows: tuple[Row, ...]) -> tuple[int, ...]:
    """Requires: the directory's lock, exclusively."""
    volume = directory.mount.volume
    contents = [row[v.ROW_CONTENTS] for row in rows if row[v.ROW_MODE] & abi.S_IFMT == abi.S_IFREG]
    try:
        try:
            placed = volume.place(directory.handle, tuple([len(data) for data in contents]))  # type: ignore[arg-type]
        except OSError as error:
            if error.errno not in writing.FULL:
                raise
            placed = None           # one by one as many are made as there is room for
        if placed is None:
            return tuple([_make_one(kernel, directory, row) for row in rows])
        _write_placed(directory, placed, contents)      # type: ignore[arg-type]
        results, directory.attributes = volume.populate(directory.handle, _settled(rows, placed))
    except BaseException:
        writing.give_up(directory)
        raise
    if len(results) != len(rows):
        raise Corrupt(f"directory {directory.handle[0]}: {len(results)} results of {len(rows)} files")
    return results


def _settled(rows: tuple[Row, ...], placed: tuple[tuple[Run, ...], ...]) -> tuple[Row, ...]:
    """The rows as the volume gets them: what has been written is only counted."""
    found = iter(placed)
    result: list[Row] = []
    for row in rows:
        if row[v.ROW_MODE] & abi.S_IFMT == abi.S_IFREG and next(found):
            size = len(row[v.ROW_CONTENTS])     # type: ignore[arg-type]
            row = (*row[: v.ROW_CONTENTS], size, row[v.ROW_XATTRS])
        result.append(row)
    return tuple(result)


def _write_placed(directory: Vnode, placed: tuple[tuple[Run, ...], ...], contents: list[bytes]) -> None:
    """Write all files where they belong; what adjoins on the device goes in one piece."""
    device = writing.device_of(directory) if any(placed) else None
    if len(placed) != len(contents):
        raise Corrupt(f"directory {directory.handle[0]}: {len(placed)} places for {len(contents)} files")
    if device is None:
        return
    requests: list[Request] = []
    limit = device.size
    for runs, data in zip(placed, contents, strict=True):
        if not runs:
            continue
        kind, start, count, where = runs[0]
        done = len(data)
        if len(runs) == 1 and kind == v.DATA and not start and done <= count and 0 <= where <= limit - count:
            requests.append((where, data))      # as `parts` would have it
            if done < count:
                requests += writing.zeros(where + done, count - done)
            continue
        done = 0
        for where, _, start, count, behind in writing.parts(directory.handle, runs, 0, len(data), device.size):
            requests.append((where, data if count == len(data) else data[start : start + count]))
            requests += writing.zeros(where + count, behind)
            done = start + count
        if done < len(data):
            raise Corrupt(f"directory {directory.handle[0]}: place for {done} of {len(data)} bytes")
    for where, joined in _joined(requests):
        device.write(where, joined)


def _joined(requests: list[Request]) -> list[Request]:
    """Neighbours made one, as long as they do not get too big."""
    result: list[Request] = []
    pieces: list[bytes | memoryview] = []
    begin = end = 0
    for where, piece in requests:
        count = len(piece)
        if where != end or end + count - begin > WRITE_MAX:
            if pieces:
                result.append((begin, pieces[0] if len(pieces) == 1 else b"".join(pieces)))
            begin, pieces = where, []
        pieces.append(piece)
        end = where + count
    if pieces:
        result.append((begin, pieces[0] if len(pieces) == 1 else b"".join(pieces)))
    return result


# ---- one by one ------------------------------------------------------------------------------------------------------


def _make_one(kernel: Kernel, directory: Vnode, row: Row) -> int:
    """Make one file: 0 or the errno."""
    volume = directory.mount.volume
    name, mode, uid, gid, rdev, target = row[: v.ROW_FLAGS]
    try:
        made, directory.attributes = volume.create(directory.handle, name, mode, uid, gid, rdev, target)
    except OSError as error:
        return error.errno or e.EIO
    vnode = kernel.vnodes.get(directory.mount, made)
    try:
        _complete(vnode, row)
    except BaseException as error:
        _unmake(directory, name, vnode)
        if not isinstance(error, OSError):
            raise
        return error.errno or e.EIO
    finally:
        kernel.vnodes.release(vnode)
    return 0


def _complete(vnode: Vnode, row: Row) -> None:
    """What a new file has beside its name."""
    volume, contents = vnode.mount.volume, row[v.ROW_CONTENTS]
    if isinstance(contents, bytes) and writing.write(vnode, 0, memoryview(contents)) < len(contents):
        raise fault(e.ENOSPC)
    for name, value in row[v.ROW_XATTRS]:
        volume.set_xattr(vnode.handle, name, value, 0)
    changes = [(v.ATIME, row[v.ROW_ATIME]), (v.MTIME, row[v.ROW_MTIME])]
    if row[v.ROW_BIRTHTIME]:
        changes.append((v.BIRTHTIME, row[v.ROW_BIRTHTIME]))
    if row[v.ROW_FLAGS]:
        changes.append((v.FLAGS, row[v.ROW_FLAGS]))
    vnode.attributes = volume.set_attributes(vnode.handle, tuple(changes))


def _unmake(directory: Vnode, name: bytes, vnode: Vnode) -> None:
    """Take the name of a file away again that could not be finished; the file goes with its vnode."""
    volume = directory.mount.volume
    remove = volume.rmdir if vnode.kind == abi.S_IFDIR else volume.unlink
    try:
        vnode.attributes, directory.attributes = remove(directory.handle, name)
    except OSError:
        pass        # what made it fail says more
