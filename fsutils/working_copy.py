# SPDX-License-Identifier: BSD-2-Clause
"""A file of an image as a file of the host for a while: programs of the host work on the copy, and what they changed
goes back.

    with WorkingCopy(command, operand) as copy:
        subprocess.call(["vi", copy.path])
        copy.put_back()
"""

from __future__ import annotations

import os
import shutil
import tempfile
from time import time_ns

from rump.fsutils import attributes
from rump.fsutils.contents import PIECE, open_inside, open_outside
from rump.fsutils.copy.data import HostData
from rump.fsutils.copy.host_source import HostSource
from rump.fsutils.copy.kernel import KernelTarget
from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.copy.options import KEEP_HOLES, Keep
from rump.fsutils.copy.target import Interrupted
from rump.fsutils.names import is_plain
from rump.fsutils.readlink import canonical
from rump.kernel import abi
from rump.kernel.abi import AT_FDCWD
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import FILEID, GENERATION, MODE, MTIME, NLINK, SIZE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Command
    from rump.fsutils.copy.source import Pairs
    from rump.fsutils.copy.target import Watch
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes

_VERSION = FILEID, GENERATION, SIZE, MTIME      # as long as these stay the file did not change
_TICK = 10**9                                   # how far apart two times surely differ, in ns
_DROPPED = b"security.capability"               # it vouches for the contents


class _Edited(HostSource):
    """The copy, as a source of contents that come with the extended attributes of the old file."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self._kept = pairs

    def xattrs(self, fd: int) -> Pairs:
        return self._kept


class WorkingCopy:
    """A copy, under the file's own name in a directory that nobody else may look into.

    The session may be released while it lasts.  A file that is not there is made, with `create`, if the copy is.

    path  of the copy, on the host
    """

    def __init__(self, command: Command, operand: Operand, *, create: bool = False) -> None:
        """Errors: OSError - the file cannot be read, or is none."""
        self._command = command
        self._operand = operand
        self._create = create
        self._was: tuple[int, ...] | None = None
        lwp, path = self._place()
        self._old = self._look(lwp, path)
        self._directory = tempfile.mkdtemp(prefix="fsu-")
        name = path.rpartition(b"/")[2]
        self.path = os.path.join(os.fsencode(self._directory), name if is_plain(name) else b"file")
        try:
            if self._old is not None:
                self._copy_out(lwp, path, self._old[MODE])
                old = max(0, min(self._old[MTIME], time_ns() - _TICK))
                os.utime(self.path, ns=(old, old))          # so that whatever writes to it changes it
            self._was = self._mark()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> WorkingCopy:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def put_back(self) -> bool:
        """Let the copy take the file's place in the image, if there is something else in it; whether there was.

        The new file has owner, mode and extended attributes of the old one, and is there complete or not at all; a file
        of several names is written over instead.  Errors: OSError - nothing was written; the error tells where what is
        in the copy was kept.
        """
        if self._mark() == self._was:
            return False
        session = self._command.session
        try:
            session.writes_to(self._operand)
            lwp, path = self._place()
            now = self._look(lwp, path)
            if _version(now) != _version(self._old):
                raise OSError("the file in the image changed meanwhile")
            if now is not None and not self._differs(lwp, path):
                return False
            if now is not None and now[NLINK] > 1:
                self._write_over(lwp, path)
            else:
                self._replace(lwp, path, now)
            self._old = self._look(lwp, path)
        except OSError as error:
            kept = self._rescue()
            raise OSError(error.errno, f"{error.strerror or error}; your version is kept in {kept}") from error
        self._was = self._mark()
        return True

    def _mark(self) -> tuple[int, ...] | None:
        """What stays as it is while nobody touches the copy; None for one that was not made yet.

        Errors: OSError - it is gone.
        """
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            if self._was is None:
                return None
            raise OSError("the copy was removed; the file in the image stays as it was") from None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def _differs(self, lwp: Lwp, path: bytes) -> bool:
        """Whether there is something else in the copy than in the file.  Holes are not read.  Errors: OSError."""
        with open_outside(self.path) as copy, open_inside(lwp, AT_FDCWD, path) as file:
            if copy.size != file.size:
                return True
            for side in (copy, file):
                for begin, length in side.parts(0, side.size):
                    for at in range(begin, begin + length, PIECE):
                        count = min(PIECE, begin + length - at)
                        if copy.read_at(count, at) != file.read_at(count, at):
                            return True
        return False

    def _place(self) -> tuple[Lwp, bytes]:
        """Where the file is, behind symbolic links.  Errors: Fault."""
        lwp, path = self._command.session.resolve(self._operand)
        return lwp, canonical(lwp, path, not self._create)

    def _look(self, lwp: Lwp, path: bytes) -> Attributes | None:
        """What is there; None for a file that is to be made.  Errors: Fault - no regular file."""
        try:
            stat = lwp.lstat(path)
        except FileNotFoundError:
            if not self._create:
                raise
            return None
        if stat.st_mode & abi.S_IFMT != abi.S_IFREG:
            raise fault(e.EISDIR) if attributes.is_directory(stat.st_mode) else fault(e.EINVAL, "not a regular file")
        return attributes.of(stat)

    def _copy_out(self, lwp: Lwp, path: bytes, mode: int) -> None:
        source = KernelSource(lwp)
        fd = source.open(AT_FDCWD, path, False)
        try:
            copy_out(source, fd, self.path, self._command.session, mode & 0o777 | 0o600)
        finally:
            source.close(fd)

    def _replace(self, lwp: Lwp, path: bytes, old: Attributes | None) -> None:
        """Write a new file beside the old one, and rename it into its place."""
        source = _Edited(() if old is None else _xattrs(lwp, path))
        directory, _, name = path.rpartition(b"/")
        fd = source.open(AT_FDCWD, self.path, False)
        try:
            row = [*(old or source.look(self.path, False)[1])]
            row[SIZE] = source.look(self.path, False)[1][SIZE]
            if old is None:
                row[MODE] = abi.S_IFREG | 0o666
            keep = Keep(mode=old is not None, owner=old is not None, xattrs=True)
            with KernelTarget(source, keep, lwp, self._command.session) as target:
                place = target.top(directory or b"/")
                try:
                    temporary = target.temporary(place)
                    target.file(place, temporary, tuple(row), fd, None)     # type: ignore[arg-type]
                    target.rename(place, temporary, name)
                finally:
                    target.close(place)
            for complaint in target.complaints:
                self._command.warn(self._operand, complaint.error)
        finally:
            source.close(fd)

    def _write_over(self, lwp: Lwp, path: bytes) -> None:
        """Write into the file itself.  Errors: ENOSPC - before anything is lost."""
        with open_outside(self.path) as contents:
            there = lwp.statvfs(path)
            if contents.size > there.f_bavail * there.f_frsize + lwp.stat(path).st_blocks * 512:
                raise fault(e.ENOSPC)
            fd = lwp.open(path, abi.O_WRONLY | abi.O_NOFOLLOW)
            try:
                lwp.ftruncate(fd, 0)
                at = 0
                while data := contents.read(PIECE):
                    at += lwp.pwrite(fd, data, at)
            finally:
                lwp.close(fd)

    def _rescue(self) -> str:
        """Have a copy outlive us; its name."""
        fd, kept = tempfile.mkstemp(prefix="fsu-", suffix="-" + os.fsdecode(os.path.basename(self.path)))
        os.close(fd)
        os.replace(self.path, kept)
        return kept


def copy_out(source: KernelSource, fd: int, path: bytes, watch: Watch, mode: int = 0o600) -> None:
    """Copy an open file to a new one of the host; holes stay holes.  Errors: OSError."""
    row = attributes.of(source.lwp.fstat(fd))
    out = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        HostData(source, KEEP_HOLES, watch).big(fd, row, out)
        os.fchmod(out, mode)
    except Interrupted:
        raise OSError("interrupted") from None
    finally:
        os.close(out)


def _version(row: Attributes | None) -> tuple[int, ...] | None:
    """What tells one version of a file from another."""
    return None if row is None else tuple(row[field] for field in _VERSION)


def _xattrs(lwp: Lwp, path: bytes) -> Pairs:
    """The extended attributes that stay with a file whose contents change."""
    source = KernelSource(lwp)
    fd = source.open(AT_FDCWD, path, False)
    try:
        return tuple([pair for pair in source.xattrs(fd) if pair[0] != _DROPPED])
    finally:
        source.close(fd)
