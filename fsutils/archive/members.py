# SPDX-License-Identifier: BSD-2-Clause
"""Reading archives: what the standard library's tarfile finds, in the terms of the copy engine.

Names, link targets and extended attributes are the archive's bytes, times go to the nanosecond.
"""

from __future__ import annotations

import tarfile
from typing import IO

from rump.fsutils.copy.report import BadSource
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rump.fsutils.copy.links import Path
    from rump.fsutils.copy.source import Pairs
    from rump.kernel.vfs.volume import Attributes

_XATTR = "SCHILY.xattr."
_ZSTD = b"\x28\xb5\x2f\xfd"
_KINDS = {
    tarfile.DIRTYPE: abi.S_IFDIR, tarfile.SYMTYPE: abi.S_IFLNK, tarfile.CHRTYPE: abi.S_IFCHR,
    tarfile.BLKTYPE: abi.S_IFBLK, tarfile.FIFOTYPE: abi.S_IFIFO, tarfile.LNKTYPE: abi.S_IFREG,
    tarfile.REGTYPE: abi.S_IFREG, tarfile.AREGTYPE: abi.S_IFREG, tarfile.CONTTYPE: abi.S_IFREG,
    tarfile.GNUTYPE_SPARSE: abi.S_IFREG,
}  # fmt: skip


class Entry:
    """A member.

    name        as it is in the archive
    path        the names it is made of; () for the directory everything goes into
    attributes, pairs   of the file
    target      of a symbolic link
    link        the path of a hard link's first name; None for all else
    ranges      where a sparse file has data; None: everywhere
    """

    __slots__ = ("_info", "_tar", "attributes", "link", "name", "pairs", "path", "ranges", "target")

    def __init__(self, tar: tarfile.TarFile, info: tarfile.TarInfo, strip: int) -> None:
        self._tar = tar
        self._info = info
        self.name = raw(info.name)
        self.path = names(self.name)[strip:]
        self.attributes = _attributes(info)
        self.pairs: Pairs = tuple([
            (raw(key[len(_XATTR):]), raw(value)) for key, value in info.pax_headers.items() if key.startswith(_XATTR)
        ])  # fmt: skip
        self.target = raw(info.linkname) if info.issym() else b""
        self.link: Path | None = names(raw(info.linkname))[strip:] if info.islnk() else None
        self.ranges = _ranges(info)

    def open(self) -> IO[bytes] | None:
        """The data, unbuffered: the buffer tarfile puts around it cannot skip holes where the archive is a pipe."""
        opened = self._tar.extractfile(self._info)
        return None if opened is None else opened.raw       # type: ignore[attr-defined]



def raw(text: str) -> bytes:
    """The bytes of the archive that tarfile made text of."""
    return text.encode("utf-8", "surrogateescape")


def names(name: bytes) -> tuple[bytes, ...]:
    """The names of a path; a leading slash does not count.  Errors: BadSource - it leads upwards.

    >>> names(b"./a//b/"), names(b"/etc/x"), names(b".")
    ((b'a', b'b'), (b'etc', b'x'), ())
    """
    found = tuple([part for part in name.split(b"/") if part not in (b"", b".")])
    if b".." in found or b"\0" in name:
        raise BadSource("a name that leads elsewhere; refused")
    return found


def _ranges(info: tarfile.TarInfo) -> list[tuple[int, int]] | None:
    """Where a sparse file has data; None of all other files."""
    found: Any = info.sparse
    return None if found is None else [(at, count) for at, count in found if count]


def _attributes(info: tarfile.TarInfo) -> Attributes:
    kind = _KINDS[info.type]
    device = abi.makedev(info.devmajor, info.devminor) if info.ischr() or info.isblk() else 0
    size = info.size if kind == abi.S_IFREG and not info.islnk() else 0
    ranges = _ranges(info)
    allocated = size if ranges is None else sum([count for _, count in ranges])
    mtime = _time(info, "mtime", info.mtime)
    return (
        0, 0, kind | info.mode & 0o7777, 1, info.uid, info.gid, device, size, allocated,
        _time(info, "atime", None) or mtime or 0, mtime or 0, 0, 0, 0,
    )  # fmt: skip


def _time(info: tarfile.TarInfo, key: str, seconds: float | None) -> int | None:
    """A time in nanoseconds: tarfile's own is a float where the archive has a decimal number."""
    text = info.pax_headers.get(key)
    if text is not None:
        from rump.fsutils.moments import decimal

        try:
            return decimal(text)
        except ValueError:
            pass
    return None if seconds is None else int(seconds) * 10**9


class Archive:
    """An archive that is read from its beginning to its end, decompressed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        """`file` can be peeked into, as what the built-in `open` gives.

        Errors: OSError, tarfile.TarError and those of the decompressors (see `ERRORS`).
        """
        if file.peek(4)[:4] == _ZSTD:       # type: ignore[attr-defined]
            file = _unzstd(file)
        self._tar = tarfile.open(fileobj=file, mode="r|*", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115

    def entries(self, strip: int = 0) -> Iterator[Entry | tuple[bytes, str]]:
        """The members in order, each valid until the next one; or the name of one that is refused, and why."""
        while (info := self._tar.next()) is not None:
            self._tar.members.clear()       # type: ignore[attr-defined]     # else the list only grows
            if info.type not in _KINDS:
                yield raw(info.name), "a member of an unknown type"
                continue
            try:
                if not strip or len(names(raw(info.name))) > strip:
                    yield Entry(self._tar, info, strip)
            except OSError as error:
                yield raw(info.name), str(error)


def _unzstd(file: IO[bytes]) -> IO[bytes]:
    """Decompress with what this Python has.  Errors: UsageError."""
    from importlib import import_module

    from rump.fsutils.errors import UsageError

    for name in ("compression.zstd", "backports.zstd"):
        try:
            opened: IO[bytes] = import_module(name).ZstdFile(file, "rb")
            return opened
        except ImportError:
            pass
    raise UsageError("a zstd archive; this Python cannot decompress it (backports.zstd can)")


def errors() -> tuple[type[BaseException], ...]:
    """What a bad archive brings: the decompressors have errors of their own."""
    found: list[type[BaseException]] = [OSError, EOFError, ValueError, tarfile.TarError]
    for module, name in (("zlib", "error"), ("lzma", "LZMAError"), ("compression.zstd", "ZstdError"),
                         ("backports.zstd", "ZstdError")):  # fmt: skip
        try:
            found.append(getattr(__import__(module, fromlist=[name]), name))
        except ImportError:
            pass
    return tuple(found)
