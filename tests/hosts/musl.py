# SPDX-License-Identifier: BSD-2-Clause
"""Linux with another C library: a CPython made of Debian's source package, linked statically with musl.

Takes about a minute and a half of two processors, once.  There is no zlib in it: the kernel's own inflate does the
work.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from debian import RELEASE, mirror
from running import Failure, Host, cache, captured, made, needs, package_folder, python_path

SOURCE = "python3.11"
_WITHOUT = ("zlib", "_bz2", "_lzma", "_ssl", "_hashlib", "_curses", "_curses_panel", "_ctypes", "_sqlite3", "readline",
            "_dbm", "_gdbm", "_tkinter", "nis", "_crypt", "_uuid", "ossaudiodev", "spwd")  # fmt: skip
_WRAPPER = """\
#!/bin/sh
# configure wants the answer to be what it found out by itself, and to that musl and glibc are one
[ "$1" = --print-multiarch ] && { echo x86_64-linux-gnu; exit; }
exec musl-gcc "$@"
"""


class Musl(Host):
    """A static CPython with musl."""

    title = "Linux x86-64, musl"
    how = "CPython of Debian's source package, linked statically with Debian's musl"

    @property
    def _home(self) -> Path:
        return cache() / f"musl-{SOURCE}"

    def prepare(self) -> None:
        """Fetch the source and build it."""
        if self._home.exists():
            return
        needs("musl-gcc", "musl-tools")
        work = cache() / "musl.unfinished"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        source = _fetched(work)
        _configured(work, source)
        made(source, "make", ["make", f"-j{os.cpu_count() or 1}", "python"])
        home = work / "home"
        (home / "bin").mkdir(parents=True)
        shutil.copy2(source / "python", home / "bin/python3")
        needless = shutil.ignore_patterns("test", "tests", "idlelib")
        shutil.copytree(source / "Lib", home / "lib/python3.11", ignore=needless)
        for generated in source.glob("build/lib*/_sysconfigdata*.py"):
            shutil.copy2(generated, home / "lib/python3.11")
        home.rename(self._home)
        shutil.rmtree(work)

    def run(self, arguments: list[str]) -> str:
        environment = python_path(package_folder(), PYTHONHOME=str(self._home))
        return captured([str(self._home / "bin/python3"), "-m", "rump.conformance", *arguments], environment)


def _fetched(work: Path) -> Path:
    """The source, unpacked; apt is told of the source archive for this once only."""
    needs("dpkg-source", "dpkg-dev")
    (work / "sources.list").write_text(f"deb-src {mirror()} {RELEASE} main\n")
    (work / "lists/partial").mkdir(parents=True)
    options = [f"-oDir::Etc::SourceList={work}/sources.list", "-oDir::Etc::SourceParts=-",
               f"-oDir::State::Lists={work}/lists"]  # fmt: skip
    made(work, "apt-get update", ["apt-get", *options, "update"])
    made(work, f"apt-get source {SOURCE}", ["apt-get", *options, "source", SOURCE])
    found = sorted(work.glob("python3.11-*/configure"))
    if not found:
        raise Failure(f"the source package {SOURCE} has no configure")
    return found[0].parent


def _configured(work: Path, source: Path) -> None:
    """Configure a static build whose modules are all built in."""
    compiler = work / "musl-cc"
    compiler.write_text(_WRAPPER)
    compiler.chmod(0o755)
    without = {f"py_cv_module_{name}": "n/a" for name in _WITHOUT}
    environment = {**os.environ, **without, "CC": str(compiler), "PKG_CONFIG": "/bin/false", "LINKFORSHARED": " ",
                   "MODULE_BUILDTYPE": "static", "CFLAGS": "-O2 -fno-pie", "LDFLAGS": "-static -no-pie"}  # fmt: skip
    command = ["./configure", "--disable-shared", "--without-ensurepip", "--disable-test-modules",
               f"--with-build-python={sys.executable}", "--build=x86_64-linux-gnu"]  # fmt: skip
    made(source, "configure", command, env=environment)
    # Modules listed here become part of the interpreter.
    lines = (source / "Modules/Setup.stdlib").read_text().splitlines()
    wanted = [line for line in lines if line.split()[:1] not in [[name] for name in _WITHOUT]]
    (source / "Modules/Setup.local").write_text("*static*\n" + "\n".join(wanted) + "\n")
