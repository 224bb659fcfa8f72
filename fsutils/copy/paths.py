# SPDX-License-Identifier: BSD-2-Clause
"""Paths as the commands treat them."""

from __future__ import annotations

import os
from stat import S_ISDIR, S_ISREG


def split(path: bytes) -> tuple[bytes, bytes | None]:
    """The directory of a path and the name in it; None for a path without one of its own.

    >>> split(b"/a/b"), split(b"b/"), split(b"/"), split(b"a/."), split(b"..")
    ((b'/a', b'b'), (b'.', b'b'), (b'/', None), (b'a/.', None), (b'..', None))
    """
    bare = path.rstrip(b"/")
    head, slash, name = bare.rpartition(b"/")
    if name in (b"", b".", b".."):
        return bare or b"/", None
    return (head or b"/" if slash else b"."), name


def below(path: bytes, name: bytes) -> bytes:
    """The path of a directory's entry.

    >>> below(b"out/", b"a"), below(b"out", b"a")
    (b'out/a', b'out/a')
    """
    return path + name if path.endswith(b"/") else path + b"/" + name


def is_stream(path: bytes) -> bool:
    """Whether a host path is to be written to as it stands: no file, or one of the links that stand for open files."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    if not S_ISREG(mode):
        return not S_ISDIR(mode)
    return os.path.islink(path) and os.path.realpath(os.path.dirname(path)).startswith((b"/dev", b"/proc/"))
