# SPDX-License-Identifier: BSD-2-Clause
"""Builds the compiled pieces of this host: ``python build_ffi.py`` puts them beside this file.

A piece is a file of ``_c`` with four strings: INCLUDES, TYPES (structures and constants for cffi), FUNCTIONS
(prototypes for cffi) and CODE (C).  API mode: the C compiler of the host supplies every number and layout.
"""

from __future__ import annotations

import os
import runpy

from cffi import FFI

MODULE = "rump.rumpuser.linux._ffi"
PIECES = ("crc32c", "discard")
HERE = os.path.dirname(os.path.abspath(__file__))


def make() -> FFI:
    """All pieces, declared.  They are read as files, not imported: `rump` need not be importable while it is built."""
    pieces = [runpy.run_path(os.path.join(HERE, "_c", f"{name}.py")) for name in PIECES]
    builder = FFI()
    for piece in pieces:
        builder.cdef(piece["TYPES"] + piece["FUNCTIONS"])
    source = "".join(piece["INCLUDES"] for piece in pieces) + "".join(piece["CODE"] for piece in pieces)
    builder.set_source(MODULE, source, extra_compile_args=["-O2"])
    return builder


ffibuilder = make()

if __name__ == "__main__":
    # The module's dotted name becomes folders below tmpdir; .dev/rump/rumpuser is a link to this tree.
    ffibuilder.compile(tmpdir=os.path.join(HERE, "..", "..", ".dev"), verbose=True)
    os.remove(os.path.join(HERE, "_ffi.o"))
