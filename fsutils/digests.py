# SPDX-License-Identifier: BSD-2-Clause
"""Checksums of contents, and the lines that sha256sum and its kin write and read."""

from __future__ import annotations

import hashlib
from zlib import crc32

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rump.fsutils.contents import Contents

    class Digest(Protocol):
        """What hashlib's objects do."""

        def update(self, data: bytes, /) -> None: ...
        def hexdigest(self) -> str: ...


ALGORITHMS = (
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-224", "sha3-256", "sha3-384", "sha3-512", "blake2b",
    "blake2s", "crc32",
)  # fmt: skip
_BY_LENGTH = {8: "crc32", 32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_TAGS = {"blake2b": "BLAKE2b", "blake2s": "BLAKE2s"}
_HEX = frozenset("0123456789abcdefABCDEF")
_ZEROS = bytes(1 << 20)


class Crc32:
    """CRC-32 as zip, gzip and Ethernet have it."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def known(name: str) -> str:
    """An algorithm by any of its names.  Errors: UsageError.

    >>> known("SHA256"), known("sha-512"), known("SHA3_256"), known("BLAKE2b")
    ('sha256', 'sha512', 'sha3-256', 'blake2b')
    """
    plain = name.lower().replace("-", "").replace("_", "")
    found = {algorithm.replace("-", ""): algorithm for algorithm in ALGORITHMS}.get(plain)
    if found is None:
        raise UsageError(f"{name}: no algorithm; there are {', '.join(ALGORITHMS)}")
    return found


def tag(algorithm: str) -> str:
    """Its name in lines of the BSD form."""
    return _TAGS.get(algorithm, algorithm.upper())


def start(algorithm: str) -> Digest:
    """A checksum of nothing yet."""
    if algorithm == "crc32":
        return Crc32()
    return hashlib.new(algorithm.replace("-", "_"), usedforsecurity=False)


def digest(contents: Contents, algorithms: list[str], stop: Callable[[], bool]) -> list[str]:
    """The checksums of a file, in one reading; [] if it was to stop.  Errors: OSError."""
    states = [start(algorithm) for algorithm in algorithms]
    for data, zeros in contents.pieces():
        for state in states:
            if data:
                state.update(data)
        while zeros:
            count = min(zeros, len(_ZEROS))
            for state in states:
                state.update(_ZEROS if count == len(_ZEROS) else _ZEROS[:count])
            zeros -= count
            if stop():
                return []
        if stop():
            return []
    return [state.hexdigest() for state in states]


def line(algorithm: str, value: str, name: bytes, *, tagged: bool, binary: bool, end: bytes) -> bytes:
    """A line of output; names with newlines or backslashes are escaped and a backslash begins the line.

    >>> line("md5", "00", b"a", tagged=False, binary=False, end=b"\\n")
    b'00  a\\n'
    >>> line("md5", "00", b"a\\nb", tagged=True, binary=False, end=b"\\n")
    b'\\\\MD5 (a\\\\nb) = 00\\n'
    """
    mark = b""
    if end == b"\n" and (b"\n" in name or b"\\" in name or b"\r" in name):
        name = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        mark = b"\\"
    if tagged:
        return b"%b%b (%b) = %b%b" % (mark, tag(algorithm).encode(), name, value.encode(), end)
    return b"%b%b %b%b%b" % (mark, value.encode(), b"*" if binary else b" ", name, end)


def read_line(text: bytes, algorithm: str | None) -> tuple[str, str, bytes] | None:
    """What a line says: (algorithm, checksum, name); None if it is none of ours.

    Without a word on the algorithm - `algorithm` or a tag - its length tells.

    >>> read_line(b"d41d8cd98f00b204e9800998ecf8427e  a b", None)
    ('md5', 'd41d8cd98f00b204e9800998ecf8427e', b'a b')
    >>> read_line(b"\\\\CRC32 (a\\\\nb) = 0000ffff", None), read_line(b"hello", None)
    (('crc32', '0000ffff', b'a\\nb'), None)
    """
    escaped = text.startswith(b"\\")
    text = text[escaped:]
    word, _, rest = text.partition(b" ")
    if rest.startswith(b"(") and b") = " in rest:
        name, _, value = rest[1:].rpartition(b") = ")
        try:
            algorithm = known(word.decode("ascii", "replace"))
        except UsageError:
            return None
    else:
        value, name = word, rest[1:] if rest[:1] in (b" ", b"*") else rest
    shown = value.decode("ascii", "replace")
    if not name or not shown or not _HEX.issuperset(shown):
        return None
    algorithm = algorithm or _BY_LENGTH.get(len(shown))
    if algorithm is None or len(start(algorithm).hexdigest()) != len(shown):
        return None
    return algorithm, shown.lower(), _unescaped(name) if escaped else name


def _unescaped(name: bytes) -> bytes:
    pieces = name.split(b"\\\\")
    return b"\\".join([piece.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for piece in pieces])
