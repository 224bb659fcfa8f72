# SPDX-License-Identifier: BSD-2-Clause
"""Partition tables - GPT, MBR with logical partitions, BSD disklabels - and windows on the partitions.

`read_partition_table` gives plain rows, `select` picks one by number, letter, name, label, UUID or type, and a `Wedge`
is the block device of it.  What is broken but usable is said in the table's ``warnings``; whatever the bytes, work and
memory stay bounded.
"""

from __future__ import annotations

from rump.kernel.dev.partitions.table import Partition, PartitionTable
from rump.kernel.dev.partitions.wedge import Wedge, partition_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.dev.block import BlockDevice

__all__ = ["Partition", "PartitionTable", "Wedge", "partition_device", "read_partition_table", "select"]


def read_partition_table(device: BlockDevice) -> PartitionTable | None:
    """The device's partition table, or None if it has none.  Errors: EIO - the medium cannot be read.

    A GPT counts if a protective MBR points at it, or if no other MBR is there; else the MBR does.  A BSD disklabel is
    looked for where neither is, and inside the MBR partitions (or the GPT partition) that exist to hold one.
    """
    from rump.kernel.dev.partitions import disklabel, gpt, mbr

    legacy = mbr.read(device)
    protective = legacy is not None and mbr.is_protective(legacy)
    if legacy is None or protective:
        table = gpt.read(device, protective)
        if table is not None:
            if not protective:
                table.warnings += ("there is no protective MBR",)
            return disklabel.add_nested(device, table)
    if legacy is None:
        return disklabel.read(device)
    if protective:
        legacy.warnings += ("the protective MBR promises a GPT, but neither of its copies can be used",)
    elif gpt.present(device):
        legacy.warnings += ("there is a GPT as well, but the MBR does not point at it",)
    return disklabel.add_nested(device, legacy)


def select(
    table: PartitionTable, spec: str, filesystem_label: Callable[[Partition], tuple[str, str] | None] | None = None
) -> Partition:
    """The one partition that `spec` means.

    `spec` is a number ("2"), a BSD letter ("e", or "2e": the one inside partition 2), or ``name=``, ``label=``,
    ``uuid=`` or ``type=`` and a value; a bare word is tried as each of these in that order.  Types go by GUID, by hex
    number or by a word like "efi", "linux", "swap", "root".  Names and labels that match but for case do if none
    matches as it stands.

    `filesystem_label` gives the (label, UUID) of the file system in a partition, "" where there is none - probing is
    the drivers' business.  Errors: EINVAL - several match; ENXIO - none does; both list what there is.
    """
    from rump.kernel.dev.partitions.selection import choose

    return choose(table, spec, filesystem_label)
