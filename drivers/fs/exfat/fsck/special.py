# SPDX-License-Identifier: BSD-2-Clause
"""What the root directory says of the whole volume: bitmaps, the up-case table, label, GUID."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk, upcase
from rump.drivers.fs.exfat.checksum import checksum32
from rump.drivers.fs.exfat.fsck.state import ROOT
from rump.drivers.fs.exfat.lookup import Cases
from rump.drivers.fs.exfat.special import TABLE_MAX, Special
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.exfat.fsck.state import State
    from rump.kernel.vfs.volume import Finding

_GUID = disk.TYPE_GUID
_ONCE = {disk.TYPE_UPCASE: "up-case tables", disk.TYPE_LABEL: "labels", _GUID: "GUIDs"}


class SpecialFiles:
    """The pass: the root directory itself, and what is no file's."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self) -> Iterator[Finding]:
        """What is found.  Errors: EIO - the root directory cannot be read."""
        state = self._state
        start = state.geometry.boot.root_cluster
        found = state.claims.chain(start)
        for text in found.problems:
            yield ERROR, f"the root: {text}"
        state.directories.append((ROOT, b"", start, found.length, False, found.length * state.geometry.cluster_size))
        data = state.entries(start, found.length, False)
        special = state.special = Special(data)
        if special.unknown:
            yield ERROR, f"the root: a critical entry of unknown type {special.unknown:#x}"
        yield from self._counts(data)
        yield from self._bitmaps(special)
        try:
            yield from self._upcase(special)
        except Fault as error:
            yield ERROR, f"up-case table: {error.detail or error}"

    def _counts(self, data: bytes) -> Iterator[Finding]:
        """What is to be there once."""
        types = data[:: disk.ENTRY_SIZE].partition(bytes((disk.TYPE_END,)))[0]
        for kind, what in _ONCE.items():
            if types.count(kind) > 1:
                yield ERROR, f"the root: {types.count(kind)} {what}"
        fats = self._state.geometry.boot.fats
        if types.count(disk.TYPE_BITMAP) != fats:
            yield ERROR, f"the root: {types.count(disk.TYPE_BITMAP)} allocation bitmaps, with {fats} FATs"
        slot = types.find(disk.TYPE_LABEL)
        if slot >= 0 and data[slot * disk.ENTRY_SIZE + 1] > disk.LABEL_MAX:
            yield ERROR, f"the root: a label of {data[slot * disk.ENTRY_SIZE + 1]} characters"
        if _GUID in types and not self._state_special().guid:
            yield ERROR, "the root: the checksum of the GUID is wrong"

    def _state_special(self) -> Special:
        assert self._state.special is not None
        return self._state.special

    def _bitmaps(self, special: Special) -> Iterator[Finding]:
        state = self._state
        wanted = -(-state.geometry.clusters // disk.BITMAP_UNIT)
        for number, entry in enumerate(special.bitmaps):
            what = "second allocation bitmap" if number else "allocation bitmap"
            if entry is None:
                continue
            _, problems = state.claim(what, entry.first_cluster, entry.length, disk.SPACE_POSSIBLE)
            for text in problems:
                yield ERROR, f"{what}: {text}"
            if entry.length != wanted:
                yield ERROR, f"{what}: {entry.length} bytes, not {wanted}"

    def _upcase(self, special: Special) -> Iterator[Finding]:
        """The table, which is used from then on if it is sound."""
        state, entry = self._state, special.upcase
        if entry is None:
            yield ERROR, "the root: no up-case table"
            return
        found, problems = state.claim("up-case table", entry.first_cluster, entry.length, disk.SPACE_POSSIBLE)
        for text in problems:
            yield ERROR, f"up-case table: {text}"
        if found is None or entry.length > TABLE_MAX:
            yield ERROR, f"up-case table: {entry.length} bytes"
            return
        data = state.contents(entry.first_cluster, found.length, False, entry.length)[: entry.length]
        total = checksum32(data)
        if total != entry.checksum:
            yield ERROR, f"up-case table: checksum {entry.checksum:#010x}, not {total:#010x}"
        elif not problems:
            state.cases = Cases(upcase.expand(data))
