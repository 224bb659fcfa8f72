# SPDX-License-Identifier: BSD-2-Clause
"""The filter of system calls that a confined process puts on itself, seccomp(2), as a program for classic BPF.

What may be called is what a Python program of one thread needs that reads, writes and computes: descriptors that it
has, memory without code in it, the clocks, its own end.  All else is answered with EPERM, the calls of another
architecture with death.  The numbers are those of the kernel's headers (asm/unistd.h) for each architecture.
"""

from __future__ import annotations

from struct import pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Instruction: TypeAlias = tuple[int, int, int, int]

NAMES = (
    "read", "write", "close", "readv", "pread64", "preadv", "preadv2", "munmap", "mremap", "brk", "madvise", "futex",
    "exit", "exit_group", "clock_gettime", "clock_getres", "gettimeofday", "rt_sigreturn", "rt_sigaction",
    "rt_sigprocmask", "sigaltstack", "getrandom", "restart_syscall", "sched_yield", "getpid", "gettid",
    "mmap", "mprotect",
)  # fmt: skip
"""The calls allowed, in the order of the columns below; the last two only for memory that cannot be executed."""
GUARDED = ("mmap", "mprotect")

NUMBERS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, (
        0, 1, 3, 19, 17, 295, 327, 11, 25, 12, 28, 202, 60, 231, 228, 229, 96, 15, 13, 14, 131, 318, 219, 24, 39, 186,
        9, 10,
    )),
    "aarch64": (0xC00000B7, (
        63, 64, 57, 65, 67, 69, 286, 215, 216, 214, 233, 98, 93, 94, 113, 114, 169, 139, 134, 135, 132, 278, 128, 124,
        172, 178, 222, 226,
    )),
    "i386": (0x40000003, (
        3, 4, 6, 145, 180, 333, 378, 91, 163, 45, 219, 240, 1, 252, 265, 266, 78, 173, 174, 175, 186, 355, 0, 158, 20,
        224, 192, 125,
    )),
    "arm": (0x40000028, (
        3, 4, 6, 145, 180, 361, 392, 91, 163, 45, 220, 240, 1, 248, 263, 264, 78, 173, 174, 175, 186, 384, 0, 158, 20,
        224, 192, 125,
    )),
}  # fmt: skip
"""Architecture -> its AUDIT_ARCH number (linux/audit.h), and the numbers of `NAMES`; mmap is mmap2 where that is."""
ALSO: dict[str, tuple[int, ...]] = {"i386": (403, 422, 119), "arm": (403, 422, 119)}
"""clock_gettime64, futex_time64, sigreturn: what 32-bit architectures have besides."""

_LOAD, _EQUAL, _LEAST, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06     # linux/bpf_common.h
_KILL, _ALLOW, _REFUSE = 0x80000000, 0x7FFF0000, 0x00050000 | 1         # SECCOMP_RET_*; EPERM is 1
_NUMBER, _ARCHITECTURE, _PROTECTION = 0, 4, 32                          # struct seccomp_data; the third argument
_PROT_EXEC = 4
_X32 = 0x40000000
"""x86-64 takes calls of its other ABI, x32, by numbers from here on."""


def program(architecture: str) -> bytes | None:
    """The filter, as an array of struct sock_filter; None for an architecture whose numbers are not known here."""
    if architecture not in NUMBERS:
        return None
    audit, numbers = NUMBERS[architecture]
    plain = [*numbers[: -len(GUARDED)], *ALSO.get(architecture, ())]
    lines: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER),
        (_LEAST, 0, 1, _X32 if architecture == "x86_64" else 0xFFFFFFFF), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    for number in plain:
        lines += (_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)
    for number in numbers[-len(GUARDED) :]:
        lines += (
            (_EQUAL, 0, 4, number), (_LOAD, 0, 0, _PROTECTION), (_SET, 1, 0, _PROT_EXEC), (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _REFUSE),
        )  # fmt: skip
    lines.append((_RETURN, 0, 0, _REFUSE))
    return b"".join([pack("=HBBI", *line) for line in lines])
