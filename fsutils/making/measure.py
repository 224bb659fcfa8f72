# SPDX-License-Identifier: BSD-2-Clause
"""How much room files take: counted once, for clusters of every size, and compared with what a volume would have."""

from __future__ import annotations

from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT
from rump.kernel.vfs.volume import FILEID, MODE, NLINK, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from rump.kernel.vfs.volume import Attributes

    Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
    Parts: TypeAlias = Sequence[tuple[int, int]] | None
    Attempt: TypeAlias = Callable[[int, dict[str, str]], dict[str, str] | None]

SHIFTS = range(9, 26)           # clusters of 512 bytes to 32 MiB
MOST = 1 << 50                  # bytes: no size beyond this is tried


class Tally:
    """How many clusters things take, for clusters of every size."""

    __slots__ = ("_clusters",)

    def __init__(self) -> None:
        self._clusters = [0] * len(SHIFTS)

    def add(self, size: int) -> None:
        """Something of so many bytes, in clusters of its own."""
        if size:
            size -= 1
            self._clusters = [count + (size >> shift) + 1 for count, shift in zip(self._clusters, SHIFTS, strict=True)]

    def add_part(self, offset: int, size: int) -> None:
        """A part of a file that has holes."""
        last = offset + size - 1
        self._clusters = [
            count + (last >> shift) - (offset >> shift) + 1 for count, shift in zip(self._clusters, SHIFTS, strict=True)
        ]

    def of(self, cluster: int) -> int:
        """How many clusters of this size it all takes."""
        return self._clusters[cluster.bit_length() - 1 - SHIFTS.start]


class Measure:
    """Counts files.  What is said of each file, then what is said of the volume, is a type's own affair.

    files, directories   how many, the root directory not among them
    text                 bytes of all names and targets of links
    head                 how much of the root directory is used when it is empty
    links                whether several names of a file are one file
    wants_pairs   whether extended attributes matter
    wants_parts   whether holes are kept: it matters where sparse files have data
    """

    head = 0
    links = True
    wants_pairs = False
    wants_parts = False

    def __init__(self) -> None:
        self.files = self.directories = self.text = 0
        self._seen: set[int] = set()
        self._names: dict[object, int] = {}

    def begin(self, root: object) -> None:
        """The root directory is this one."""
        self._names[root] = self.head

    def add(
        self, directory: object, name: bytes, attributes: Attributes, pairs: Pairs = (), parts: Parts = None
    ) -> None:
        """A file: the directory it is in, its name, its extended attributes; of one with holes that are copied as such
        where its data lie, (offset, length)."""
        self.name(directory, name)
        kind = attributes[MODE] & S_IFMT
        if kind == S_IFDIR:
            self.directories += 1
        else:
            if self.links and attributes[NLINK] > 1:
                if attributes[FILEID] in self._seen:
                    return
                self._seen.add(attributes[FILEID])
            self.files += 1
            self.text += attributes[SIZE] if kind == S_IFLNK else 0
        self.contents(kind, attributes, pairs, parts)

    def name(self, directory: object, name: bytes) -> None:
        """A name; by itself, another one of a file that was counted."""
        self._names[directory] = self.with_name(self._names.get(directory, 0), name)
        self.text += len(name)

    def close(self, directory: object, root: bool = False) -> None:
        """No more files are in a directory."""
        self.folder(self._names.pop(directory, 0), root)

    # ---- a type's own ----------------------------------------------------------------------------------------------

    def with_name(self, used: int, name: bytes) -> int:
        """How much of a directory is used with another name in it; the unit is `head`'s and `folder`'s."""
        return used

    def folder(self, used: int, root: bool) -> None:
        """A directory, of which so much is used."""

    def contents(self, kind: int, attributes: Attributes, pairs: Pairs, parts: Parts) -> None:
        """A file's contents and attributes."""

    def options(self, made: dict[str, str]) -> dict[str, str]:
        """Options without which no volume like this one would do, however large."""
        return {}

    def needed(self, made: dict[str, str]) -> int:
        """Bytes that the files would take on a volume like this one."""
        raise NotImplementedError

    def free(self, made: dict[str, str]) -> int:
        """Bytes that such a volume has for them."""
        raise NotImplementedError

    def kept(self, made: dict[str, str]) -> int:
        """Bytes of the free ones that are kept for root: room that is to be left is not these."""
        return 0


def smallest(measure: Measure, attempt: Attempt, extra: Callable[[int], int], grain: int) -> tuple[int, dict[str, str]]:
    """The smallest size of a volume that files fit into, and options that it needs.

    attempt   what would be made, of a size and with options; None: the size is too small
    extra     bytes to be free besides so many needed
    grain     what the size is a multiple of

    Errors: OSError - of the last attempt: there is no such size.
    """

    def fits(size: int) -> dict[str, str] | None:
        made = attempt(size, {})
        options = measure.options(made) if made else {}
        if options:
            made = attempt(size, options)
        if made is None:
            return None
        need = measure.needed(made)
        room = extra(need)
        return options if need + room <= measure.free(made) - (measure.kept(made) if room else 0) else None

    low, high = 0, 16               # in grains: does not fit; fits
    while (found := fits(high * grain)) is None:
        low, high = high, high * 2
        if high * grain > MOST:
            raise OSError("no size does")
    while high - low > 1:
        middle = (low + high) // 2
        options = fits(middle * grain)
        if options is None:
            low = middle
        else:
            high, found = middle, options
    return high * grain, found
