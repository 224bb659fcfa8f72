# SPDX-License-Identifier: BSD-2-Clause
"""What the engine needs of the place it copies from."""

from __future__ import annotations

from rump.fsutils.copy.report import BadSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.kernel.vfs.volume import Attributes, EntryPlus

    # What is in a small file (of a symbolic link: its target), and its extended attributes.
    Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
    Contents: TypeAlias = tuple[bytes, Pairs]
    Key: TypeAlias = tuple[int, int]

ROWS = 4096             # entries asked for at a time
BATCH = 128             # of those, whose contents are asked for at a time
SMALL = 1 << 15         # bytes of a file that is read along with others


def check_name(name: bytes) -> None:
    """See to it that a name is one component and nothing else.  Errors: BadSource."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise BadSource("a name that no file can have; refused")


class Source:
    """A place to copy from, and how we look at it.  Descriptors are its own; AT_FDCWD stands for no directory.

    follow   symbolic links are followed wherever they are met (-L)
    xattrs_too   extended attributes are wanted
    change   what is to be made of the attributes of each file before anybody sees them
    world    the kernel it is in, None for the host: descriptors and inode numbers of one world can be compared

    Errors: `Fault` or `BadSource`.
    """

    world: object = None

    def __init__(self, follow: bool = False) -> None:
        self.follow = follow
        self.xattrs_too = True
        self.change: Callable[[Attributes], Attributes] | None = None

    def look(self, path: bytes, follow: bool) -> tuple[int, Attributes]:
        """What the user named: the device it is on, and its attributes."""
        raise NotImplementedError

    def is_directory(self, path: bytes) -> bool:
        """Whether there is a directory, perhaps behind links; True for what cannot be said."""
        raise NotImplementedError

    # ---- directories -----------------------------------------------------------------------------------------------

    def open_directory(self, fd: int, name: bytes, follow: bool) -> tuple[int, Key, Attributes]:
        """A directory's descriptor, (device, number) and attributes; those of what is mounted on it."""
        raise NotImplementedError

    def above(self, fd: int) -> int:
        """A descriptor of the directory that a directory is in."""
        raise NotImplementedError

    def close(self, fd: int) -> None:
        """Close a file or directory."""
        raise NotImplementedError

    def rows(self, fd: int) -> Iterator[tuple[EntryPlus, ...]]:
        """A directory's entries, many at a time."""
        raise NotImplementedError

    def remember(self, entries: int) -> None:
        """From now on keep what `rows` finds, up to so many entries in all; each directory's are given out once more
        instead of being read again.  0: keep no more; what is kept stays."""

    def contents(
        self, fd: int, rows: tuple[EntryPlus, ...], everything: bool
    ) -> Iterator[tuple[EntryPlus, Contents | None]]:
        """A page of `rows`, each with what is in the file if it can be read along with others: of regular files, and
        with `everything` of symbolic links and nodes too.  Such a file has no holes that are worth keeping."""
        raise NotImplementedError

    def attributes(self, fd: int, name: bytes, known: Attributes | None) -> Attributes:
        """The attributes of a directory's entry, of what it points to when links are followed."""
        raise NotImplementedError

    def readlink(self, fd: int, name: bytes) -> bytes:
        """Where an entry leads that is a symbolic link."""
        raise NotImplementedError

    def xattrs_of(self, fd: int, name: bytes) -> Pairs:
        """The extended attributes of an entry that cannot be opened (a link, a device)."""
        raise NotImplementedError

    # ---- open files ------------------------------------------------------------------------------------------------

    def open(self, fd: int, name: bytes, follow: bool) -> int:
        """A descriptor of a regular file in a directory."""
        raise NotImplementedError

    def opened(self, fd: int, known: Attributes) -> Attributes:
        """The attributes of an open file that was listed with those `known`, and is a regular file still."""
        return known

    def xattrs(self, fd: int) -> Pairs:
        """The extended attributes of an open file, () where there are none."""
        raise NotImplementedError

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Bytes of a file; b"" behind its end."""
        raise NotImplementedError

    def parts(self, fd: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Where a range of a file has data: (offset, length), in order."""
        raise NotImplementedError

    def next_data(self, fd: int, at: int) -> int:
        """Where there is data at or behind an offset; far behind the end if there is none."""
        raise NotImplementedError

    def lend(self, out: int) -> int:
        """What `copy_out` is to know a descriptor of the host by that is copied to."""
        return out

    def give_back(self, handle: int) -> None:
        """No more is copied to it."""

    def copy_out(self, fd: int, at: int, length: int, handle: int, sparse: bool) -> int:
        """Copy bytes to the same place of a file of the host; how many, short only at the end.  `sparse`: holes may be
        left out, the file reads as zeros there."""
        raise NotImplementedError
