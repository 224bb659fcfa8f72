# SPDX-License-Identifier: BSD-2-Clause
"""Hard links: which file of the source is already where in the target."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = tuple[bytes, ...]


class LinkMap:
    """Files with several names, from the first name copied until the last one is.

    A file is forgotten once as many names were seen as it has links, so that the map holds only what is still open.
    """

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: dict[tuple[int, int], tuple[Path, int]] = {}

    def copied(self, key: tuple[int, int], links: int, path: Path) -> None:
        """A file of `links` names is now at `path`, below the top of the copy."""
        self._places[key] = path, links - 1

    def find(self, key: tuple[int, int]) -> Path | None:
        """Where the file is, if one of its names was copied."""
        found = self._places.get(key)
        return None if found is None else found[0]

    def linked(self, key: tuple[int, int]) -> None:
        """One more of its names has been made."""
        path, left = self._places[key]
        if left > 1:
            self._places[key] = path, left - 1
        else:
            del self._places[key]

    def __len__(self) -> int:
        return len(self._places)
