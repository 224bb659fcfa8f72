# SPDX-License-Identifier: BSD-2-Clause
"""Grant tables: which pages of this guest another domain may map (grant_table.h, version 1)."""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface.errno import EBUSY, EIO, ENOSPC, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.hypervisor import Hypervisor

PER_FRAME = abi.PAGE // abi.GRANT_ENTRY.size


class Grants:
    """This guest's table.  It grows by a page at a time, up to what Xen allows."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self._hypervisor, self._machine = hypervisor, hypervisor.machine
        self._frames: list[int] = []            # their addresses
        self._free: list[int] = []              # references, the next one last

    def limit(self) -> int:
        """How many pages the table may have."""
        structure = bytearray(abi.QUERY_SIZE.pack(abi.DOMAIN_SELF, 0, 0, 0, 0, 0))
        arguments = abi.GRANT_QUERY_SIZE, self._machine.physical(structure), 1
        self._hypervisor.call(abi.GRANT_TABLE_OP, *arguments)
        _, _, _, most, status, _ = abi.QUERY_SIZE.unpack(structure)
        if status:
            raise HostError(EIO, f"Xen does not tell the size of the grant table: {status}")
        return int(most)

    def _grow(self) -> None:
        if len(self._frames) >= self.limit():
            raise HostError(ENOSPC, "Xen's grant table is full")
        address, index = self._machine.pages(1), len(self._frames)
        self._hypervisor.add_to_physmap(abi.SPACE_GRANT_TABLE, index, address)
        self._frames.append(address)
        first = max(index * PER_FRAME, abi.GRANTS_RESERVED)
        self._free.extend(range((index + 1) * PER_FRAME - 1, first - 1, -1))

    def _entry(self, reference: int) -> int:
        frame, index = divmod(reference, PER_FRAME)
        return self._frames[frame] + index * abi.GRANT_ENTRY.size

    def grant(self, domain: int, address: int, read_only: bool = False) -> int:
        """Let `domain` map the page at `address`; the reference that it needs for that."""
        if not self._free:
            self._grow()
        reference = self._free.pop()
        entry = self._entry(reference)
        self._machine.store(entry + 4, 4, address // abi.PAGE)
        # Flags and domain last, in one access: from then on the entry counts.
        flags = abi.GRANT_PERMIT | (abi.GRANT_READ_ONLY if read_only else 0)
        self._machine.store(entry, 4, domain << 16 | flags)
        return reference

    def end(self, reference: int) -> None:
        """Take a grant back.  Errors: EBUSY - the other domain has the page mapped; it stays granted."""
        entry = self._entry(reference)
        word = self._machine.load(entry, 4)
        while not word & (abi.GRANT_READING | abi.GRANT_WRITING):
            found = self._machine.compare_exchange(entry, word, 0)
            if found == word:
                self._free.append(reference)
                return
            word = found
        raise HostError(EBUSY, f"grant {reference} is in use")
