# SPDX-License-Identifier: BSD-2-Clause
"""The host as the target of a copy.

Everything goes through directory descriptors, nothing through a symbolic link.  While it lasts the process's umask is
0, so that most files get their mode when they are made.
"""

from __future__ import annotations

import os

from rump.fsutils.copy.data import SMALL, HostData
from rump.fsutils.copy.metadata import HostAttributes
from rump.fsutils.copy.options import MAKE_HOLES
from rump.fsutils.copy.target import Complaint, Existing, Place, Target, TargetError, Unwatched
from rump.kernel.abi import S_IFMT, S_IFREG, major, minor
from rump.kernel.vfs.volume import GID, MODE, RDEV, SIZE, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.copy.links import Path
    from rump.fsutils.copy.options import Keep
    from rump.fsutils.copy.source import Contents, Pairs, Source
    from rump.fsutils.copy.target import Watch
    from rump.kernel.vfs.volume import Attributes

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | _CLOEXEC
PRIVATE = 0o700
_open = os.open


class HostTarget(Target):
    """Directories of the host."""

    def __init__(
        self, source: Source, keep: Keep, watch: Watch | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        self.source = source
        self.keep = keep
        self.complaints: list[Complaint] = []
        self._attributes = HostAttributes(keep, self.complaints)
        self._data = HostData(source, keep.sparse, watch or Unwatched(), progress)
        self.takes_contents = keep.sparse != MAKE_HOLES
        self._umask = 0
        self._count = 0

    def __enter__(self) -> HostTarget:
        self._umask = os.umask(0)
        return self

    def __exit__(self, *exc: object) -> None:
        os.umask(self._umask)

    def top(self, path: bytes) -> Place:
        place = Place(os.open(path, DIRECTORY), fresh=False)
        place.made = {}
        return place

    def is_directory(self, path: bytes) -> bool:
        return os.path.isdir(path)

    def identity(self, place: Place) -> tuple[int, int]:
        if self.source.world is not None:
            return -1, -1
        stat = os.fstat(place.fd)
        return stat.st_dev, stat.st_ino

    def again(self, place: Place) -> Place:
        other = Place(os.open(b".", DIRECTORY, dir_fd=place.fd), place.fresh)
        other.seen, other.made, other.ours = place.seen, place.made, place.ours
        return other

    def existing(self, place: Place, name: bytes) -> Existing | None:
        try:
            stat = os.stat(name, dir_fd=place.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return Existing(stat.st_mode, stat.st_mtime_ns, stat.st_uid, stat.st_gid)

    # ---- names that are the same: no host says of which directories ------------------------------------------------

    def twin(self, place: Place, name: bytes) -> bytes | None:
        number = self._number(place, name)
        if number < 0 or not (place.ours or (place.made is not None and number in place.made)):
            return None
        names = sorted(map(os.fsencode, os.listdir(place.fd)))
        if name in names:       # a hard link, unless what we made under another name is found by this one only
            noted = (place.made or {}).get(number, (name, False))[0]
            return None if noted in names else noted
        return next((other for other in names if self._number(place, other) == number), None)

    def note(self, place: Place, name: bytes, inside: Place | None = None) -> None:
        if place.made is not None and not place.ours:
            place.made[self._number(place, name)] = name, inside is not None and inside.ours

    @staticmethod
    def _number(place: Place, name: bytes) -> int:
        """Device and number of what has a name, -1 if nothing has."""
        try:
            stat = os.stat(name, dir_fd=place.fd, follow_symlinks=False)
        except FileNotFoundError:
            return -1
        return stat.st_dev << 64 | stat.st_ino

    # ---- files -----------------------------------------------------------------------------------------------------

    def file(self, place: Place, name: bytes, attributes: Attributes, fd: int, old: Existing | None) -> None:
        pairs = self.source.xattrs(fd) if self.keep.xattrs else ()
        size = attributes[SIZE]
        data = self._data.small(fd, size) if size <= SMALL else None
        self._new_file(place, name, attributes, pairs, data, fd, old)

    def small_file(self, place: Place, name: bytes, attributes: Attributes, contents: Contents) -> None:
        self._new_file(place, name, attributes, contents[1] if self.keep.xattrs else (), contents[0], -1, None)

    def _new_file(
        self, place: Place, name: bytes, attributes: Attributes, pairs: Pairs, data: bytes | None, fd: int,
        old: Existing | None,
    ) -> None:  # fmt: skip
        """Make a file: of `data`, which has no holes if `fd` is -1; of what `fd` leads to if there is no `data`."""
        keep = self.keep
        mode = attributes[MODE] & 0o7777 if keep.mode else self._default_mode(attributes, old)
        ours = not keep.owner or (attributes[UID] == place.uid and attributes[GID] == place.gid)
        first = mode if ours and not pairs and mode < 0o1000 else 0o600
        out = _open(name, NEW_FILE, first, dir_fd=place.fd)
        try:
            if place.uid < 0:
                self._learn(place, out, first)
            if data is None:
                self._data.big(fd, attributes, out)
            elif data:
                if fd < 0:
                    self._data.put(data, out)
                else:
                    self._data.put_small(fd, attributes, data, out)
            self._attributes.open_file(place, out, attributes, pairs, mode, first == mode and place.exact)
        except BaseException:
            os.close(out)
            self.remove(place, name)
            raise
        self._close_written(place, name, out)

    def _close_written(self, place: Place, name: bytes, out: int) -> None:
        """Close a file; some hosts tell only now that it could not be written."""
        try:
            os.close(out)
        except OSError:
            self.remove(place, name)
            raise

    def _default_mode(self, attributes: Attributes, old: Existing | None) -> int:
        """The mode of a file whose mode is not to be kept: that of the file it replaces, or what umask leaves."""
        if old is not None and old.mode & S_IFMT == S_IFREG:
            return old.mode & 0o777
        return attributes[MODE] & 0o777 & ~self._umask

    @staticmethod
    def _learn(place: Place, out: int, asked: int) -> None:
        """See what a file that we make in a directory gets: owner, and mode (there may be default ACLs)."""
        stat = os.fstat(out)
        place.uid, place.gid = stat.st_uid, stat.st_gid
        place.exact = stat.st_mode & 0o7777 == asked

    # ---- what is no file -----------------------------------------------------------------------------------------

    def symlink(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        target = self.source.readlink(directory, origin)
        pairs = self._xattrs(directory, origin)
        os.symlink(target, name, dir_fd=place.fd)
        self._attributes.closed(place, name, attributes, pairs)

    def node(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        pairs = self._xattrs(directory, origin)
        device = os.makedev(major(attributes[RDEV]), minor(attributes[RDEV])) if attributes[RDEV] else 0
        mode = attributes[MODE] if self.keep.mode else attributes[MODE] & ~(0o7000 | self._umask)
        os.mknod(name, mode, device, dir_fd=place.fd)
        self._attributes.closed(place, name, attributes, pairs)

    def _xattrs(self, directory: int, origin: bytes) -> Pairs:
        return self.source.xattrs_of(directory, origin) if self.keep.xattrs else ()

    def link(self, top: Place, path: Path, place: Place, name: bytes) -> bool:
        opened: list[int] = []
        at = top.fd
        try:
            for part in path[:-1]:
                at = os.open(part, DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                opened.append(at)
            os.link(path[-1], name, src_dir_fd=at, dst_dir_fd=place.fd, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            return False
        finally:
            for descriptor in opened:
                os.close(descriptor)
        return True

    # ---- directories ---------------------------------------------------------------------------------------------

    def directory(self, place: Place, name: bytes) -> Place:
        try:
            os.mkdir(name, PRIVATE, dir_fd=place.fd)
            fresh = True
        except FileExistsError:
            if place.fresh:
                raise
            fresh = False
        inside = Place(os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=place.fd), fresh)
        inside.made = place.made
        return inside

    def finish(self, place: Place, attributes: Attributes, directory: int) -> None:
        if self.keep.mode:
            mode = attributes[MODE] & 0o7777
        elif place.fresh:
            mode = attributes[MODE] & 0o777 & ~self._umask
        else:
            mode = os.fstat(place.fd).st_mode & 0o7777
        pairs = self.source.xattrs(directory) if self.keep.xattrs else ()
        unknown = Place(place.fd, fresh=False)      # what the directory itself belongs to is not what we learned in it
        self._attributes.open_file(unknown, place.fd, attributes, pairs, mode, right=False)

    def close(self, place: Place) -> None:
        if place.fd >= 0:
            os.close(place.fd)
            place.fd = -1

    def suspend(self, place: Place) -> None:
        stat = os.fstat(place.fd)
        place.key = stat.st_dev, stat.st_ino
        self.close(place)

    def resume(self, place: Place, child: Place) -> None:
        place.fd = os.open(b"..", DIRECTORY, dir_fd=child.fd)
        stat = os.fstat(place.fd)
        if (stat.st_dev, stat.st_ino) != place.key:
            self.close(place)
            raise TargetError("a directory was moved away while it was being filled")

    def sync(self) -> None:
        """All of the host: nothing less reaches what was closed long ago."""
        os.sync()

    def temporary(self, place: Place) -> bytes:
        self._count += 1
        return b".fsu-%d-%d" % (os.getpid(), self._count)

    def rename(self, place: Place, old: bytes, new: bytes) -> None:
        os.rename(old, new, src_dir_fd=place.fd, dst_dir_fd=place.fd)
        self.remove(place, old)     # two names of one file: rename leaves both

    def remove(self, place: Place, name: bytes) -> None:
        try:
            os.unlink(name, dir_fd=place.fd)
        except OSError:
            pass
