# SPDX-License-Identifier: BSD-2-Clause
"""Members of an archive as files: of a directory of the host, or inside an image.

Nothing leaves that directory: names with ``..`` are refused, directories are entered by descriptor, no symbolic link is
followed, whether it was there or came out of the archive.
"""

from __future__ import annotations

from rump.fsutils.copy.report import NO_DIRECTORY, BadSource, Refused, alike
from rump.fsutils.copy.source import SMALL
from rump.fsutils.copy.target import Interrupted
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import MODE, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.archive.member_source import MemberSource
    from rump.fsutils.archive.members import Entry
    from rump.fsutils.copy.links import Path
    from rump.fsutils.copy.source import Pairs
    from rump.fsutils.copy.target import Place, Small, Target, Watch
    from rump.kernel.vfs.volume import Attributes

BATCH_FILES = 512
BATCH_BYTES = 1 << 20


class Extractor:
    """Puts members below the directory `top` of a target.

    fail, warn   told a member's name and what was wrong with it
    made         attributes of a directory that no member describes
    keep_old     what is there already is left alone
    """

    def __init__(
        self, target: Target, source: MemberSource, top: Place, watch: Watch,
        fail: Callable[[bytes, BaseException | str], None], warn: Callable[[bytes, BaseException | str], None],
        made: Attributes, keep_old: bool = False,
    ) -> None:  # fmt: skip
        self._target = target
        self._source = source
        self._watch = watch
        self._fail = fail
        self._warn = warn
        self._made = made
        self._keep_old = keep_old
        self._top = top
        self._stack: list[tuple[bytes, Place]] = []
        self._late: dict[Path, tuple[Attributes, Pairs]] = {}
        self._ours: set[Path] = set()
        self._waiting: list[Small] = []
        self._bytes = 0
        self._said: set[str] = set()

    def add(self, entry: Entry) -> bool:
        """Extract a member; whether it is there now.  Errors: Interrupted."""
        if self._watch.interrupted:
            raise Interrupted
        try:
            self._add(entry)
        except (OSError, ValueError, OverflowError) as error:
            self._fail(entry.name, error)
            return False
        self._complain(entry.name)
        return True

    def end(self) -> None:
        """All is extracted: now directories get their attributes, the deepest ones first."""
        self._flush()
        for path in sorted(self._late, reverse=True):
            attributes, self._source.pairs = self._late[path]
            name = b"/".join(path)
            try:
                place = self._enter(path)
                self._target.finish(place, attributes, -1)
            except OSError as error:
                self._fail(name, error)
            self._complain(name)

    def close(self) -> None:
        """Close what is open."""
        while self._stack:
            self._target.close(self._stack.pop()[1])

    # ---- where -----------------------------------------------------------------------------------------------------

    def _enter(self, path: Path) -> Place:
        """A directory, made if it is missing."""
        stack = self._stack
        depth = 0
        while depth < len(stack) and depth < len(path) and stack[depth][0] == path[depth]:
            depth += 1
        if depth < len(stack):
            self._flush()
            while len(stack) > depth:
                self._target.close(stack.pop()[1])
        place = stack[-1][1] if stack else self._top
        for index in range(depth, len(path)):
            self._flush()
            place = self._directory(place, path[: index + 1])
            stack.append((path[index], place))
        return place

    def _directory(self, place: Place, path: Path) -> Place:
        """Make a directory, or enter one that is there; one that we made is known again."""
        if path in self._ours:
            fresh, place.fresh = place.fresh, False
            try:
                made = self._target.directory(place, path[-1])
            finally:
                place.fresh = fresh
            made.fresh = made.ours = True
            return made
        twin = self._target.twin(place, path[-1])
        if twin is not None:
            raise alike(twin)
        made = self._target.directory(place, path[-1])
        self._target.note(place, path[-1], made)
        if made.fresh:
            self._ours.add(path)
            self._late.setdefault(path, (self._made, ()))
        return made

    # ---- what ------------------------------------------------------------------------------------------------------

    def _add(self, entry: Entry) -> None:
        attributes = entry.attributes
        if attributes[MODE] & S_IFMT == S_IFDIR:
            self._enter(entry.path)
            self._late[entry.path] = attributes, entry.pairs
            return
        if not entry.path:
            raise BadSource("a name that no file can have; refused")
        place = self._enter(entry.path[:-1])
        name = entry.path[-1]
        if entry.link is not None:
            self._flush()
            self._replacing(place, name, lambda: self._link(entry.link, place, name))
            return
        kind, source = attributes[MODE] & S_IFMT, self._source
        source.target, source.pairs, source.size = entry.target, entry.pairs, attributes[SIZE]
        source.ranges = entry.ranges
        small = kind == S_IFREG and attributes[SIZE] <= SMALL and entry.ranges is None
        source.file = entry.open() if kind == S_IFREG else None
        source.data = source.file.read() if small and source.file is not None else None
        if small and len(source.data or b"") != attributes[SIZE]:
            raise BadSource("the archive ends within the file")
        if self._target.takes_batches and place.fresh and (small or kind != S_IFREG):
            data = entry.target if kind == S_IFLNK else source.data or b""
            self._waiting.append((name, attributes, (data, entry.pairs)))
            self._bytes += len(data)
            if len(self._waiting) >= BATCH_FILES or self._bytes >= BATCH_BYTES:
                self._flush()
            return
        self._make_again(place, name, attributes)

    def _make_again(self, place: Place, name: bytes, attributes: Attributes) -> None:
        self._replacing(place, name, lambda: self._make(place, name, attributes))

    def _make(self, place: Place, name: bytes, attributes: Attributes) -> None:
        kind = attributes[MODE] & S_IFMT
        if kind == S_IFREG:
            self._target.file(place, name, attributes, 0, None)
        elif kind == S_IFLNK:
            self._target.symlink(place, name, attributes, -1, name)
        else:
            self._target.node(place, name, attributes, -1, name)

    def _link(self, link: Path | None, place: Place, name: bytes) -> None:
        if not link or not self._target.link(self._top, link, place, name):
            raise BadSource(f"cannot be linked to {b'/'.join(link or ()).decode('utf-8', 'backslashreplace')}")

    def _replacing(self, place: Place, name: bytes, make: Callable[[], None]) -> None:
        """Make a file; what has its name goes, unless it is a directory."""
        try:
            make()
            self._target.note(place, name)
            return
        except FileExistsError:
            old = self._target.existing(place, name)
        twin = self._target.twin(place, name)
        if twin is not None:
            raise alike(twin)
        if self._keep_old:
            raise Refused("is there already")
        if old is not None and old.mode & S_IFMT == S_IFDIR:
            raise Refused(NO_DIRECTORY)
        self._target.remove(place, name)
        make()
        self._target.note(place, name)

    def _flush(self) -> None:
        """Make the files that wait, which all belong into the innermost directory."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return
        place = self._stack[-1][1]
        source = self._source
        for (name, attributes, (data, pairs)), done in zip(waiting, self._target.batch(place, waiting), strict=True):
            if done:
                continue
            source.data = source.target = data
            source.pairs, source.size, source.ranges = pairs, attributes[SIZE], None
            shown = b"/".join((*(part for part, _ in self._stack), name))
            try:
                self._make_again(place, name, attributes)
            except OSError as error:
                self._fail(shown, error)
            self._complain(shown)

    def _complain(self, name: bytes) -> None:
        """Say what a file had to go without."""
        for complaint in self._target.complaints:
            if not complaint.once:
                self._fail(name, complaint.error)
            elif str(complaint.error) not in self._said:
                self._said.add(str(complaint.error))
                self._warn(name, complaint.error)
        self._target.complaints.clear()
