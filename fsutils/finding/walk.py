# SPDX-License-Identifier: BSD-2-Clause
"""Going through a tree in order, asking an expression about each file."""

from __future__ import annotations

from operator import itemgetter

from rump.fsutils.attributes import of
from rump.fsutils.descent import Descent, rows
from rump.fsutils.finding.found import Found
from rump.kernel import abi
from rump.kernel.abi import AT_FDCWD, AT_SYMLINK_NOFOLLOW, S_IFDIR, S_IFLNK, S_IFMT
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import FILEID, MODE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rump.fsutils.command import Command
    from rump.fsutils.copy.target import Watch
    from rump.fsutils.finding.found import Test
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes

NEVER, COMMAND_LINE, ALWAYS = range(3)
_BY_NAME = itemgetter(0)


class Limits:
    """Where the walk goes.

    follow       `NEVER`, `COMMAND_LINE` or `ALWAYS`: which symbolic links
    least, most  depths at which the expression is asked; nothing is read below `most`
    post         ask about a directory after what is in it
    one_volume   do not go into what is mounted below
    """

    __slots__ = ("follow", "least", "most", "one_volume", "post")

    def __init__(self) -> None:
        self.follow = NEVER
        self.least = 0
        self.most = 1 << 62
        self.post = False
        self.one_volume = False


class Following(Descent):
    """A descent through links: a directory may be met again, only not inside itself."""

    __slots__ = ("_inside",)

    def __init__(self, lwp: Lwp, path: bytes) -> None:
        super().__init__(lwp, path)
        self._inside = [_key(lwp, self.fd)]

    def enter(self, name: bytes, fileid: int) -> None:
        fd = self._lwp.openat(self.fd, name, abi.O_RDONLY | abi.O_DIRECTORY)
        key = _key(self._lwp, fd)
        if key in self._inside:
            self._lwp.close(fd)
            raise fault(e.ELOOP, "a link leads back to a directory it is in")
        self._inside.append(key)
        self._above.append(self.fd)
        self._names.append(name)
        self.fd = fd

    def leave(self) -> None:
        self._inside.pop()
        super().leave()


def _key(lwp: Lwp, fd: int) -> tuple[int, int]:
    stat = lwp.fstat(fd)
    return stat.st_dev, stat.st_ino


class Walk:
    """Goes through operands; `fail` is told what cannot be read."""

    def __init__(
        self, test: Test, limits: Limits, watch: Watch, fail: Callable[[bytes, OSError | str], None]
    ) -> None:
        self._test = test
        self._limits = limits
        self._watch = watch
        self._fail = fail

    def operands(self, command: Command, operands: Iterable[Operand]) -> None:
        """Go through what each operand names; what cannot be had is said.  Errors: Quit."""
        for operand in operands:
            if command.interrupted:
                break
            try:
                self.operand(*command.session.resolve(operand), operand.shown)
            except OSError as error:
                command.fail(operand, error)

    def operand(self, lwp: Lwp, path: bytes, shown: bytes) -> None:
        """Go through what an operand names.  Errors: Fault - it is not there; Quit."""
        follow = self._limits.follow != NEVER
        try:
            stat = lwp.fstatat(AT_FDCWD, path, 0 if follow else AT_SYMLINK_NOFOLLOW)
        except FileNotFoundError:
            if not follow:
                raise
            stat = lwp.fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
        found = Found(lwp, shown, len(shown) - len(path) if shown.endswith(path) else 0, of(stat))
        found.name = path.rstrip(b"/").rpartition(b"/")[2] or b"/"
        found.at = path
        first = found.path, found.name, found.row, found.fd, found.at
        if not self._limits.post:
            self._ask(found)
        if found.is_directory and not found.pruned and self._limits.most > 0:
            descent = Following(lwp, path) if self._limits.follow == ALWAYS else Descent(lwp, path, follow=follow)
            try:
                self._below(found, descent, shown)
            finally:
                descent.close()
        if self._limits.post and not self._watch.interrupted:
            found.depth = 0
            found.path, found.name, found.row, found.fd, found.at = first
            self._ask(found)

    def _below(self, found: Found, descent: Descent, top: bytes) -> None:
        """Everything below a directory."""
        device = found.lwp.fstat(descent.fd).st_dev
        open_directories = [(top, top, found.row, iter(self._entries(found, descent.fd, top)))]
        while open_directories and not self._watch.interrupted:
            path, _, row, entries = open_directories[-1]
            entry = next(entries, None)
            if entry is None:
                open_directories.pop()
                descent.leave()
                if self._limits.post and open_directories:
                    self._show(found, descent.fd, len(open_directories), path, path.rpartition(b"/")[2], row)
                continue
            name, row = entry
            below = path + name if path.endswith(b"/") else path + b"/" + name
            is_directory = row[MODE] & S_IFMT == S_IFDIR
            found.pruned = False
            if not (self._limits.post and is_directory):
                self._show(found, descent.fd, len(open_directories), below, name, row)
            if is_directory and self._enter(found, descent, name, row, below, len(open_directories), device):
                inside = iter(self._entries(found, descent.fd, below))
                open_directories.append((below, name, row, inside))

    def _enter(
        self, found: Found, descent: Descent, name: bytes, row: Attributes, path: bytes, depth: int, device: int
    ) -> bool:
        """Go into a directory, if it is wanted and can be; else all there is to say of it has been said."""
        wanted = not found.pruned and depth < self._limits.most
        fd = descent.fd
        if wanted:
            try:
                descent.enter(name, row[FILEID])
                if not self._limits.one_volume or found.lwp.fstat(descent.fd).st_dev == device:
                    return True
                descent.leave()
            except OSError as error:
                self._fail(path, error)
        if self._limits.post:
            self._show(found, fd, depth, path, name, row)
        return False

    def _entries(self, found: Found, fd: int, path: bytes) -> list[tuple[bytes, Attributes]]:
        """A directory's entries in the order of their names."""
        try:
            listed = rows(found.lwp, fd)
        except OSError as error:
            self._fail(path, error)
            return []
        listed.sort(key=_BY_NAME)
        follow = self._limits.follow == ALWAYS
        entries = []
        for name, _, row in listed:
            if row is None or (follow and row[MODE] & S_IFMT == S_IFLNK):
                try:
                    row = self._look(found.lwp, fd, name, follow)
                except OSError as error:
                    self._fail(path + b"/" + name, error)
                    continue
            entries.append((name, row))
        return entries

    @staticmethod
    def _look(lwp: Lwp, fd: int, name: bytes, follow: bool) -> Attributes:
        """The attributes of an entry; of a link itself if it leads nowhere."""
        if follow:
            try:
                return of(lwp.fstatat(fd, name, 0))
            except OSError:
                pass
        return of(lwp.fstatat(fd, name, AT_SYMLINK_NOFOLLOW))

    def _show(self, found: Found, fd: int, depth: int, path: bytes, name: bytes, row: Attributes) -> None:
        found.fd, found.depth, found.path, found.name, found.row, found.at = fd, depth, path, name, row, name
        self._ask(found)

    def _ask(self, found: Found) -> None:
        if found.depth >= self._limits.least:
            try:
                self._test(found)
            except OSError as error:
                self._fail(found.path, error)
