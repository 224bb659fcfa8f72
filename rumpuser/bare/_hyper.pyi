# SPDX-License-Identifier: BSD-2-Clause
"""The machine, for Python: a module built into the interpreter that our kernel carries (metal/_c/python/hyper.c).

The interpreter runs in ring 0 where every virtual address is the physical one, so that devices reach any buffer and
Python reaches any register.  All of the first 4 GiB can be reached from the start, memory cached and the rest not; page
0 cannot.  An access to what is not there ends the machine with a register dump and the status 125.  Times are
nanoseconds since boot.
"""

from typing import Final, NoReturn

from typing_extensions import Buffer

MACHINE: Final[str]
"""What carries the kernel: "metal", or "xen"."""
COMMAND_LINE: Final[bytes]
"""As the boot loader gave it."""
MODULES: Final[tuple[tuple[int, int, bytes], ...]]
"""(address, length, own command line) of each boot module; the first is the image's."""
MEMORY: Final[int]
"""Bytes of RAM."""
TSC_HZ: Final[int]
RSDP: Final[int]
"""The address of ACPI's root pointer, or 0."""
SHARED_INFO: Final[int]
"""The address of Xen's shared_info, or 0."""
START_INFO: Final[int]
"""The address of hvm_start_info, or 0 when Multiboot started the kernel."""
PAGE_SIZE: Final[int]

def monotonic() -> int: ...
def epoch_offset() -> int:
    """What to add to `monotonic` for the time since 1970; a CMOS clock is exact to a second; 0 without a clock."""

def timestamp() -> int:
    """The processor's time stamp counter."""

def wait(until: int, seen: int = -1, /) -> int:
    """Sleeps until that time, or until `interrupts` is no longer `seen` (-1: for the time only).  Other threads run.

    An interrupt is never missed: take `interrupts()`, look whether there is work, `wait(time, what was taken)`.
    """

def interrupts() -> int:
    """How many interrupts came so far on the vectors that `interrupt_vector` gave."""

def interrupt_vector() -> int:
    """A vector of the processor's table for a device (MSI-X: address 0xfee00000, data the vector) or for Xen's events.

    Errors: OSError(ENOSPC) when all are given out.
    """

def port_in(port: int, width: int, /) -> int:
    """Reads 1, 2 or 4 bytes.  Errors: ValueError on another width."""

def port_out(port: int, width: int, value: int, /) -> None:
    """Writes 1, 2 or 4 bytes.  Errors: ValueError on another width."""

def load(address: int, width: int, /) -> int:
    """One access of exactly 1, 2, 4 or 8 bytes.  Errors: ValueError on another width."""

def store(address: int, width: int, value: int, /) -> None:
    """One access of exactly 1, 2, 4 or 8 bytes.  Errors: ValueError on another width."""

def compare_exchange(address: int, old: int, new: int, /) -> int:
    """Puts `new` into the 32 bits there if they are `old`, in one locked step.  What was there."""

def barrier() -> None:
    """What was stored before is seen before what is loaded or stored after."""

def view(address: int, length: int, /) -> memoryview:
    """The bytes there, writable."""

def physical(buffer: Buffer, /) -> int:
    """The address of a contiguous buffer.  Good for as long as it lives and keeps its size."""

def pages(count: int, /) -> int:
    """The address of that many pages, contiguous and zero.  Errors: MemoryError."""

def pages_free(address: int, count: int, /) -> None:
    """Gives back pages, any part of an allocation."""

def device_map(address: int, length: int, /) -> None:
    """Makes device memory above 4 GiB reachable.  Errors: OSError(EINVAL, ENOMEM)."""

def cpuid(leaf: int, subleaf: int = 0, /) -> tuple[int, int, int, int]:
    """(eax, ebx, ecx, edx)"""

def read_msr(number: int, /) -> int: ...
def write_msr(number: int, value: int, /) -> None: ...
def hypercall(number: int, /, *arguments: int) -> int:
    """What Xen returns; a negative one is an error number of Xen.  At most five arguments.  Without Xen -38."""

def random(length: int, /) -> bytes:
    """Random bytes of the kernel's generator, which the processor's seed."""

def random_add(data: Buffer, /) -> None:
    """Stirs more entropy into the generator."""

def console_write(data: Buffer, /) -> None:
    """Writes all of it, byte for byte."""

def console_read(length: int, until: int, /) -> bytes:
    """What came, at most `length` bytes; waits for the first until that time.  b"" when there was none."""

def halt(status: int, /) -> NoReturn:
    """Ends the machine at once.  0 to 127; 125 is the kernel's, for a machine that died."""
