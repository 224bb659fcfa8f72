# SPDX-License-Identifier: BSD-2-Clause
"""Every directory, and the clusters that its entries lead to."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk, lookup
from rump.drivers.fs.exfat.checksum import name_hash
from rump.drivers.fs.exfat.fsck.sets import name_problem, spaces, strays
from rump.drivers.fs.exfat.fsck.state import ROOT
from rump.kernel.errors import Fault
from rump.kernel.vfs.operation import UNFORESEEN
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.exfat.fsck.state import State
    from rump.drivers.fs.exfat.lookup import Fields
    from rump.kernel.vfs.volume import Finding

EVERY = 1024        # directories between two words of progress
ATTRIBUTES = disk.ATTR_READ_ONLY | disk.ATTR_HIDDEN | disk.ATTR_SYSTEM | disk.ATTR_DIRECTORY | disk.ATTR_ARCHIVE


class Directories:
    """The pass.  The root is known."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self) -> Iterator[Finding]:
        """What is found."""
        state = self._state
        number = ROOT
        while number < len(state.directories):
            if number % EVERY == 0:
                yield PROGRESS, f"directories: {number} of {len(state.directories)} that are known"
            try:
                yield from self._one(number)
            except (Fault, *UNFORESEEN) as error:
                yield ERROR, f"{state.path(number)}: {getattr(error, 'detail', '') or error}"
            number += 1

    def owners(self) -> Iterator[Finding]:
        """Once more, for those who have what several have."""
        owned = self._state.owned
        for grade, text in self.run():
            if grade == PROGRESS:
                yield grade, text
            while owned:
                yield ERROR, owned.pop(0)
        while owned:
            yield ERROR, owned.pop(0)

    def _one(self, number: int) -> Iterator[Finding]:
        state = self._state
        _, _, first, clusters, contiguous, size = state.directories[number]
        data = state.entries(first, clusters, contiguous)[:size]
        slots, problems = lookup.find_sets(data)
        for slot, text in strays(data, slots, number == ROOT):
            yield ERROR, f"{state.path(number)}: entry {slot}: {text}"
        names: set[bytes] = set()
        for slot in slots:
            fields: Fields = lookup.FIELDS.unpack_from(data, slot * disk.ENTRY_SIZE)
            raw = lookup.raw_name(data, slot * disk.ENTRY_SIZE, fields[lookup.NAME_LENGTH])
            name = raw.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
            texts = [problems[slot]] if slot in problems else []
            texts += self._name(raw, fields[lookup.NAME_HASH], names)
            texts += self._space(number, name, fields)
            for extra in spaces(data, slot, fields):
                path = state.path(number, name)
                texts += state.claim(path, extra.first_cluster, extra.length, extra.flags)[1]
            for text in texts:
                yield ERROR, f"{state.path(number, name)}: {text}"
            if fields[lookup.ATTRIBUTES] & ~ATTRIBUTES:
                yield NOTE, f"{state.path(number, name)}: attributes {fields[lookup.ATTRIBUTES]:04X}"

    def _name(self, raw: bytes, said: int, names: set[bytes]) -> list[str]:
        """What is wrong with a name."""
        upcased = self._state.cases.upcase(raw)
        texts = []
        total = name_hash(upcased)
        if total != said:
            texts.append(f"name hash {said:#06x}, not {total:#06x}")
        problem = name_problem(raw)
        if problem:
            texts.append(problem)
        if upcased in names:
            texts.append("it is there twice")
        names.add(upcased)
        return texts

    def _space(self, number: int, name: bytes, fields: Fields) -> list[str]:
        """What is wrong with sizes and clusters of a file or directory."""
        state = self._state
        first, length, valid = fields[lookup.FIRST_CLUSTER], fields[lookup.LENGTH], fields[lookup.VALID_LENGTH]
        flags = fields[lookup.FLAGS]
        found, texts = state.claim(state.path(number, name), first, length, flags)
        if valid > length:
            texts.append(f"{valid} bytes are valid, of {length}")
        if not fields[lookup.ATTRIBUTES] & disk.ATTR_DIRECTORY:
            state.files += 1
            return texts
        if length % state.geometry.cluster_size or length > disk.DIRECTORY_MAX:
            texts.append(f"a directory of {length} bytes")
        if valid != length:
            texts.append(f"a directory of {length} bytes, {valid} of them valid")
        if found is None:
            return texts
        if first in state.starts:
            return [*texts, f"a directory, but that at cluster {first} is in another one, too"]
        state.starts.add(first)
        clusters = min(found.length, -(-length // state.geometry.cluster_size))
        state.directories.append((number, name, first, clusters, bool(flags & disk.NO_FAT_CHAIN), length))
        return texts
