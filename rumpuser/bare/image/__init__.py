# SPDX-License-Identifier: BSD-2-Clause
"""Builds what a bare machine boots: a kernel and a boot module with CPython, its library and `rump`.

A program of the building host (Debian 12, amd64), not of the machine: nothing of the backend imports it.  The same
sources give the same image, byte for byte; it is kept in the user's cache folder and built once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile

from rump.rumpuser.bare.image import archive, binaries, library, requirements
from rump.rumpuser.bare.image.requirements import ImageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ImageError", "build", "cache_folder"]

KERNEL = "kernel.elf"
PROGRAM = "python"
MODULE = "initrd.cpio"
KEPT = 4
"""How many images stay in the cache."""


def cache_folder() -> str:
    """Where images are kept: below $XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "rumpkernel", "metal")


def build(cache: str = "") -> tuple[str, str]:
    """(kernel, boot module): paths of files in the cache, made if they are not there.

    Errors: ImageError - packages are missing, something does not compile.
    """
    requirements.check()
    cache = cache or cache_folder()
    os.makedirs(cache, exist_ok=True)
    compiled = _kept(cache, "binaries", _binaries_key(), _build_binaries)
    modules = library.Library(requirements.INTERPRETER, os.path.join(cache, "code"))
    files = modules.files(library.standard(requirements.STANDARD_LIBRARY)) + modules.files(library.packages())
    key = hashlib.sha256(os.path.basename(compiled).encode())
    for name, data in files:
        key.update(b"%b\0%d\0" % (name.encode("utf-8", "surrogateescape"), len(data)) + data)
    image = _kept(cache, "image", key.hexdigest(), lambda folder: _build_image(folder, compiled, files))
    return os.path.join(image, KERNEL), os.path.join(image, MODULE)


def _binaries_key() -> str:
    """A hash of everything that the binaries are made from."""
    digest = hashlib.sha256()
    paths = binaries.sources(binaries.SOURCES, ".c", ".S", ".h", ".ld")
    paths += binaries.sources(binaries.PROGRAM_SOURCES, ".c")
    for path in (*paths, binaries.__file__, requirements.STATIC_LIBRARY):
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    version = subprocess.run([requirements.COMPILER, "--version"], stdout=subprocess.PIPE, check=True)
    digest.update(version.stdout)
    return digest.hexdigest()


def _build_binaries(folder: str) -> None:
    binaries.build_kernel(os.path.join(folder, KERNEL))
    binaries.build_program(os.path.join(folder, PROGRAM))


def _build_image(folder: str, compiled: str, files: list[tuple[str, bytes]]) -> None:
    shutil.copyfile(os.path.join(compiled, KERNEL), os.path.join(folder, KERNEL))
    with open(os.path.join(compiled, PROGRAM), "rb") as program, open(os.path.join(folder, MODULE), "wb") as output:
        archive.write(output, [(PROGRAM, program.read()), *files])


def _kept(cache: str, kind: str, key: str, make: Callable[[str], None]) -> str:
    """The folder of that kind and key; `make` fills it the first time.  Builders may race: the first one's stays."""
    folder = os.path.join(cache, f"{kind}-{key[:16]}")
    if os.path.isdir(folder):
        os.utime(folder)
        return folder
    work = tempfile.mkdtemp(prefix="building-", dir=cache)
    try:
        make(work)
        os.chmod(work, 0o755)
        os.rename(work, folder)
    except OSError:
        if not os.path.isdir(folder):
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _forget_old(cache, kind)
    return folder


def _forget_old(cache: str, kind: str) -> None:
    folders = [entry for entry in os.scandir(cache) if entry.name.startswith(kind + "-")]
    for entry in sorted(folders, key=lambda entry: entry.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(entry.path, ignore_errors=True)
