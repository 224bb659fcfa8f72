# SPDX-License-Identifier: BSD-2-Clause
"""Media types by the names of files: the same on every host, whatever tables it has."""

from __future__ import annotations

from mimetypes import MimeTypes

UNKNOWN = "application/octet-stream"
_TYPES = MimeTypes()
_CODINGS = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz",
            "compress": "application/x-compress", "br": UNKNOWN}  # fmt: skip
_TEXT = frozenset((".conf", ".cfg", ".ini", ".log", ".md", ".rst", ".toml", ".yaml", ".yml", ".sh", ".service",
                   ".rules"))  # fmt: skip
_NAMES = frozenset(("fstab", "passwd", "group", "hosts", "hostname", "issue", "motd", "profile", "resolv.conf",
                    "readme", "license", "copying", "changelog", "makefile", "news", "authors", "todo"))  # fmt: skip


def type_of(name: bytes) -> str:
    """The media type of a file, with the character set where one can be told from the type.

    >>> type_of(b"a.html"), type_of(b"a.tar.gz"), type_of(b"fstab"), type_of(b"vmlinuz")
    ('text/html; charset=utf-8', 'application/gzip', 'text/plain; charset=utf-8', 'application/octet-stream')
    """
    text = name.decode("ascii", "replace").lower()
    stem, dot, ending = text.rpartition(".")
    if text in _NAMES or (dot and stem and f".{ending}" in _TEXT):
        return "text/plain; charset=utf-8"
    kind, coding = _TYPES.guess_type("x" + text.replace(":", "_"), strict=True)
    if coding is not None:
        return _CODINGS.get(coding, UNKNOWN)
    if kind is None:
        return UNKNOWN
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
