# SPDX-License-Identifier: BSD-2-Clause
"""The boot module's form: a cpio archive, "newc" (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

Archives may stand behind one another in one module; the kernel takes them in that order.
"""

from __future__ import annotations

import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

TRAILER = "TRAILER!!!"


def write(output: BinaryIO, files: Iterable[tuple[str, bytes]]) -> None:
    """An archive of regular files, by their paths without a first slash.  The same files give the same bytes: no times,
    no owners, numbers in the order given.  Folders are made by the kernel."""
    for number, (name, data) in enumerate(files, start=1):
        _entry(output, name, data, number, stat.S_IFREG | 0o644)
    _entry(output, TRAILER, b"", 0, 0)


def _entry(output: BinaryIO, name: str, data: bytes, number: int, mode: int) -> None:
    path = name.encode("utf-8", "surrogateescape") + b"\0"
    owner = group = time = check = 0
    fields = (number, mode, owner, group, 1, time, len(data), 0, 0, 0, 0, len(path), check)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    for part in (header + path, data):
        output.write(part + bytes(-len(part) % 4))
