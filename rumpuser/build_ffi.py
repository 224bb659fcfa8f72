# SPDX-License-Identifier: BSD-2-Clause
"""Builds the compiled pieces of a host: ``python build_ffi.py netbsd`` puts them into that host's folder.

A piece is a file of ``_c`` with up to four strings: INCLUDES, TYPES (structures and constants for cffi), FUNCTIONS
(prototypes for cffi) and CODE (C).  The host's ``_c/__init__.py`` lists its pieces, a piece after those it uses;
``posix/crc32c`` is a shared one.  API mode: the C compiler of the host supplies every number and layout.
"""

from __future__ import annotations

import os
import runpy
import sys
from functools import partial

from cffi import FFI

RUMPUSER = os.path.dirname(os.path.abspath(__file__))


def pieces(host: str) -> list[dict[str, str]]:
    """All pieces of a host.  They are read as files, not imported: `rump` need not be importable while it is built."""
    listed = runpy.run_path(os.path.join(RUMPUSER, host, "_c", "__init__.py"))["PIECES"]
    return [_piece(host, name) for name in listed]


def _piece(host: str, name: str) -> dict[str, str]:
    folder, _, piece = name.rpartition("/")
    found = runpy.run_path(os.path.join(RUMPUSER, folder or host, "_c", f"{piece}.py"))
    return {part: found.get(part, "") for part in ("INCLUDES", "TYPES", "FUNCTIONS", "CODE")}


def source(host: str) -> str:
    """The C of all pieces of a host."""
    found = pieces(host)
    return "".join(piece["INCLUDES"] for piece in found) + "".join(piece["CODE"] for piece in found)


def make(host: str) -> FFI:
    """All pieces of a host, declared."""
    builder = FFI()
    for piece in pieces(host):
        builder.cdef(piece["TYPES"] + piece["FUNCTIONS"])
    builder.set_source(f"rump.rumpuser.{host}._ffi", source(host), extra_compile_args=["-O2"])
    return builder


# What setup.py asks for by the host's name.
cygwin, dragonfly, freebsd, hurd, linux, macos, netbsd, openbsd, solaris = (
    partial(make, host)
    for host in ("cygwin", "dragonfly", "freebsd", "hurd", "linux", "macos", "netbsd", "openbsd", "solaris")
)


def main(host: str) -> None:
    """Build into the checkout: the module's dotted name becomes folders below .dev, where rump/rumpuser is a link."""
    make(host).compile(tmpdir=os.path.join(RUMPUSER, "..", ".dev"), verbose=True)
    os.remove(os.path.join(RUMPUSER, host, "_ffi.o"))


if __name__ == "__main__":
    main(sys.argv[1])
