# SPDX-License-Identifier: BSD-2-Clause
"""The compiled halves of an image: our kernel, and the program that it carries: Debian's CPython, linked statically."""

from __future__ import annotations

import os
import subprocess

from rump.rumpuser.bare.image import requirements
from rump.rumpuser.bare.image.requirements import ImageError

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "metal", "_c")
PROGRAM_SOURCES = os.path.join(SOURCES, "python")
PROGRAM_START = 0x4000000
"""Where it is linked: PROGRAM_START of kernel.h."""
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter")
KERNEL_FLAGS = (
    "-std=gnu11", "-O2", "-ffreestanding", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables", "-fno-strict-aliasing", "-fno-tree-loop-distribute-patterns",
    "-mno-red-zone",            # its own interrupts push on its stack
    "-mgeneral-regs-only",      # the other registers are the program's
)  # fmt: skip
KERNEL_LINK = (
    "-nostdlib", "-static", "-no-pie", "-s", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096",
    "-Wl,--no-warn-rwx-segments",
)  # fmt: skip
PROGRAM_FLAGS = (
    "-std=gnu11", "-O2", "-DNDEBUG", "-static", "-no-pie", "-fno-pie", "-s", "-Wl,--build-id=none",
    f"-Wl,-Ttext-segment={PROGRAM_START:#x}", "-Wl,-z,max-page-size=4096",
    "-Wl,--no-warnings",        # libc's, about name services that a static program finds at run time
)  # fmt: skip
PROGRAM_LIBRARIES = (requirements.STATIC_LIBRARY, "-lm", "-lexpat", "-lz")


def sources(folder: str, *endings: str) -> list[str]:
    """The files of a folder with one of these endings, sorted."""
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(endings)]


def build_kernel(output: str) -> None:
    """Errors: ImageError with the compiler's words."""
    script = os.path.join(SOURCES, "kernel.ld")
    _compiler(*WARNINGS, *KERNEL_FLAGS, *KERNEL_LINK, f"-Wl,-T,{script}", "-o", output, *sources(SOURCES, ".c", ".S"))


def build_program(output: str) -> None:
    """Errors: ImageError with the compiler's words."""
    flags = (*WARNINGS, *PROGRAM_FLAGS, f"-ffile-prefix-map={SOURCES}=_c", f"-I{requirements.HEADERS}")
    _compiler(*flags, "-o", output, *sources(PROGRAM_SOURCES, ".c"), *PROGRAM_LIBRARIES)


def _compiler(*arguments: str) -> None:
    environment = {**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"}
    command = [requirements.COMPILER, *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise ImageError(f"{' '.join(command)}\n{done.stdout.decode('utf-8', 'replace')}")
