# SPDX-License-Identifier: BSD-2-Clause
"""``--json``: one JSON object on each line.  Names are text; one that is not UTF-8 also comes in base 64."""

from __future__ import annotations

from json import dumps

from rump.kernel.vfs import volume as v

KINDS = {
    0o010000: "fifo",
    0o020000: "character device",
    0o040000: "directory",
    0o060000: "block device",
    0o100000: "file",
    0o120000: "symbolic link",
    0o140000: "socket",
}


def line(record: dict[str, object]) -> bytes:
    """A record on a line of its own."""
    return dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def named(key: str, name: bytes) -> dict[str, object]:
    """A name under `key`, and under ``key_b64`` where the text cannot say it all.

    >>> named("name", b"a"), named("name", b"\\xff")
    ({'name': 'a'}, {'name': '\\ufffd', 'name_b64': '/w=='})
    """
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        from binascii import b2a_base64

        return {key: name.decode("utf-8", "replace"), key + "_b64": b2a_base64(name, newline=False).decode()}


def attributes(a: v.Attributes) -> dict[str, object]:
    """What is known of a file: times in nanoseconds since 1970, sizes in bytes, the mode in octal."""
    record: dict[str, object] = {
        "type": KINDS.get(a[v.MODE] & 0o170000, "unknown"),
        "mode": f"{a[v.MODE] & 0o7777:04o}",
        "inode": a[v.FILEID],
        "links": a[v.NLINK],
        "uid": a[v.UID],
        "gid": a[v.GID],
        "size": a[v.SIZE],
        "allocated": a[v.ALLOCATED],
        "atime_ns": a[v.ATIME],
        "mtime_ns": a[v.MTIME],
        "ctime_ns": a[v.CTIME],
    }
    if a[v.BIRTHTIME]:
        record["birthtime_ns"] = a[v.BIRTHTIME]
    if a[v.MODE] & 0o170000 in (0o020000, 0o060000):
        record["rdev"] = device(a[v.RDEV])
    return record


def device(number: int) -> list[int]:
    """A device number as [major, minor]."""
    from rump.kernel.abi import major, minor

    return [major(number), minor(number)]
