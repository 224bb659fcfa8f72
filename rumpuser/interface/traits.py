# SPDX-License-Identifier: BSD-2-Clause
"""What a host says of itself."""

from __future__ import annotations


class Traits:
    """What a host says of itself.  The kernel adapts to these; it never asks for the platform's name.

    name              the backend: "linux", "bare-memory" ...
    threads           other host threads may call the kernel; locks and conditions really wait
    clock_resolution  the step of CLOCK_ABSMONO in nanoseconds
    range_sync        sync(SYNC_DATA) is confined to the range given
    punches_holes     discard gives the space back and reads as zeros afterwards
    finds_holes       extents tells data from holes (else everything is data)
    locks             byte-range locks work between processes
    confines          what a confined process is bound by, as far as the system that runs has it: "landlock", "limits",
                      "seccomp"; sorted.  What holds in one it says itself, by its own host's traits
    copies_ranges     copy_range moves data without passing it through this process
    notifies          a watch wakes at the change; else the host looks from time to time
    compiled          the names of the compiled pieces in use, sorted; () is the pure fallback everywhere
    absent            the names of the hypercalls that raise ENOSYS, sorted
    """

    __slots__ = (
        "absent", "clock_resolution", "compiled", "confines", "copies_ranges", "finds_holes", "locks", "name",
        "notifies", "punches_holes", "range_sync", "threads",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        threads: bool = False,
        clock_resolution: int = 1,
        range_sync: bool = False,
        punches_holes: bool = False,
        finds_holes: bool = False,
        locks: bool = False,
        copies_ranges: bool = False,
        notifies: bool = False,
        compiled: tuple[str, ...] = (),
        confines: tuple[str, ...] = (),
        absent: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.threads = threads
        self.clock_resolution = clock_resolution
        self.range_sync = range_sync
        self.punches_holes = punches_holes
        self.finds_holes = finds_holes
        self.locks = locks
        self.copies_ranges = copies_ranges
        self.notifies = notifies
        self.compiled = compiled
        self.confines = confines
        self.absent = absent
