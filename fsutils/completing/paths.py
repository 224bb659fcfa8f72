# SPDX-License-Identifier: BSD-2-Clause
"""The paths that may be meant by the beginning of one: on the host, in images; images, and partitions of them."""

from __future__ import annotations

import os
from os.path import expanduser

from rump.fsutils.names import is_plain
from rump.fsutils.operand import HOST, IMAGE, Operand, image_end, names_path_in_image
from rump.fsutils.operand import parse as parse_operand
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeVar

    from rump.fsutils.completing.candidates import Candidate
    from rump.fsutils.session import Session
    from rump.fsutils.shelling.place import Place
    from rump.kernel.lwps import Lwp

    Entry = TypeVar("Entry")

LIMIT = 2000            # candidates, and
ENTRIES = 100_000       # names of a directory that are looked at


class Paths:
    """Completes paths."""

    def __init__(self, session: Session, place: Place | None) -> None:
        self.session = session
        self._place = place

    def any(self, text: str) -> list[Candidate]:
        """Whatever an operand can be."""
        for prefix, complete in ((HOST, self.of_the_host), (IMAGE, self.any)):
            if text.startswith(prefix):
                return [(prefix + found, final, what) for found, final, what in complete(text[len(prefix) :])]
        inside = self._operand(text)
        if inside is not None:
            return [*self._inside(text, inside), *self._names(text)]
        if _names_partition(text):
            return self._partitions(text, ":/")
        return [*self._names(text), *self._with_images(text, self.of_the_host(text), inside=True)]

    def images(self, text: str) -> list[Candidate]:
        """An image, or a partition of one."""
        if _names_partition(text):
            return self._partitions(text, "")
        return self._with_images(text, self.of_the_host(text), inside=False)

    def of_the_host(self, text: str, directories: bool = False) -> list[Candidate]:
        """A file of the host."""
        above, _, name = text.rpartition("/")
        above = text[: len(text) - len(name)]
        where = os.fsencode(expanduser(above) or ".")
        try:
            with os.scandir(where) as entries:
                rows = [(entry.name, _is_directory(entry)) for entry in _some(entries) if entry.name.startswith(
                    os.fsencode(name))]  # fmt: skip
        except OSError:
            return []
        return [row for row in _candidates(above, name, rows) if not (directories and row[1])]

    def _operand(self, text: str) -> Operand | None:
        """The directory in an image that a path begins with; None if it is not in one."""
        above = text[: len(text) - len(self._last(text))]
        place = self._place
        if place is not None:
            found = place.find(above, False) if above or place.image else None
            if found is not None:
                return found
        return parse_operand(above, image_by_default=True) if names_path_in_image(text) else None

    def _inside(self, text: str, operand: Operand) -> list[Candidate]:
        """The entries of an image's directory that may be meant."""
        name = self._last(text)
        try:
            lwp, path = self.session.resolve(operand)
            rows = [(entry, self._leads_down(lwp, path, entry, kind)) for entry, kind in _some(_entries(lwp, path))
                    if entry.startswith(os.fsencode(name)) and entry not in (b".", b"..")]  # fmt: skip
        except OSError:
            return []
        return _candidates(text[: len(text) - len(name)], name, rows)

    def _last(self, text: str) -> str:
        """The name that is being typed in an image, behind the last slash or what chooses the image."""
        name, colon, rest = text.partition(":")
        chosen = colon and self._place is not None and (not name or name in self._place.images)
        return (rest if chosen else text).rpartition("/")[2]

    @staticmethod
    def _leads_down(lwp: Lwp, path: bytes, name: bytes, kind: int) -> bool:
        """Whether a directory's entry is one, or leads to one."""
        if kind not in (abi.DT_LNK, abi.DT_UNKNOWN):
            return kind == abi.DT_DIR
        try:
            return lwp.stat(path + b"/" + name).st_mode & abi.S_IFMT == abi.S_IFDIR
        except OSError:
            return False

    def _names(self, text: str) -> list[Candidate]:
        """The images that have names in a shell."""
        names = self._place.images if self._place is not None else ()
        return [(f"{name}:/", False, "image") for name in sorted(names) if name.startswith(text) and ":" not in text]

    def _with_images(self, text: str, found: list[Candidate], inside: bool) -> list[Candidate]:
        """Where there is but one file to choose and it is an image, what may follow its name."""
        files = [row for row in found if row[1]]
        exact = [row for row in files if row[0] == text]
        only = exact or (files if len(found) == 1 else [])
        if len(only) != 1:
            return found
        name = only[0][0]
        try:
            if not self.session.is_image(expanduser(name)):
                return found
            device = self.session.device(expanduser(name))
            parted = self.session.kernel.probe(device) is None
        except OSError:
            return found
        if parted:
            return self._partitions(name + "@", ":/" if inside else "")
        return [(name + ":/", False, "image")] if inside else found

    def _partitions(self, text: str, end: str) -> list[Candidate]:
        """The partitions of an image: by name where they have one, else by number."""
        from rump.fsutils.part import selectors

        at = image_end(text) or 0
        image, typed = text[:at], text[at + 1 :]
        try:
            table = self.session.kernel.partitions(self.session.device(expanduser(image)))
        except OSError:
            return []
        rows: list[Candidate] = []
        for selector, row in selectors(table) if table is not None else ():
            what = " ".join(part for part in (row.name, row.type_name or row.type) if part and part.isprintable())
            words = [selector, row.name] if row.name and typed and not typed.isdigit() else [selector]
            rows += [(f"{image}@{word}{end}", not end, what) for word in words if word.startswith(typed)]
        return [row for row in rows if is_plain(os.fsencode(row[0]))][:LIMIT]


def _names_partition(text: str) -> bool:
    """Whether text is an image that is there with an ``@`` behind it and no path."""
    end = image_end(text)
    return end is not None and text[end : end + 1] == "@" and ":/" not in text[end:]


def _some(entries: Iterable[Entry]) -> Iterator[Entry]:
    """No more of a directory than anybody waits for."""
    for count, entry in enumerate(entries):
        if count == ENTRIES:
            return
        yield entry


def _entries(lwp: Lwp, path: bytes) -> Iterator[tuple[bytes, int]]:
    """A directory's names with their DT_* types.  Errors: Fault."""
    fd = lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        while rows := lwp.getdents(fd):
            for name, _, kind in rows:
                yield name, kind
    finally:
        lwp.close(fd)


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _candidates(above: str, typed: str, rows: list[tuple[bytes, bool]]) -> list[Candidate]:
    """Names with what is above them; hidden ones if one was begun, none that a terminal must not see."""
    found = []
    for name, is_directory in sorted(rows)[: LIMIT * 2]:
        if is_plain(name) and (typed or not name.startswith(b".")):
            found.append((above + os.fsdecode(name) + ("/" if is_directory else ""), not is_directory, ""))
    return found[:LIMIT]
