# SPDX-License-Identifier: BSD-2-Clause
"""What the engine needs of the place it copies to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol, TypeAlias

    from rump.fsutils.copy.links import Path
    from rump.fsutils.copy.options import Keep
    from rump.fsutils.copy.source import Contents, Source
    from rump.kernel.vfs.volume import Attributes

    Small: TypeAlias = tuple[bytes, Attributes, Contents]      # a name, and all there is to say of its file

    class Watch(Protocol):
        """Who is asked between operations whether to go on: a session, or `Unwatched`.

        interrupted   stop as soon as no file is half done
        """

        interrupted: bool


class Interrupted(Exception):
    """The user does not want to go on; what was unfinished is gone."""


class TargetError(OSError):
    """The target refused: a kernel's fault, told apart from one of the source."""


class Unwatched:
    """Nobody interrupts."""

    interrupted = False


class Complaint:
    """What a file had to go without, though it was copied.

    error   why: an error, or a sentence
    once    say it once for all files, as a warning; else it is a failure of this file
    """

    __slots__ = ("error", "once")

    def __init__(self, error: OSError | str, once: bool = False) -> None:
        self.error = error
        self.once = once


class Existing:
    """What has the name already: mode, owner and modification time."""

    __slots__ = ("gid", "mode", "mtime", "uid")

    def __init__(self, mode: int, mtime: int, uid: int, gid: int) -> None:
        self.mode = mode
        self.mtime = mtime
        self.uid = uid
        self.gid = gid


class Place:
    """A directory of the target while it is being filled.

    fd      its descriptor; -1 while it is closed to save descriptors
    fresh   we made it: nothing is in it but what we put there
    seen    the names we put there, where it was not fresh
    key     (device, number), to know it again
    uid, gid  whom a file made there belongs to; -1 until the first one was made
    exact   the mode given to open() is the mode a file gets
    made    where names are the same that differ in case: of what we made on the volume in directories that were there,
            the number -> the name, and whether it is a directory that we made; None elsewhere
    ours    nothing is in it but what this copy put there, perhaps before
    span    the first and the last time that a file there can have
    """

    __slots__ = ("exact", "fd", "fresh", "gid", "key", "made", "ours", "seen", "span", "uid")

    def __init__(self, fd: int, fresh: bool) -> None:
        self.fd = fd
        self.fresh = fresh
        self.seen: set[bytes] = set()
        self.key = (-1, -1)
        self.uid = self.gid = -1
        self.exact = False
        self.made: dict[int, tuple[bytes, bool]] | None = None
        self.ours = fresh
        self.span = -(1 << 63), (1 << 63) - 1


class Target:
    """A place to copy to.  Names are checked by the engine; no call follows a symbolic link that is in the way.

    complaints   what went wrong with attributes; the engine empties it after each file
    takes_contents, takes_batches   small files may come as `small_file`, or many at once as `batch`
    renames_into_place   what the user named is first made under a `temporary` name

    The four makers fail with EEXIST if the name is taken and leave nothing behind when they fail.  Errors: OSError -
    the host's, or a `TargetError`; a `Fault` is of the source.
    """

    takes_contents = False
    takes_batches = False
    renames_into_place = True
    source: Source
    keep: Keep
    complaints: list[Complaint]

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to put back, unless overridden."""

    def top(self, path: bytes) -> Place:
        """A directory that is there, as the user named it: links are followed."""
        raise NotImplementedError

    def is_directory(self, path: bytes) -> bool:
        """Whether there is a directory, perhaps behind links."""
        raise NotImplementedError

    def identity(self, place: Place) -> tuple[int, int]:
        """(device, number) of a directory that the source might come upon."""
        return -1, -1

    def again(self, place: Place) -> Place:
        """The same directory with a descriptor of its own."""
        raise NotImplementedError

    def existing(self, place: Place, name: bytes) -> Existing | None:
        """What has that name, if anything; not followed."""
        raise NotImplementedError

    def twin(self, place: Place, name: bytes) -> bytes | None:
        """The name of what this copy made and `name` means too, where case does not tell names apart.  None: `name` is
        free, that very name, or of what was there before."""
        return None

    def note(self, place: Place, name: bytes, inside: Place | None = None) -> None:
        """`name` was made in a directory, or entered as `inside`; for `twin`."""

    def file(self, place: Place, name: bytes, attributes: Attributes, fd: int, old: Existing | None) -> None:
        """Make a regular file with the contents of the source's `fd`; `old` is what it will replace."""
        raise NotImplementedError

    def small_file(self, place: Place, name: bytes, attributes: Attributes, contents: Contents) -> None:
        """Make a regular file of its contents, if `takes_contents`; in a directory that we made."""
        raise NotImplementedError

    def batch(self, place: Place, files: Sequence[Small]) -> Sequence[bool]:
        """Make many small files, links, nodes and empty directories, if `takes_batches`; in a directory that we made.
        Which were made."""
        raise NotImplementedError

    def symlink(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        """Make a symbolic link like the source's `origin` in `directory`."""
        raise NotImplementedError

    def node(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        """Make a device node, a fifo or a socket likewise."""
        raise NotImplementedError

    def link(self, top: Place, path: Path, place: Place, name: bytes) -> bool:
        """Make another name of the file at `path` below `top`; False if the target cannot."""
        raise NotImplementedError

    def directory(self, place: Place, name: bytes) -> Place:
        """Make a directory nobody else may look into, or enter the one that is there."""
        raise NotImplementedError

    def enter(self, place: Place, name: bytes) -> Place:
        """Enter a directory that was made in a batch."""
        raise NotImplementedError

    def finish(self, place: Place, attributes: Attributes, directory: int) -> None:
        """Give a directory the attributes of the source's `directory`, now that all is in it."""
        raise NotImplementedError

    def sync(self) -> None:
        """All that was copied is on stable storage when this returns.  Errors: OSError."""
        raise NotImplementedError

    def close(self, place: Place) -> None:
        """Close the directory."""
        raise NotImplementedError

    def suspend(self, place: Place) -> None:
        """Close the directory for now: too many are open."""
        raise NotImplementedError

    def resume(self, place: Place, child: Place) -> None:
        """Open it again, from the directory in it that is still open.  Errors: TargetError - it was moved away."""
        raise NotImplementedError

    def temporary(self, place: Place) -> bytes:
        """A name that nothing in a directory has."""
        raise NotImplementedError

    def rename(self, place: Place, old: bytes, new: bytes) -> None:
        """Replace `new`."""
        raise NotImplementedError

    def remove(self, place: Place, name: bytes) -> None:
        """Remove what is no directory, if it is there."""
        raise NotImplementedError
