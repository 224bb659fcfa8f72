# SPDX-License-Identifier: BSD-2-Clause
"""A place in a kernel as the target of a copy: another directory, another mount, another kernel."""

from __future__ import annotations

from rump.fsutils.attributes import is_directory
from rump.fsutils.copy.data import PIECE, shorter, stretches
from rump.fsutils.copy.kernel_source import Inside
from rump.fsutils.copy.options import MAKE_HOLES, NO_HOLES
from rump.fsutils.copy.source import ROWS
from rump.fsutils.copy.target import Complaint, Existing, Interrupted, Place, Target, TargetError, Unwatched
from rump.kernel import abi
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import ATIME, GID, MODE, MTIME, RDEV, SIZE, UID
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import ParamSpec, TypeVar

    from rump.fsutils.copy.links import Path
    from rump.fsutils.copy.options import Keep
    from rump.fsutils.copy.source import Pairs, Source
    from rump.fsutils.copy.target import Small, Watch
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes

    P = ParamSpec("P")
    R = TypeVar("R")

NEW_FILE = abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL | abi.O_NOFOLLOW
DIRECTORY = abi.O_RDONLY | abi.O_DIRECTORY
DOTS = (b".", b"..")
PRIVATE = 0o700
_NOT_KEPT = (e.EOPNOTSUPP, e.ENOSYS)


def ask(call: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Make a system call of the target.  Errors: TargetError, FileExistsError."""
    try:
        return call(*arguments, **named)
    except FileExistsError:
        raise
    except Fault as error:
        raise TargetError(error.errno, error.strerror) from error


class KernelTarget(Target):
    """Directories that a process of a kernel sees; it should have the superuser's credentials."""

    renames_into_place = False      # nobody else sees an image while we write to it

    def __init__(
        self,
        source: Source,
        keep: Keep,
        lwp: Lwp,
        watch: Watch | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.source = source
        self.keep = keep
        self.lwp = lwp
        self.complaints: list[Complaint] = []
        self._watch = watch or Unwatched()
        self._progress = progress
        self._umask = 0
        self._count = 0
        self.takes_batches = keep.sparse != MAKE_HOLES

    def __enter__(self) -> KernelTarget:
        self._umask = self.lwp.umask(0)
        return self

    def __exit__(self, *exc: object) -> None:
        self.lwp.umask(self._umask)

    def top(self, path: bytes) -> Place:
        place = Place(ask(self.lwp.open, path, DIRECTORY), fresh=False)
        has = ask(self.lwp.rump_capabilities, path)
        place.span = has.time_min, has.time_max
        if not has.case_sensitive:
            place.made = {}
        return place

    def is_directory(self, path: bytes) -> bool:
        try:
            return is_directory(self.lwp.stat(path).st_mode)
        except OSError:
            return False

    def identity(self, place: Place) -> tuple[int, int]:
        if self.lwp.kernel is not self.source.world:
            return -1, -1
        stat = ask(self.lwp.fstat, place.fd)
        return stat.st_dev, stat.st_ino

    def again(self, place: Place) -> Place:
        other = Place(ask(self.lwp.openat, place.fd, b".", DIRECTORY), place.fresh)
        other.seen, other.made, other.ours, other.span = place.seen, place.made, place.ours, place.span
        return other

    def existing(self, place: Place, name: bytes) -> Existing | None:
        try:
            stat = self.lwp.fstatat(place.fd, name, abi.AT_SYMLINK_NOFOLLOW)
        except FileNotFoundError:
            return None
        return Existing(stat.st_mode, stat.st_mtime_ns, stat.st_uid, stat.st_gid)

    # ---- names that are the same ---------------------------------------------------------------------------------

    def twin(self, place: Place, name: bytes) -> bytes | None:
        if place.made is None:
            return None
        number = self._number(place.fd, name)
        if number < 0:
            return None
        found = place.made.get(number, (b"", False))[0]
        if self._number(place.fd, found) != number:     # not known yet, or of a file that is gone
            if not place.ours:
                return None
            self._learn(place, place.made)
            found = place.made[number][0]
        return found if found != name else None

    def note(self, place: Place, name: bytes, inside: Place | None = None) -> None:
        if place.made is not None and not place.ours:
            place.made[self._number(place.fd, name)] = name, inside is not None and inside.ours

    def _number(self, fd: int, name: bytes) -> int:
        """The number of what has a name, -1 if nothing has."""
        try:
            return self.lwp.fstatat(fd, name, abi.AT_SYMLINK_NOFOLLOW).st_ino
        except FileNotFoundError:
            return -1

    def _learn(self, place: Place, made: dict[int, tuple[bytes, bool]]) -> None:
        """Note all that is in a directory: we put it there, many files at a time."""
        fd = ask(self.lwp.openat, place.fd, b".", DIRECTORY)
        try:
            while rows := ask(self.lwp.getdents, fd, ROWS):
                made.update({number: (name, True) for name, number, _ in rows if name not in DOTS})
        finally:
            self.lwp.close(fd)

    # ---- files -----------------------------------------------------------------------------------------------------

    def file(self, place: Place, name: bytes, attributes: Attributes, fd: int, old: Existing | None) -> None:
        mode = self._mode(attributes)
        if not self.keep.mode and old is not None and old.mode & S_IFMT == S_IFREG:
            mode = old.mode & 0o777
        out = ask(self.lwp.openat, place.fd, name, NEW_FILE, mode & 0o700 | 0o600)
        try:
            self._contents(fd, attributes, out)
            if not self.keep.owner and old is not None:
                ask(self.lwp.fchown, out, old.uid, old.gid)
            self._settle(place, out, attributes, self.source.xattrs(fd) if self.keep.xattrs else (), mode)
        except BaseException:
            self.lwp.close(out)
            self.remove(place, name)
            raise
        self.lwp.close(out)

    def batch(self, place: Place, files: Sequence[Small]) -> Sequence[bool]:
        keep, now = self.keep, self.lwp.kernel.now()
        if not keep.owner and place.gid < 0:
            place.gid = ask(self.lwp.fstat, place.fd).st_gid
        umask = 0o7777 if keep.mode else 0o777 & ~self._umask
        rows = []
        for name, known, (data, pairs) in files:
            mode = known[MODE]
            kind = mode & S_IFMT
            uid, gid = (known[UID], known[GID]) if keep.owner else (0, place.gid)
            atime, mtime = self._times(place, known) if keep.times else (now, now)
            contents, target, bits = data, b"", mode & umask
            if kind == S_IFLNK:
                contents, target, bits = b"", data, 0o777
            elif kind == S_IFDIR:
                bits, atime, mtime = PRIVATE, now, now      # till it is complete
            rows.append((
                name, kind | bits, uid, gid, known[RDEV], target, 0, atime, mtime, 0, contents,
                pairs if keep.xattrs else (),
            ))  # fmt: skip
        errors = ask(self.lwp.rump_populate, place.fd, tuple(rows))
        if self._progress is not None:
            self._progress(sum([len(row[10]) for row in rows]))
        return [not error for error in errors]

    def _contents(self, fd: int, attributes: Attributes, out: int) -> None:
        """Copy what is in a file; holes stay holes unless they are to be filled."""
        size = attributes[SIZE]
        if not size:
            return
        make = self.keep.sparse == MAKE_HOLES
        parts = ((0, size),) if make or self.keep.sparse == NO_HOLES else self.source.parts(fd, 0, size)
        lwp = self.lwp
        if self.source.world is None:
            handle = ask(lwp.rump_adopt, fd)
            try:
                self._pieces(parts, lambda at, count: lwp.rump_copy_in(out, at, count, handle, at, make))
            finally:
                ask(lwp.rump_disown, handle)
        elif getattr(self.source, "lwp", None) is lwp:
            self._pieces(parts, lambda at, count: lwp.rump_copy_range(fd, at, out, at, count, make))
        else:
            self._through_us(fd, parts, out)
        if ask(lwp.fstat, out).st_size != size:
            ask(lwp.ftruncate, out, size)

    def _pieces(self, parts: Iterable[tuple[int, int]], copy: Callable[[int, int], int]) -> None:
        """Have the kernel copy parts of a file."""
        for at, length in parts:
            end = at + length
            while at < end:
                if self._watch.interrupted:
                    raise Interrupted
                count = ask(copy, at, min(PIECE, end - at))
                if not count:
                    raise shorter()
                at += count
                if self._progress is not None:
                    self._progress(count)

    def _through_us(self, fd: int, parts: Iterable[tuple[int, int]], out: int) -> None:
        """Read and write: between two processes of the kernel, and from what is no file."""
        for at, length in parts:
            end = at + length
            while at < end:
                if self._watch.interrupted:
                    raise Interrupted
                data = self.source.read(fd, min(PIECE, end - at), at)
                if not data:
                    raise shorter()
                self._write(out, data, at)
                at += len(data)
                if self._progress is not None:
                    self._progress(len(data))

    def _write(self, out: int, data: bytes, at: int) -> None:
        parts = stretches(data) if self.keep.sparse == MAKE_HOLES else ((0, len(data)),)
        view = memoryview(data)
        for begin, end in parts:
            while begin < end:
                begin += ask(self.lwp.pwrite, out, view[begin:end], at + begin)

    # ---- attributes ------------------------------------------------------------------------------------------------

    def _mode(self, attributes: Attributes) -> int:
        return attributes[MODE] & 0o7777 if self.keep.mode else attributes[MODE] & 0o777 & ~self._umask

    def _settle(self, place: Place, out: int, attributes: Attributes, pairs: Pairs, mode: int) -> None:
        """Everything but the contents, of an open file or directory."""
        lwp = self.lwp
        if self.keep.owner:
            self._try(lwp.fchown, out, attributes[UID], attributes[GID])
        for key, value in pairs:
            self._try(lwp.fsetxattr, out, key, value)
        self._try(lwp.fchmod, out, mode)
        if self.keep.times:
            self._try(lwp.futimens, out, *self._times(place, attributes))

    def _settle_name(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        """The same for what cannot be opened, made with its mode."""
        lwp, flag = self.lwp, abi.AT_SYMLINK_NOFOLLOW
        if self.keep.owner:
            self._try(lwp.fchownat, place.fd, name, attributes[UID], attributes[GID], flag)
        pairs = self.source.xattrs_of(directory, origin) if self.keep.xattrs else ()
        if pairs:
            with Inside(lwp, place.fd):
                for key, value in pairs:
                    self._try(lwp.lsetxattr, name, key, value)
        if self.keep.times:
            self._try(lwp.utimensat, place.fd, name, *self._times(place, attributes), flag)

    def _times(self, place: Place, attributes: Attributes) -> tuple[int, int]:
        """Times of access and of modification, those out of range as near as the target has them."""
        atime, mtime = attributes[ATIME], attributes[MTIME]
        least, most = place.span
        if least <= mtime <= most and least <= atime <= most:
            return atime, mtime
        no_time = not mtime and attributes[MODE] & S_IFMT == S_IFDIR        # of the root of FAT and exFAT
        if not least <= mtime <= most and not no_time:
            text = "times that the target cannot hold become the nearest that it can"
            self.complaints.append(Complaint(text, once=True))
        return min(max(atime, least), most), min(max(mtime, least), most)

    def _try(self, call: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> None:
        try:
            call(*arguments, **named)
        except Fault as error:
            if error.errno in _NOT_KEPT and not self.keep.strict:
                text = "attributes that the target cannot hold are not kept"
                self.complaints.append(Complaint(text, once=True))
            else:
                self.complaints.append(Complaint(error))

    # ---- what is no file -------------------------------------------------------------------------------------------

    def symlink(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        target = self.source.readlink(directory, origin)
        ask(self.lwp.symlinkat, target, place.fd, name)
        self._settle_name(place, name, attributes, directory, origin)

    def node(self, place: Place, name: bytes, attributes: Attributes, directory: int, origin: bytes) -> None:
        mode = attributes[MODE] & abi.S_IFMT | self._mode(attributes)
        ask(self.lwp.mknodat, place.fd, name, mode, attributes[RDEV])
        self._settle_name(place, name, attributes, directory, origin)

    def link(self, top: Place, path: Path, place: Place, name: bytes) -> bool:
        lwp, opened = self.lwp, [top.fd]
        try:
            for part in path[:-1]:
                opened.append(lwp.openat(opened[-1], part, DIRECTORY | abi.O_NOFOLLOW))
            lwp.linkat(opened[-1], path[-1], place.fd, name, 0)
        except FileExistsError:
            raise
        except Fault:
            return False
        finally:
            for fd in opened[1:]:
                lwp.close(fd)
        return True

    # ---- directories -----------------------------------------------------------------------------------------------

    def directory(self, place: Place, name: bytes) -> Place:
        try:
            ask(self.lwp.mkdirat, place.fd, name, PRIVATE)
            fresh = True
        except FileExistsError:
            if place.fresh:
                raise
            fresh = False
        return self._inside(place, name, fresh)

    def enter(self, place: Place, name: bytes) -> Place:
        return self._inside(place, name, True)

    def _inside(self, place: Place, name: bytes, fresh: bool) -> Place:
        """Enter a directory; `fresh`: we made it."""
        inside = Place(ask(self.lwp.openat, place.fd, name, DIRECTORY | abi.O_NOFOLLOW), fresh)
        inside.span = place.span
        if place.made is not None:
            inside.made = place.made
            inside.ours = fresh or place.ours or self._is_ours(inside, place.made)
        return inside

    def _is_ours(self, place: Place, made: dict[int, tuple[bytes, bool]]) -> bool:
        """Whether we made a directory that we come to again."""
        return made.get(ask(self.lwp.fstat, place.fd).st_ino, (b"", False))[1]

    def finish(self, place: Place, attributes: Attributes, directory: int) -> None:
        mode = self._mode(attributes)
        if not self.keep.mode and not place.fresh:
            mode = ask(self.lwp.fstat, place.fd).st_mode & 0o7777
        pairs = self.source.xattrs(directory) if self.keep.xattrs else ()
        self._settle(place, place.fd, attributes, pairs, mode)

    def close(self, place: Place) -> None:
        if place.fd >= 0:
            self.lwp.close(place.fd)
            place.fd = -1

    def suspend(self, place: Place) -> None:
        stat = ask(self.lwp.fstat, place.fd)
        place.key = stat.st_dev, stat.st_ino
        self.close(place)

    def resume(self, place: Place, child: Place) -> None:
        place.fd = ask(self.lwp.openat, child.fd, b"..", DIRECTORY)
        stat = ask(self.lwp.fstat, place.fd)
        if (stat.st_dev, stat.st_ino) != place.key:
            self.close(place)
            raise TargetError("a directory was moved away while it was being filled")

    def sync(self) -> None:
        ask(self.lwp.sync)

    def temporary(self, place: Place) -> bytes:
        """The same names in each run: they leave traces in directories."""
        while True:
            self._count += 1
            name = b".fsu-%d" % self._count
            if self.existing(place, name) is None:
                return name

    def rename(self, place: Place, old: bytes, new: bytes) -> None:
        ask(self.lwp.renameat, place.fd, old, place.fd, new)
        self.remove(place, old)     # two names of one file: rename leaves both

    def remove(self, place: Place, name: bytes) -> None:
        try:
            self.lwp.unlinkat(place.fd, name, 0)
        except OSError:
            pass
