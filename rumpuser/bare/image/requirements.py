# SPDX-License-Identifier: BSD-2-Clause
"""What has to be on the machine that builds an image, and by which Debian package it comes."""

from __future__ import annotations

import os
import shutil

VERSION = "3.11"
STATIC_LIBRARY = f"/usr/lib/python{VERSION}/config-{VERSION}-x86_64-linux-gnu/libpython{VERSION}.a"
HEADERS = f"/usr/include/python{VERSION}"
STANDARD_LIBRARY = f"/usr/lib/python{VERSION}"
INTERPRETER = f"/usr/bin/python{VERSION}"
"""The one whose code files the static interpreter reads."""
COMPILER = "gcc"

_FILES = (
    (INTERPRETER, f"python{VERSION}"),
    (STATIC_LIBRARY, f"libpython{VERSION}-dev"),
    (f"{HEADERS}/Python.h", f"libpython{VERSION}-dev"),
    (f"{STANDARD_LIBRARY}/os.py", f"libpython{VERSION}-stdlib"),
    ("/usr/lib/x86_64-linux-gnu/libc.a", "libc6-dev"),
    ("/usr/lib/x86_64-linux-gnu/libexpat.a", "libexpat1-dev"),
    ("/usr/lib/x86_64-linux-gnu/libz.a", "zlib1g-dev"),
)


class ImageError(Exception):
    """The image cannot be built; the message says why, for the person who wants it."""


def missing() -> list[str]:
    """The Debian packages to install."""
    names = [] if shutil.which(COMPILER) else ["gcc"]
    names += [package for path, package in _FILES if not os.path.exists(path)]
    return sorted(set(names))


def check() -> None:
    """Errors: ImageError, with the command to install what is missing on Debian 12 (amd64)."""
    names = missing()
    if names:
        command = f"apt-get install --no-install-recommends {' '.join(names)}"
        raise ImageError(f"the image is built from the CPython of Debian 12 (amd64): {command}")
