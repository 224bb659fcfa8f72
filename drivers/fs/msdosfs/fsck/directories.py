# SPDX-License-Identifier: BSD-2-Clause
"""Every directory, and the chains that its entries lead to."""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.fsck.entries import scan
from rump.drivers.fs.msdosfs.fsck.state import ROOT
from rump.drivers.fs.msdosfs.lookup import DOTS, name_key, short_name
from rump.kernel.errors import Fault
from rump.kernel.vfs.operation import UNFORESEEN
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.fat.claims import Found
    from rump.drivers.fs.msdosfs.fsck.state import State
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.kernel.vfs.volume import Finding

EVERY = 1024        # directories between two words of progress
RESERVED = 0xC0     # bits of the attributes
CASES = disk.CASE_BASE | disk.CASE_EXTENSION
LOWER = b"abcdefghijklmnopqrstuvwxyz"
_SHOWN = ('"."', '".."')
_unpack = disk.Entry.struct.unpack_from


class Directories:
    """The pass."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._geometry = state.geometry
        self._wide = state.geometry.bits == 32
        self._owners: list[str] = []

    def run(self) -> Iterator[Finding]:
        """What is found."""
        state = self._state
        yield from self._root()
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
        for grade, text in self.run():
            if grade == PROGRESS:
                yield grade, text
            while self._owners:
                yield ERROR, self._owners.pop(0)

    def _root(self) -> Iterator[Finding]:
        start, length = self._geometry.root_cluster, 0
        if start:
            found = self._claim("/", start)
            for text in found.problems:
                yield ERROR, f"the root: {text}"
            length = found.length
        self._state.directories.append((ROOT, b"", start, length))

    def _claim(self, path: str, start: int) -> Found:
        """The chain of a file or directory."""
        claims = self._state.claims
        found = claims.chain(start)
        if claims.had:
            self._owners.append(f"{path}: shares {claims.had} of its clusters with others")
        return found

    def _contents(self, start: int, length: int) -> bytes:
        """The bytes of a directory.  Errors: EIO."""
        geometry, device = self._geometry, self._state.device
        if not start:
            return device.read(geometry.root_offset, geometry.root_size)
        size = geometry.cluster_size
        base = geometry.data_offset - disk.FIRST_CLUSTER * size
        left = min(length, -(-disk.DIRECTORY_MAX // size))
        parts: list[bytes] = []
        while left > 0:
            count, following = self._state.chains.run(start, left)
            parts.append(device.read(base + start * size, min(count, left) * size))
            left -= count
            start = following
        return b"".join(parts)

    # ---- entries -----------------------------------------------------------------------------------------------------

    def _one(self, number: int) -> Iterator[Finding]:
        state = self._state
        _, _, start, length = state.directories[number]
        if length * self._geometry.cluster_size > disk.DIRECTORY_MAX:
            yield ERROR, f"{state.path(number)}: a directory of {length} clusters"
        data = self._contents(start, length)
        if number != ROOT:
            yield from self._dot(number, 0, data)
            yield from self._dot(number, 1, data)
        names: set[bytes] = set()
        shorts: set[bytes] = set()
        for slot, name, fields, problems in scan(data, state.options.code_page):
            if problems:
                path = state.path(number) if fields is None else state.path(number, name)
                for text in problems:
                    yield ERROR, f"{path}: {text}"
            if fields is not None and not (slot < 2 and number != ROOT and fields[0] == DOTS[slot]):
                yield from self._entry(number, name, fields, names, shorts)

    def _entry(
        self, number: int, name: bytes, fields: EntryFields, names: set[bytes], shorts: set[bytes]
    ) -> Iterator[Finding]:
        """An entry of a label, a file or a directory."""
        raw, attributes = fields[0], fields[1]
        path = self._state.path(number, name)
        texts: list[str]
        if attributes & disk.ATTR_LABEL:
            texts = self._label(number, fields)
        elif raw in DOTS:
            texts = ["it is where it is not to be"]
        else:
            texts = self._twice(name, raw, names, shorts)
            start = fields[10] | (fields[7] << 16 if self._wide else 0)
            if attributes & disk.ATTR_DIRECTORY:
                texts += self._directory(number, name, path, start, fields[11])
            else:
                texts += self._file(path, start, fields[11])
        for text in texts:
            yield ERROR, f"{path}: {text}"
        if attributes & RESERVED or fields[2] & ~CASES:
            yield NOTE, f"{path}: bits that mean nothing: attributes {attributes:02X}, case {fields[2]:02X}"
        if raw.translate(None, LOWER) != raw and not attributes & disk.ATTR_LABEL:
            yield NOTE, f"{path}: its short name has small letters"

    def _twice(self, name: bytes, raw: bytes, names: set[bytes], shorts: set[bytes]) -> list[str]:
        """Names that differ in case only are the same, and no long one may be another's short one."""
        code_page = self._state.options.code_page
        key, short = name_key(name), name_key(short_name(raw, 0, code_page))
        twice = key in names or raw in shorts or (short in names and b"\xef\xbf\xbd" not in short)
        names.update((key, short))
        shorts.add(raw)
        return ["it is there twice"] if twice else []

    def _label(self, number: int, fields: EntryFields) -> list[str]:
        state = self._state
        if number != ROOT:
            return ["a label, and not in the root directory"]
        texts = ["it is a second label"] if state.label else []
        state.label = state.label or fields[0]
        if fields[10] or (self._wide and fields[7]) or fields[11]:
            texts.append("a label with a cluster or a size")
        return texts

    def _directory(self, number: int, name: bytes, path: str, start: int, size: int) -> list[str]:
        state = self._state
        texts = [f"a directory whose entry says {size} bytes, not 0"] if size else []
        if not start or start == self._geometry.root_cluster:
            return [*texts, "a directory that leads to the root" if start else "a directory without clusters"]
        found = self._claim(path, start)
        texts += found.problems
        if start in state.starts:
            return [*texts, f"a directory, but that at cluster {start} is in another one, too"]
        state.starts.add(start)
        state.directories.append((number, name, start, found.length))
        return texts

    def _file(self, path: str, start: int, size: int) -> list[str]:
        self._state.files += 1
        wanted = -(-size // self._geometry.cluster_size)
        if not start:
            return [f"{size} bytes, but no clusters"] if size else []
        found = self._claim(path, start)
        if found.length != wanted and not (found.problems and found.length < wanted and not found.shared):
            return [*found.problems, f"{size} bytes, which take {wanted} clusters; it has {found.length}"]
        return found.problems

    # ---- "." and ".." ------------------------------------------------------------------------------------------------

    def _dot(self, number: int, slot: int, data: bytes) -> Iterator[Finding]:
        """One of the first two entries of a directory that is not the root."""
        state = self._state
        parent, _, start, _ = state.directories[number]
        path, root = state.path(number), self._geometry.root_cluster
        fields = _unpack(data, slot * disk.ENTRY_SIZE) if data else None
        if fields is None or fields[0] != DOTS[slot]:
            yield ERROR, f"{path}: entry {slot} is not {_SHOWN[slot]}"
            return
        wanted = start if slot == 0 else state.directories[parent][2] if parent != ROOT else 0
        leads = fields[10] | (fields[7] << 16 if self._wide else 0)
        if not fields[1] & disk.ATTR_DIRECTORY:
            yield ERROR, f"{path}: {_SHOWN[slot]} is not marked as a directory"
        if fields[11]:
            yield ERROR, f"{path}: {_SHOWN[slot]} says {fields[11]} bytes, not 0"
        if leads == root and not wanted and leads:
            yield NOTE, f"{path}: {_SHOWN[slot]} leads to cluster {root}, as the root is, not to 0"
        elif leads != wanted:
            yield ERROR, f"{path}: {_SHOWN[slot]} leads to cluster {leads}, not {wanted}"
