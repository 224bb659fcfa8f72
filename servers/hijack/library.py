# SPDX-License-Identifier: BSD-2-Clause
"""Where the library for LD_PRELOAD is: installed with the package, or compiled when it is first asked for."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_c")
FLAGS = ("-std=gnu11", "-O2", "-fPIC", "-fvisibility=hidden")
"""How it is compiled; setup.py has the same."""


def library() -> str:
    """The path of the library.  Errors: `OSError` ENOSYS - none for this host, or nothing to compile it with."""
    found = _installed() or _kept()
    if not os.path.exists(found):
        _compile(found)
    return found


def _installed() -> str | None:
    """What setup.py built beside this file."""
    folder = os.path.dirname(os.path.abspath(__file__))
    names = sorted(name for name in os.listdir(folder) if name.startswith("_preload.") and name.endswith(".so"))
    return os.path.join(folder, names[0]) if names else None


def _kept() -> str:
    """Where one that was compiled is kept: below $XDG_CACHE_HOME, or ~/.cache, by what it was compiled from."""
    digest = hashlib.sha256(repr((FLAGS, os.uname().machine)).encode())
    for name in sorted(os.listdir(SOURCES)):
        with open(os.path.join(SOURCES, name), "rb") as file:
            digest.update(file.read())
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "rumpkernel", f"hijack-{digest.hexdigest()[:16]}.so")


def _compile(target: str) -> None:
    """Compile it; renamed into place, so that nobody loads half of one."""
    compiler = (os.environ.get("CC") or "cc").split()
    if sys.maxsize < 2**32 or shutil.which(compiler[0]) is None:
        raise OSError(errno.ENOSYS, "the library for unmodified programs needs a C compiler and a 64-bit Linux", target)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    sources = [os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES)) if name.endswith(".c")]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as folder:
        made = os.path.join(folder, "library.so")
        command = [*compiler, *FLAGS, "-shared", "-o", made, *sources, "-ldl"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if result.returncode != 0:
            last = result.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise OSError(errno.ENOSYS, f"the library does not compile here: {' '.join(last)}", target)
        os.rename(made, target)
