# SPDX-License-Identifier: BSD-2-Clause
"""The engine: goes through the source, level by level, and has the target make what it finds.

In a directory files come first, in the directory's own order, then the directories in it.  No object is made for a
file; what was listed goes to the target as it is.
"""

from __future__ import annotations

from rump.fsutils.copy import report as words
from rump.fsutils.copy.level import Level, Stack
from rump.fsutils.copy.links import LinkMap
from rump.fsutils.copy.options import NEVER, NO_CLOBBER, UPDATE, Rules
from rump.fsutils.copy.report import BadSource, Refused, Report
from rump.fsutils.copy.source import check_name
from rump.fsutils.copy.target import Interrupted, Unwatched
from rump.kernel import abi
from rump.kernel.abi import AT_FDCWD, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import FILEID, MODE, MTIME, NLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.copy.report import Say, Told
    from rump.fsutils.copy.source import Contents
    from rump.fsutils.copy.target import Existing, Place, Small, Target, Watch
    from rump.kernel.vfs.volume import Attributes

FAILURES = (OSError, ValueError, OverflowError)
"""What may befall a file: ValueError and OverflowError are Python's for what no host could take."""

BATCH_FILES = 512       # handed to the target at once, and
BATCH_BYTES = 1 << 20   # so much that is in them

NOTHING: Contents = (b"", ())   # is in a directory before it is entered
_NO_NAMES = (b"", b".", b"..")
_NODES = (abi.S_IFIFO, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFSOCK)


class Copier:
    """Copies operands to a target.

    fail, warn   told the path and what went wrong; the copy goes on
    told         told both paths of everything copied; None: nobody asks
    links        the files with several names, of all operands with the same top
    atomic       what the user named comes under a temporary name first
    """

    def __init__(
        self,
        target: Target,
        rules: Rules,
        fail: Say,
        *,
        warn: Say | None = None,
        told: Told | None = None,
        watch: Watch | None = None,
        links: LinkMap | None = None,
        atomic: bool = True,
    ) -> None:
        self._source = target.source
        self._target = target
        self._rules = rules
        self._watch = watch or Unwatched()
        self._links = links if links is not None and target.keep.links else None
        self._atomic = atomic and target.renames_into_place
        self._source.xattrs_too = target.keep.xattrs
        self._stack = Stack(self._source, target)
        self._report = Report(self._stack, fail, warn, told)
        self._talks = told is not None
        self._been_in: set[tuple[int, int]] = set()
        self._top: Place | None = None

    # ---- what the user named -----------------------------------------------------------------------------------------

    def copy(self, origin: bytes, top: Place, name: bytes | None, source_text: bytes, target_text: bytes) -> None:
        """Copy the source's `origin` to `name` in `top`; without a name what is in it goes into `top` itself.

        The texts are what messages call the two.  Errors: Interrupted.
        """
        self._top, self._report.source, self._report.target = top, source_text, target_text
        follow = self._rules.follow != NEVER
        try:
            device, attributes = self._source.look(origin, follow)
            outside = Level(AT_FDCWD, device, (-1, -1), top, b"", attributes)
            if attributes[MODE] & S_IFMT == S_IFDIR:
                self._tree(outside, origin, name, follow)
            else:
                self._single(outside, origin, name)
        except FAILURES as error:
            self._report.failed(error)
        finally:
            self._stack.abandon()

    def _single(self, outside: Level, origin: bytes, name: bytes | None) -> None:
        """Copy what is no directory; `outside` has its attributes."""
        attributes = outside.attributes
        if name is None:
            raise Refused("Not a directory")
        if not self._rules.recursive and attributes[MODE] & S_IFMT in _NODES:
            raise BadSource(words.NO_CONTENTS)
        if self._put(outside, origin, name, attributes, self._atomic):
            self._done(None)

    def _tree(self, outside: Level, origin: bytes, name: bytes | None, follow: bool) -> None:
        if not self._rules.recursive:
            raise BadSource(words.OMITTED)
        self._enter(outside, origin, name, follow)
        levels = self._stack.levels
        while levels:
            if levels[-1].directories:
                self._try_enter(levels[-1], levels[-1].directories.pop())
            else:
                self._leave(levels[-1])

    def _done(self, name: bytes | None) -> None:
        """Something was copied, more or less."""
        self._report.copied(name)
        if self._target.complaints:
            self._report.complain(self._target.complaints, name)

    # ---- directories -------------------------------------------------------------------------------------------------

    def _try_enter(self, level: Level, name: bytes) -> None:
        depth = len(self._stack.levels)
        try:
            self._enter(level, name, name, self._source.follow)
        except FAILURES as error:
            self._report.failed(error, name if len(self._stack.levels) == depth else None)

    def _enter(self, outside: Level, origin: bytes, name: bytes | None, follow: bool) -> None:
        """Go into a directory and copy what files there are."""
        if self._watch.interrupted:
            raise Interrupted
        fd, key, attributes = self._source.open_directory(outside.fd, origin, follow)
        try:
            if key in self._been_in:
                raise BadSource(words.LOOP)
            place = self._target.again(outside.place) if name is None else self._make_directory(outside, name)
        except BaseException:
            self._source.close(fd)
            raise
        level = Level(fd, key[0], key, place, name or b"", attributes)
        self._been_in.add(key)
        if outside.fd == AT_FDCWD:
            self._been_in.add(self._target.identity(place))
        self._stack.push(level)
        self._report.copied()
        if not (self._rules.one_volume and outside.device != key[0]):
            self._fill(level)

    def _make_directory(self, level: Level, name: bytes) -> Place:
        place = level.place
        if name in level.made:
            return self._target.enter(place, name)
        if name in place.seen:
            raise Refused(words.JUST_MADE)
        twin = None if place.fresh else self._target.twin(place, name)
        if twin is not None:
            raise words.alike(twin)
        try:
            made = self._target.directory(place, name)
        except FileExistsError:
            raise self._twice(place, name) from None
        self._target.note(place, name, made)
        return made

    def _twice(self, place: Place, name: bytes) -> Refused:
        """The error for a name that a directory has which we made."""
        twin = self._target.twin(place, name)
        return Refused(words.TWICE) if twin is None else words.alike(twin)

    def _leave(self, level: Level) -> None:
        """A directory is complete: now its own attributes."""
        try:
            self._target.finish(level.place, level.attributes, level.fd)
        except OSError as error:
            self._report.failed(error)
        if self._target.complaints:
            self._report.complain(self._target.complaints)
        if self._source.follow:
            self._been_in.discard(level.key)
        self._stack.pop()

    def _fill(self, level: Level) -> None:
        """Copy what is no directory; note the directories."""
        try:
            in_bulk = level.place.fresh and not self._source.follow
            if in_bulk and self._target.takes_batches:
                self._in_batches(level)
                return
            for rows in self._source.rows(level.fd):
                if in_bulk and self._target.takes_contents:
                    for (name, _, attributes), contents in self._source.contents(level.fd, rows, False):
                        self._entry(level, name, attributes, contents)
                else:
                    for name, _, attributes in rows:
                        self._entry(level, name, attributes)
        except OSError as error:
            self._report.failed(error)
        finally:
            level.directories.reverse()

    def _in_batches(self, level: Level) -> None:
        """Copy what is no directory, small files by the hundred."""
        waiting: list[Small] = []
        linked: set[int] = set()
        size = 0
        for rows in self._source.rows(level.fd):
            for (name, _, attributes), contents in self._source.contents(level.fd, rows, True):
                if contents is None and attributes is not None and attributes[MODE] & S_IFMT == S_IFDIR:
                    contents = NOTHING
                if contents is None or attributes is None or b"/" in name or name in _NO_NAMES:
                    self._entry(level, name, attributes)
                    continue
                if self._links is not None and attributes[NLINK] > 1 and contents is not NOTHING:
                    if attributes[FILEID] in linked:
                        self._flush(level, waiting)
                    if self._links.find((level.device, attributes[FILEID])) is not None:
                        self._entry(level, name, attributes)
                        continue
                    linked.add(attributes[FILEID])
                waiting.append((name, attributes, contents))
                size += len(contents[0])
                if len(waiting) >= BATCH_FILES or size >= BATCH_BYTES:
                    self._flush(level, waiting)
                    size = 0
        self._flush(level, waiting)

    def _flush(self, level: Level, waiting: list[Small]) -> None:
        """Make the files that wait."""
        if self._watch.interrupted:
            raise Interrupted
        if not waiting:
            return
        made = self._target.batch(level.place, waiting)
        for (name, attributes, _), done in zip(waiting, made, strict=True):
            if not done:
                self._entry(level, name, attributes)        # alone it will do, or say why not
                continue
            if attributes[MODE] & S_IFMT == S_IFDIR:
                level.directories.append(name)
                level.made.add(name)
                continue
            if self._links is not None and attributes[NLINK] > 1:
                self._links.copied((level.device, attributes[FILEID]), attributes[NLINK], (*self._stack.names(), name))
            if self._talks:
                self._done(name)
        waiting.clear()

    # ---- files -----------------------------------------------------------------------------------------------------

    def _entry(
        self, level: Level, name: bytes, known: Attributes | None, contents: Contents | None = None
    ) -> None:
        """Copy an entry of a directory, with its contents if they are at hand already."""
        if self._watch.interrupted:
            raise Interrupted
        try:
            if b"/" in name or name in _NO_NAMES:
                check_name(name)
            if known is None or self._source.follow:
                known = self._source.attributes(level.fd, name, known)
            if known[MODE] & S_IFMT == S_IFDIR:
                level.directories.append(name)
                return
            if not level.place.fresh:
                if not self._put(level, name, name, known, False):
                    return
            elif self._links is not None and known[NLINK] > 1:
                self._link_or_make(self._links, level, name, name, name, known)
            elif contents is not None:
                self._target.small_file(level.place, name, known, contents)
            else:
                self._make(level, name, name, known)
            if self._talks or self._target.complaints:
                self._done(name)
        except FileExistsError:
            self._report.failed(self._twice(level.place, name), name)
        except FAILURES as error:
            self._report.failed(error, name)

    def _put(self, level: Level, origin: bytes, name: bytes, attributes: Attributes, atomic: bool) -> bool:
        """Make a file in a directory that we did not make; what is there is replaced by renaming.

        False: what is there stays.
        """
        place = level.place
        if name in place.seen:
            raise Refused(words.JUST_MADE)
        old = self._target.existing(place, name)
        twin = self._target.twin(place, name) if old is not None else None
        if twin is not None:
            raise words.alike(twin)
        if old is not None and (self._stays(old, attributes) or not self._may_go(name)):
            return False
        now = name
        if atomic or old is not None:
            now = self._target.temporary(place)
        if self._links is not None and attributes[NLINK] > 1:
            self._link_or_make(self._links, level, origin, name, now, attributes, old)
        else:
            self._make(level, origin, now, attributes, old)
        if now is not name:
            self._rename(place, now, name)
        place.seen.add(name)
        self._target.note(place, name)
        return True

    def _stays(self, old: Existing, attributes: Attributes) -> bool:
        """Whether a file that is there is left alone.  Errors: Refused - it must be."""
        if old.mode & S_IFMT == S_IFDIR:
            raise Refused(words.NO_DIRECTORY)
        existing = self._rules.existing
        return existing == NO_CLOBBER or (existing == UPDATE and old.mtime >= attributes[MTIME])

    def _may_go(self, name: bytes) -> bool:
        """Whether a file may be replaced, if somebody wants to be asked."""
        return self._rules.agree is None or self._rules.agree(self._report.made(name))

    def _rename(self, place: Place, now: bytes, name: bytes) -> None:
        try:
            self._target.rename(place, now, name)
        except BaseException:
            self._target.remove(place, now)
            raise

    def _link_or_make(
        self, links: LinkMap, level: Level, origin: bytes, name: bytes, now: bytes, attributes: Attributes,
        old: Existing | None = None,
    ) -> None:  # fmt: skip
        """Make what will be `name` a name of the same file that was copied before, if it was."""
        key = level.device, attributes[FILEID]
        path = links.find(key)
        assert self._top is not None
        if path is not None and self._target.link(self._top, path, level.place, now):
            links.linked(key)
            return
        self._make(level, origin, now, attributes, old)
        links.copied(key, attributes[NLINK], (*self._stack.names(), name))

    def _make(
        self, level: Level, origin: bytes, now: bytes, attributes: Attributes, old: Existing | None = None
    ) -> None:
        """Make a file called `now`, whatever its type."""
        kind = attributes[MODE] & S_IFMT
        if kind == S_IFREG:
            follow = self._source.follow or (level.fd == AT_FDCWD and self._rules.follow != NEVER)
            fd = self._source.open(level.fd, origin, follow)
            try:
                self._target.file(level.place, now, self._source.opened(fd, attributes), fd, old)
            finally:
                self._source.close(fd)
        elif kind == S_IFLNK:
            self._target.symlink(level.place, now, attributes, level.fd, origin)
        elif kind in _NODES:
            self._target.node(level.place, now, attributes, level.fd, origin)
        else:
            raise BadSource(words.UNKNOWN_TYPE)
