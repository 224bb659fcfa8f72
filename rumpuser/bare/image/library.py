# SPDX-License-Identifier: BSD-2-Clause
"""What the interpreter imports: the standard library and `rump`, as code files without their sources."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

from rump.rumpuser.bare.image.requirements import ImageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD = "lib/python"     # where main.c looks
SITE = "lib/site"
WORKERS = 2
_UNUSABLE = {
    "__pycache__", "config-3.11-x86_64-linux-gnu", "ctypes", "curses", "dbm", "dist-packages", "distutils", "ensurepip",
    "idlelib", "lib-dynload", "lib2to3", "multiprocessing", "pydoc_data", "site-packages", "sqlite3", "test", "tkinter",
    "turtledemo", "venv",
}  # fmt: skip
"""Folders of the standard library that need shared libraries, processes or a screen, or are no library."""
_NOT_IMPORTED = (".c", ".h", ".S", ".ld", ".so", ".pyc", ".pyi", ".typed")


def standard(folder: str) -> Iterator[tuple[str, str]]:
    """(path in the image, file) of the standard library's modules in that folder of the host."""
    return ((f"{STANDARD}/{name}", path) for name, path in _walk(folder) if name.endswith(".py"))


def packages() -> Iterator[tuple[str, str]]:
    """(path in the image, file) of all of `rump` that is installed, with the data that its packages carry."""
    import rump

    for folder in sorted(rump.__path__):
        for name, path in _walk(folder):
            last = os.path.basename(name)
            if not name.endswith(_NOT_IMPORTED) and not last.startswith("test_") and last != "conftest.py":
                yield f"{SITE}/rump/{name}", path


def _walk(top: str) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(top, followlinks=True):
        folders[:] = sorted(name for name in folders if name not in _UNUSABLE)
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, top).replace(os.sep, "/"), path


class Library:
    """Code files, kept in a folder by the source's hash and place, so that only what changed is compiled again."""

    def __init__(self, python: str, cache: str) -> None:
        self._python = python
        self._cache = cache

    def files(self, sources: Iterator[tuple[str, str]]) -> list[tuple[str, bytes]]:
        """What goes into the image: a module's code, other files as they are; in order of their paths."""
        plan = [(name, path, self._code_file(name, path)) for name, path in sources]
        self._compile([entry for entry in plan if entry[2] and not os.path.exists(entry[2])])
        return sorted((name + "c", _read(code)) if code else (name, _read(path)) for name, path, code in plan)

    def _code_file(self, name: str, path: str) -> str:
        """Where its code is kept; "" for what is no module."""
        if not name.endswith(".py"):
            return ""
        digest = hashlib.sha256(b"\0".join((self._python.encode(), name.encode(), _read(path))))
        return os.path.join(self._cache, digest.hexdigest()[:32] + ".pyc")

    def _compile(self, missing: list[tuple[str, str, str]]) -> None:
        os.makedirs(self._cache, exist_ok=True)
        program = os.path.join(os.path.dirname(__file__), "compile_files.py")
        environment = {"PYTHONHASHSEED": "0"}       # the order of frozen sets in the code
        workers = []
        for share in filter(None, (missing[start::WORKERS] for start in range(WORKERS))):
            worker = subprocess.Popen(
                [self._python, "-S", program], env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE
            )
            workers.append((worker, "".join(f"{path}\n/{name}\n{code}\n" for name, path, code in share)))
        for worker, plan in workers:
            errors = worker.communicate(plan.encode(sys.getfilesystemencoding(), "surrogateescape"))[1]
            if worker.returncode:
                raise ImageError(errors.decode("utf-8", "replace"))


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
