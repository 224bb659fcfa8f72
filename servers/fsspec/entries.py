# SPDX-License-Identifier: BSD-2-Clause
"""What `info` and `ls` say of a file: the keys of fsspec's local file system, and a few more."""

from __future__ import annotations

import os

from rump.fsutils.descent import rows
from rump.kernel import abi
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.volume import Attributes

    Info: TypeAlias = dict[str, Any]

_TYPES = {abi.S_IFDIR: "directory", abi.S_IFREG: "file"}


def info(lwp: Lwp, path: str) -> Info:
    """What there is at a path; links are followed, one that leads nowhere is of type "other".  Errors: Fault."""
    raw = os.fsencode(path)
    own = lwp.lstat(raw)
    if own.st_mode & abi.S_IFMT != abi.S_IFLNK:
        return _of(path, own)
    try:
        found = _of(path, lwp.stat(raw))
    except OSError:
        found = _of(path, own)
    return found | {"islink": True, "destination": os.fsdecode(lwp.readlink(raw))}


def listing(lwp: Lwp, path: str) -> list[Info]:
    """What is in a directory, by name; a link to a directory is of type "other", lest who walks goes in circles.

    Errors: Fault.
    """
    raw = os.fsencode(path)
    fd = lwp.open(raw, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        return [_entry(lwp, fd, path, name, attributes) for name, _, attributes in sorted(rows(lwp, fd))]
    finally:
        lwp.close(fd)


def _entry(lwp: Lwp, fd: int, directory: str, name: bytes, attributes: Attributes | None) -> Info:
    path = f"{directory.rstrip('/')}/{os.fsdecode(name)}"
    if attributes is None:
        return {"name": path, "size": 0, "type": "other", "islink": False}       # `info` says why
    if attributes[v.MODE] & abi.S_IFMT != abi.S_IFLNK:
        return _made(path, attributes)
    try:
        found = _of(path, lwp.fstatat(fd, name))
        if found["type"] == "directory":
            found["type"] = "other"
    except OSError:
        found = _made(path, attributes)
    return found | {"islink": True, "destination": os.fsdecode(lwp.readlinkat(fd, name))}


def _made(path: str, attributes: Attributes) -> Info:
    return _info(
        path, attributes[v.MODE], attributes[v.SIZE], attributes[v.UID], attributes[v.GID], attributes[v.FILEID],
        attributes[v.NLINK], attributes[v.ATIME], attributes[v.MTIME], attributes[v.CTIME], attributes[v.BIRTHTIME],
    )  # fmt: skip


def _of(path: str, stat: Stat) -> Info:
    return _info(
        path, stat.st_mode, stat.st_size, stat.st_uid, stat.st_gid, stat.st_ino, stat.st_nlink, stat.st_atime_ns,
        stat.st_mtime_ns, stat.st_ctime_ns, stat.st_birthtime_ns,
    )  # fmt: skip


def _info(
    path: str, mode: int, size: int, uid: int, gid: int, ino: int, nlink: int, atime: int, mtime: int, ctime: int,
    birthtime: int,
) -> Info:  # fmt: skip
    """Times in seconds, as floats, and once more exactly: nanoseconds.  Without a time of birth `created` is ctime."""
    kind = _TYPES.get(mode & abi.S_IFMT, "other")
    return {
        "name": path,
        "size": 0 if kind == "directory" else size,
        "type": kind,
        "created": (birthtime or ctime) / 1e9,
        "islink": False,
        "mode": mode,
        "uid": uid,
        "gid": gid,
        "mtime": mtime / 1e9,
        "mtime_ns": mtime,
        "atime": atime / 1e9,
        "ctime": ctime / 1e9,
        "ino": ino,
        "nlink": nlink,
    }
