# SPDX-License-Identifier: BSD-2-Clause
"""Debian for other processors: its Python and its C library, run natively or by QEMU's user mode.

Nothing is installed and nobody's root is changed: mmdebstrap unpacks packages to a folder, and the program is started
by its own dynamic loader, which is told where its libraries are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from running import Failure, Host, cache, captured, made, needs, package_folder, python_path

RELEASE = "bookworm"
ATTEMPTS = 3            # a mirror that is just being brought up to date refuses for a moment


class Debian(Host):
    """A processor architecture of Debian."""

    def __init__(self, architecture: str, title: str) -> None:
        self._architecture = architecture
        self.title = title
        self._emulator = _EMULATORS.get(architecture)
        by = f"QEMU user mode ({self._emulator})" if self._emulator else "natively"
        self.how = f"Debian 12 {architecture} packages of Python and the C library, {by}"

    @property
    def _root(self) -> Path:
        return cache() / f"debian-{RELEASE}-{self._architecture}"

    def prepare(self) -> None:
        """Unpack the packages."""
        if self._root.exists():
            return
        needs("mmdebstrap", "mmdebstrap")
        unfinished = self._root.with_suffix(".unfinished")
        command = ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={self._architecture}",
                   "--include=python3", RELEASE, str(unfinished), mirror()]  # fmt: skip
        for left in reversed(range(ATTEMPTS)):
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                made(cache(), f"making Debian {self._architecture}", command)
                break
            except Failure:
                if not left:
                    raise
        unfinished.rename(self._root)

    def run(self, arguments: list[str]) -> str:
        python = str(self._root / "usr/bin/python3.11")
        if self._emulator:
            command = [needs(self._emulator, "qemu-user-static"), "-L", str(self._root), python]
        else:
            command = [*self._loader(), python]
        home = str(self._root / "usr")
        environment = python_path(package_folder(), PYTHONHOME=home, RUMP_INTERPRETER=" ".join(command))
        return captured([*command, "-m", "rump.conformance", *arguments], environment)

    def _loader(self) -> list[str]:
        """The dynamic loader and what to tell it, for a processor that this one can be."""
        loader, triplet = _LOADERS[self._architecture]
        folders = [self._root / "lib" / triplet, self._root / "usr/lib" / triplet]
        return [str(self._root / loader), "--library-path", ":".join(map(str, folders))]


_EMULATORS = {"arm64": "qemu-aarch64-static", "armhf": "qemu-arm-static", "s390x": "qemu-s390x-static"}
_LOADERS = {"i386": ("lib/ld-linux.so.2", "i386-linux-gnu")}


def mirror() -> str:
    """Where this machine gets its Debian from.  Errors: Failure."""
    needs("apt-get", "apt")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    for line in done.stdout.splitlines():
        uri, _, codename = line.partition(" ")
        if codename == RELEASE:
            return uri
    told = os.environ.get("RUMP_DEBIAN_MIRROR")
    if told:
        return told
    raise Failure(f"apt knows no source of Debian {RELEASE}; name a mirror in RUMP_DEBIAN_MIRROR")
