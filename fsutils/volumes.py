# SPDX-License-Identifier: BSD-2-Clause
"""All file systems of a disk image, for the verbs that are about file systems rather than files."""

from __future__ import annotations

from rump.fsutils.operand import Operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.session import Session


def volumes(session: Session, operand: Operand) -> list[Operand]:
    """An operand for each file system that an image without a partition stands for; the operand itself if there are not
    several.  Errors: OSError - the image cannot be read."""
    if operand.image is None or operand.partition is not None or session.options.file_system:
        return [operand]
    device = session.device(operand.image)
    table = session.kernel.partitions(device) if session.kernel.probe(device) is None else None
    if table is None:
        return [operand]
    from rump.fsutils.part import selectors
    from rump.fsutils.session import candidates

    wanted = {id(row) for row in candidates(table)}
    found = [selector for selector, row in selectors(table)
             if id(row) in wanted and session.holds_file_system(device, row)]  # fmt: skip
    if len(found) < 2:
        return [operand]
    return [Operand(f"{operand.image}@{selector}", operand.image, selector, operand.path) for selector in found]
